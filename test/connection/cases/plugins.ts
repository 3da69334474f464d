import type { Case } from "../case.ts";
import { CLUSTER, config, credential, plugin } from "../kubeconfig.ts";

const API = "client.authentication.k8s.io";
const TOKEN = credential({ token: "from-plugin" });

/** Returns a kubeconfig with a plugin that prints the given text. */
function beside(printed: object | string, exec: object = {}, more: object = {}): Case["files"] {
  return {
    config: config({ ...plugin(exec as Record<string, unknown>), ...more }),
    plugin: "plugin",
    "credential.json": printed,
  };
}

/** Cases about credential plugins, such as kubelogin. */
export const PLUGINS: readonly Case[] = [
  {
    name: "v1: the plugin runs once, with its input, and its prompt is visible",
    files: beside(TOKEN, { args: ["get-token", "--server-id", "6dae42f8"] }),
    expect: {
      authorization: "Bearer from-plugin",
      runs: 1,
      pluginInput: {
        info: { apiVersion: `${API}/v1`, kind: "ExecCredential", spec: { interactive: false } },
      },
      stderr: /^To sign in, enter the code ABC$/m,
    },
  },
  {
    name: "v1beta1 without interactiveMode",
    files: beside(credential({ token: "beta" }, "v1beta1"), {
      apiVersion: `${API}/v1beta1`,
      interactiveMode: undefined,
    }),
    expect: { authorization: "Bearer beta", runs: 1, pluginInput: { stdin: "" } },
  },
  {
    name: "v1 without interactiveMode",
    files: beside(TOKEN, { interactiveMode: undefined }),
    expect: { refused: 'the credential plugin of the user "one" has no interactiveMode' },
  },
  {
    name: "v1alpha1",
    files: beside(credential({ token: "alpha" }, "v1alpha1"), { apiVersion: `${API}/v1alpha1` }),
    expect: {
      refused: `the credential plugin of the user "one" has the apiVersion "${API}/v1alpha1"`,
    },
  },
  {
    name: "no apiVersion",
    files: beside(TOKEN, { apiVersion: undefined }),
    expect: { refused: 'the credential plugin of the user "one" has no apiVersion' },
  },
  {
    name: "interactiveMode Never",
    files: beside(TOKEN, { interactiveMode: "Never" }),
    expect: { authorization: "Bearer from-plugin", runs: 1, pluginInput: { stdin: "" } },
  },
  {
    name: "a plugin that reads stdin to its end",
    files: beside(TOKEN, { env: [{ name: "PATIENCE", value: "30" }] }),
    expect: { authorization: "Bearer from-plugin", runs: 1, pluginInput: { stdin: "" } },
  },
  {
    name: "interactiveMode Always without a terminal",
    files: beside(TOKEN, { interactiveMode: "Always" }),
    expect: { refused: "needs a terminal" },
  },
  {
    name: "an unknown interactiveMode",
    files: beside(TOKEN, { interactiveMode: "Sometimes" }),
    expect: { refused: 'has the interactiveMode "Sometimes"' },
  },
  {
    name: "env overrides the environment",
    files: beside(TOKEN, { env: [{ name: "EXTRA", value: "more" }] }),
    env: { EXTRA: "less" },
    expect: { authorization: "Bearer from-plugin", runs: 1, pluginInput: { extra: "more" } },
  },
  {
    name: "provideClusterInfo",
    files: {
      "sub/config": config(
        { ...plugin({ command: "../plugin", provideClusterInfo: true }) },
        {
          "certificate-authority-data": undefined,
          "certificate-authority": "ca.crt",
          "tls-server-name": "api.test",
          extensions: [
            { name: `${API}/exec`, extension: { audience: "x", deep: { list: [1, true] } } },
            { name: "other", extension: { a: 1 } },
          ],
        },
      ),
      "sub/ca.crt": "{ca}",
      plugin: "plugin",
      "credential.json": TOKEN,
    },
    env: { KUBECONFIG: "{dir}/sub/config" },
    expect: { authorization: "Bearer from-plugin", sni: "api.test", runs: 1 },
  },
  {
    name: "provideClusterInfo for a cluster without a certificate authority",
    files: {
      config: config(plugin({ provideClusterInfo: true }), {
        "certificate-authority-data": undefined,
        "insecure-skip-tls-verify": true,
      }),
      plugin: "plugin",
      "credential.json": TOKEN,
    },
    expect: { authorization: "Bearer from-plugin", runs: 1 },
  },
  {
    name: "a command in PATH",
    files: {
      ...beside(TOKEN, { command: "kubelogin" }),
      "bin/kubelogin": "plugin",
      "bin/credential.json": TOKEN,
    },
    env: { PATH: "{dir}/bin:/usr/bin:/bin" },
    expect: { authorization: "Bearer from-plugin" },
  },
  {
    name: "a command with a relative path, from another working directory",
    files: {
      "sub/config": config(plugin({ command: "bin/plugin" })),
      "sub/bin/plugin": "plugin",
      "sub/bin/credential.json": TOKEN,
      "elsewhere/file": "",
    },
    cwd: "elsewhere",
    env: { KUBECONFIG: "../sub/config" },
    expect: { authorization: "Bearer from-plugin" },
  },
  {
    name: "a missing command with an installHint",
    files: beside(TOKEN, {
      command: "kubelogin-x",
      installHint: "Install it:\n  az aks install-cli",
    }),
    expect: {
      refused:
        'the credential plugin kubelogin-x of the user "one" is not installed\nInstall it: az aks install-cli\n',
    },
  },
  {
    name: "a missing command without an installHint",
    files: beside(TOKEN, { command: "./gone" }),
    expect: { refused: /the credential plugin \S+gone of the user "one" is not installed/ },
  },
  {
    name: "a command that is not executable",
    files: beside(TOKEN, { command: "./credential.json" }),
    expect: { refused: /the credential plugin \S+credential.json of the user "one" cannot be run/ },
  },
  {
    name: "no command",
    files: beside(TOKEN, { command: "" }),
    expect: { refused: 'the credential plugin of the user "one" has no command' },
  },
  {
    name: "a plugin that fails, with visible output",
    files: beside(TOKEN, { env: [{ name: "STATUS", value: "3" }] }),
    expect: {
      refused:
        /To sign in, enter the code ABC\n[^]*the credential plugin \S+plugin failed with exit code 3/,
    },
  },
  {
    name: "a plugin that prints HTML",
    files: beside("<html>"),
    expect: { refused: /the credential plugin \S+plugin printed no ExecCredential/ },
  },
  {
    name: "a plugin that prints nothing",
    files: beside(""),
    expect: { refused: /the credential plugin \S+plugin printed no ExecCredential/ },
  },
  {
    name: "a plugin that prints another version",
    files: beside(credential({ token: "x" }, "v1beta1")),
    expect: { refused: `printed an ExecCredential of ${API}/v1beta1 instead of ${API}/v1` },
  },
  {
    name: "a plugin that prints no status",
    files: beside({ apiVersion: `${API}/v1`, kind: "ExecCredential" }),
    expect: { refused: "printed neither a token nor a certificate" },
  },
  {
    name: "a plugin that prints an empty token",
    files: beside(credential({ token: "" })),
    expect: { refused: "printed neither a token nor a certificate" },
  },
  {
    name: "a plugin that prints a client certificate",
    files: beside(credential({ clientCertificateData: "{alice}", clientKeyData: "{aliceKey}" })),
    expect: { certificate: "alice", runs: 1 },
  },
  {
    name: "a plugin that prints a client certificate and a token",
    files: beside(
      credential({ token: "both", clientCertificateData: "{alice}", clientKeyData: "{aliceKey}" }),
    ),
    expect: { authorization: "Bearer both", certificate: "alice", runs: 1 },
  },
  {
    name: "a plugin that prints a certificate without its key",
    files: beside(credential({ clientCertificateData: "{alice}" })),
    expect: { refused: "printed a certificate without its key, or a key without its certificate" },
  },
  {
    name: "a plugin that prints the key of another certificate",
    files: beside(credential({ clientCertificateData: "{alice}", clientKeyData: "{bobKey}" })),
    expect: { refused: "printed a client certificate that cannot be used" },
  },
  {
    name: "a token overrides the plugin",
    files: beside(TOKEN, {}, { token: "inline" }),
    expect: { authorization: "Bearer inline", runs: 0 },
  },
  {
    name: "a client certificate overrides the plugin",
    files: beside(
      TOKEN,
      {},
      {
        "client-certificate-data": "{aliceData}",
        "client-key-data": "{aliceKeyData}",
      },
    ),
    expect: { certificate: "alice", runs: 0 },
  },
  {
    name: "a plugin and an auth-provider",
    files: beside(TOKEN, {}, { "auth-provider": { name: "oidc" } }),
    expect: { refused: 'the user "one" has both a credential plugin and an auth-provider' },
  },
  {
    name: "plain HTTP, for which the plugin does not run",
    files: {
      config: config(plugin(), { ...CLUSTER, server: "http://127.0.0.1:{http}" }),
      plugin: "plugin",
      "credential.json": TOKEN,
    },
    expect: { secure: false, runs: 0 },
  },
  {
    name: "a token that the server rejects: the plugin runs again",
    files: {
      ...beside(credential({ token: "second" })),
      "credential-1.json": credential({ token: "first" }),
    },
    accept: ["Bearer second"],
    expect: { authorization: "Bearer second", runs: 2 },
  },
  {
    name: "a certificate that the plugin renews after a 401",
    files: {
      ...beside(
        credential({ token: "second", clientCertificateData: "{bob}", clientKeyData: "{bobKey}" }),
      ),
      "credential-1.json": credential({
        token: "first",
        clientCertificateData: "{alice}",
        clientKeyData: "{aliceKey}",
      }),
    },
    accept: ["Bearer second"],
    expect: { authorization: "Bearer second", certificate: "bob", runs: 2 },
  },
  {
    name: "a token that expires much later",
    files: beside(credential({ token: "long", expirationTimestamp: "2999-01-01T00:00:00Z" })),
    expect: { authorization: "Bearer long", runs: 1 },
  },
  {
    name: "a token that is already expired: the plugin runs for each request",
    files: beside(credential({ token: "short", expirationTimestamp: "2020-01-01T00:00:00Z" })),
    expect: { authorization: "Bearer short" },
  },
  {
    name: "an invalid expirationTimestamp",
    files: beside(credential({ token: "x", expirationTimestamp: "tomorrow" })),
    expect: { refused: 'printed an invalid expirationTimestamp: "tomorrow"' },
  },
];
