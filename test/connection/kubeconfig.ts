type Stanza = Readonly<Record<string, unknown>>;

/** A kubeconfig with the context `one`; what is given stands beside what every one needs. */
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

/** A user whose credentials the plugin beside the kubeconfig has. */
export function plugin(more: Stanza = {}): Stanza {
  const apiVersion = "client.authentication.k8s.io/v1";
  return { exec: { apiVersion, command: "./plugin", interactiveMode: "IfAvailable", ...more } };
}

/** What a plugin prints. */
export function credential(status: Stanza, version = "v1"): object {
  const apiVersion = `client.authentication.k8s.io/${version}`;
  return { apiVersion, kind: "ExecCredential", status };
}
