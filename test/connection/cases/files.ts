import type { Case, Expected } from "../case.ts";
import { CLUSTER, config } from "../kubeconfig.ts";

const BASE = config() as Record<string, unknown>;

/** Returns a kubeconfig with only the given fields. */
function part(fields: object): object {
  return { apiVersion: "v1", kind: "Config", ...fields };
}

const user = (name: string, token = name) => ({ name, user: { token } });
const context = (name: string, more: object = {}) => ({
  name,
  context: { cluster: "one", user: name, ...more },
});
const cluster = (name: string, more: object = {}) => ({ name, cluster: { ...CLUSTER, ...more } });

const TEXT = `apiVersion: v1
kind: Config
clusters:
- name: one
  cluster:
    server: https://127.0.0.1:{https}
    certificate-authority: ca.crt
users:
- name: one
  user:
    token: one
contexts:
- name: one
  context: {cluster: one, user: one}
current-context: one
`;

/** Returns a case for a YAML 1.1 boolean, which kubectl reads in any of these forms. */
function flag(written: string, expect: Expected): Case {
  return {
    name: `insecure-skip-tls-verify: ${written}`,
    files: {
      config: TEXT.replace("certificate-authority: ca.crt", `insecure-skip-tls-verify: ${written}`),
    },
    expect,
  };
}

const NO_FLAG = { refused: 'insecure-skip-tls-verify of the cluster "one" must be true or false' };

