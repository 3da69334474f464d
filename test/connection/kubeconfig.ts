type Stanza = Readonly<Record<string, unknown>>;

/** Returns a kubeconfig with the context `one`, and with the given fields in its entries. */
export function config(
  user: Stanza = { token: "one" },
  cluster: Stanza = {},
  context: Stanza = {},
): object {
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "one", cluster: { ...CLUSTER, ...cluster } }],
    users: [{ name: "one", user }],
    contexts: [{ name: "one", context: { cluster: "one", user: "one", ...context } }],
    "current-context": "one",
  };
}

export const CLUSTER = {
  server: "https://127.0.0.1:{https}",
  "certificate-authority-data": "{caData}",
};

/** Returns a user whose credentials come from the plugin in the folder of the kubeconfig. */
export function plugin(more: Stanza = {}): Stanza {
  const apiVersion = "client.authentication.k8s.io/v1";
  return { exec: { apiVersion, command: "./plugin", interactiveMode: "IfAvailable", ...more } };
}

/** Returns the output of a plugin. */
export function credential(status: Stanza, version = "v1"): object {
  const apiVersion = `client.authentication.k8s.io/${version}`;
  return { apiVersion, kind: "ExecCredential", status };
}