/** Cases about the files that are read, and about the choice of a context. */
export const FILES: readonly Case[] = [
  {
    name: "one file in KUBECONFIG",
    files: { config: config() },
    expect: { authorization: "Bearer one" },
  },
  {
    name: "~/.kube/config without KUBECONFIG",
    files: { "home/.kube/config": config() },
    env: { KUBECONFIG: "" },
    expect: { authorization: "Bearer one" },
  },
  {
    name: "--kubeconfig overrides KUBECONFIG",
    files: { config: config(), other: config({ token: "other" }) },
    args: ["--kubeconfig", "{dir}/other"],
    expect: { authorization: "Bearer other" },
  },
  {
    name: "--kubeconfig with a relative path",
    files: { "sub/other": config({ tokenFile: "token" }), "sub/token": "other" },
    args: ["--kubeconfig", "sub/other"],
    expect: { authorization: "Bearer other" },
  },
  {
    name: "--kubeconfig that does not exist",
    files: { config: config() },
    args: ["--kubeconfig", "{dir}/missing"],
    expect: { refused: "the kubeconfig file {dir}/missing does not exist" },
  },
  {
    name: "three files, the middle one missing",
    files: {
      first: part({ contexts: [context("two")], "current-context": "two" }),
      third: part({ clusters: [cluster("one")], users: [user("two")], "current-context": "one" }),
    },
    env: { KUBECONFIG: "{dir}/first:{dir}/second:{dir}/third" },
    expect: { authorization: "Bearer two" },
  },
  {
    name: "the first current-context in any file",
    files: {
      first: part({ clusters: [cluster("one")], contexts: [context("one")], users: [user("one")] }),
      second: part({ users: [user("two")], contexts: [context("two")], "current-context": "two" }),
      third: part({ "current-context": "one" }),
    },
    env: { KUBECONFIG: "{dir}/first:{dir}/second:{dir}/third" },
    expect: { authorization: "Bearer two" },
  },
  {
    name: "the whole first entry of two with the same name",
    files: {
      first: part({
        clusters: [cluster("one")],
        users: [{ name: "one", user: { tokenFile: "token" } }],
        contexts: [context("one")],
        "current-context": "one",
      }),
      "other/second": part({
        clusters: [{ name: "one", cluster: { server: "https://127.0.0.1:1" } }],
        users: [{ name: "one", user: { tokenFile: "token", as: "alice" } }],
        contexts: [context("one", { namespace: "shop" })],
      }),
      token: "first",
      "other/token": "second",
    },
    env: { KUBECONFIG: "{dir}/first:{dir}/other/second" },
    expect: { authorization: "Bearer first", namespace: "default" },
  },
  {
    name: "the same file twice",
    files: { config: config() },
    env: { KUBECONFIG: "{dir}/config:{dir}/config" },
    expect: { authorization: "Bearer one" },
  },
  {
    name: "empty names in KUBECONFIG",
    files: { config: config() },
    env: { KUBECONFIG: ":{dir}/config:" },
    expect: { authorization: "Bearer one" },
  },
  {
    name: "KUBECONFIG with only empty names, although ~/.kube/config exists",
    files: { "home/.kube/config": config() },
    env: { KUBECONFIG: ":" },
    expect: { refused: "KUBECONFIG lists no file" },
  },
  {
    name: "no file",
    files: {},
    env: { KUBECONFIG: "" },
    expect: { refused: "no cluster is configured: there is no kubeconfig file" },
  },
  {
    name: "KUBECONFIG with missing files only",
    files: { "home/.kube/config": config() },
    expect: { refused: "none of the files in KUBECONFIG exists: {dir}/config" },
  },
  {
    name: "an empty file before a full one",
    files: { empty: "", config: config() },
    env: { KUBECONFIG: "{dir}/empty:{dir}/config" },
    expect: { authorization: "Bearer one" },
  },
  {
    name: "an empty file alone",
    files: { config: "" },
    expect: { refused: "the kubeconfig {dir}/config has no current context" },
  },
  {
    name: "no current-context",
    files: { config: { ...BASE, "current-context": "" } },
    expect: { refused: "the kubeconfig {dir}/config has no current context" },
  },
  {
    name: "--context without a current-context",
    files: { config: { ...BASE, "current-context": "" } },
    args: ["--context", "one"],
    expect: { authorization: "Bearer one" },
  },
  {
    name: "--context overrides current-context",
    files: {
      config: {
        ...BASE,
        users: [user("one"), user("two")],
        contexts: [context("one"), context("two", { namespace: "shop" })],
      },
    },
    args: ["--context", "two"],
    expect: { authorization: "Bearer two", namespace: "shop" },
  },
  {
    name: "--context that does not exist",
    files: { config: config() },
    args: ["--context", "prod"],
    expect: {
      refused: 'the context "prod" does not exist in {dir}/config\navailable contexts: one',
    },
  },
  {
    name: "a current-context that does not exist",
    files: { config: { ...BASE, "current-context": "gone" } },
    expect: { refused: 'the context "gone" does not exist in {dir}/config' },
  },
  {
    name: "a context whose cluster is missing",
    files: { config: config({ token: "one" }, {}, { cluster: "gone" }) },
    expect: {
      refused: 'the context "one" names the cluster "gone", which does not exist in {dir}/config',
    },
  },
  {
    name: "a context without a cluster",
    files: { config: config({ token: "one" }, {}, { cluster: "" }) },
    expect: { refused: 'the context "one" names no cluster' },
  },
  {
    name: "a context whose user is missing",
    files: { config: config({ token: "one" }, {}, { user: "gone" }) },
    expect: {
      refused: 'the context "one" names the user "gone", which does not exist in {dir}/config',
    },
  },
  {
    name: "a context without a user",
    files: { config: config({ token: "one" }, {}, { user: "" }) },
    expect: { refused: 'the context "one" names no user' },
  },
  {
    name: "the context's namespace",
    files: { config: config({ token: "one" }, {}, { namespace: "shop" }) },
    expect: { authorization: "Bearer one", namespace: "shop" },
  },
  {
    name: "a file that is not YAML",
    files: { config: "apiVersion: v1\nclusters: [}\n" },
    expect: { refused: "the kubeconfig file {dir}/config cannot be read" },
  },
  {
    name: "a YAML list instead of an object",
    files: { config: "- one\n- two\n" },
    expect: { refused: "the kubeconfig file {dir}/config cannot be read: it is not an object" },
  },
  {
    name: "a file of another kind",
    files: { config: "apiVersion: v1\nkind: ConfigMap\ndata: {}\n" },
    expect: { refused: "the kubeconfig file {dir}/config cannot be read: it is a v1 ConfigMap" },
  },
  {
    name: "a file of another version",
    files: { config: { ...BASE, apiVersion: "v2" } },
    expect: { refused: "the kubeconfig file {dir}/config cannot be read: it is a v2 Config" },
  },
  {
    name: "a file without kind and apiVersion",
    files: { config: TEXT.replace("apiVersion: v1\nkind: Config\n", ""), "ca.crt": "{ca}" },
    expect: { authorization: "Bearer one" },
  },
  {
    name: "a folder instead of a file",
    files: { "config/file": "" },
    expect: { refused: "the kubeconfig file {dir}/config cannot be read" },
  },
  {
    name: "a broken file before a valid one",
    files: { broken: "clusters: [}", config: config() },
    env: { KUBECONFIG: "{dir}/broken:{dir}/config" },
    expect: { refused: "the kubeconfig file {dir}/broken cannot be read" },
  },
  {
    name: "two entries with the same name in one file",
    files: { config: { ...BASE, users: [user("one", "first"), user("one", "second")] } },
    expect: {
      refused: 'the kubeconfig file {dir}/config cannot be read: it has the user "one" twice',
    },
  },
  {
    name: "a token that is a number",
    files: { config: config({ token: 12_345 }) },
    expect: {
      refused:
        'the kubeconfig file {dir}/config cannot be read: token of the user "one" must be a string',
    },
  },
  {
    name: "line ends of Windows",
    files: { config: TEXT.replaceAll("\n", "\r\n"), "ca.crt": "{ca}" },
    expect: { authorization: "Bearer one" },
  },
  {
    name: "a byte order mark",
    files: { config: `\uFEFF${TEXT}`, "ca.crt": "{ca}" },
    expect: { authorization: "Bearer one" },
  },
  {
    name: "UTF-16 from PowerShell's >",
    files: { config: [`\uFEFF${TEXT}`], "ca.crt": "{ca}" },
    expect: { authorization: "Bearer one" },
  },
  {
    name: "JSON",
    files: { "config.json": config() },
    env: { KUBECONFIG: "{dir}/config.json" },
    expect: { authorization: "Bearer one" },
  },
  {
    name: "unknown fields",
    files: { config: { ...BASE, preferences: { colors: true }, extensions: [], later: 1 } },
    expect: { authorization: "Bearer one" },
  },
  {
    name: "null instead of a list",
    files: {
      first: part({ clusters: null, users: null, contexts: null }),
      config: config(),
    },
    env: { KUBECONFIG: "{dir}/first:{dir}/config" },
    expect: { authorization: "Bearer one" },
  },
  ...["yes", "Yes", "on", "ON", "y", "True"].map((text) =>
    flag(text, { authorization: "Bearer one" }),
  ),
  ...["no", "off", "n", "FALSE"].map((text) =>
    flag(text, { refused: /127\.0\.0\.1:\d+: .*certificate/ }),
  ),
  ...['"yes"', "1", "yEs", "!!str true"].map((text) => flag(text, NO_FLAG)),
  {
    name: "a token that YAML 1.1 reads as a boolean",
    files: { config: TEXT.replace("token: one", "token: on"), "ca.crt": "{ca}" },
    expect: { refused: 'token of the user "one" must be a string' },
  },
  {
    name: "a second document in the file, which is ignored",
    files: { config: `# first\n---\n${TEXT}---\nkind: [Other\n`, "ca.crt": "{ca}" },
    expect: { authorization: "Bearer one" },
  },
  {
    name: "a document that ends before text of another kind",
    files: { config: `${TEXT}...\nkind: Other\n`, "ca.crt": "{ca}" },
    expect: { authorization: "Bearer one" },
  },
  {
    name: "an empty document before the kubeconfig",
    files: { config: `---\n---\n${TEXT}`, "ca.crt": "{ca}" },
    expect: { refused: "no current context" },
  },
];
