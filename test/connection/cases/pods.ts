import type { Case } from "../case.ts";
import { config } from "../kubeconfig.ts";

const ACCOUNT = {
  "serviceaccount/token": "of-the-pod\n",
  "serviceaccount/ca.crt": "{ca}",
  "serviceaccount/namespace": "agents\n",
};
const SERVICE = { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: "{https}" };
const POD = { pod: true, files: ACCOUNT, env: { ...SERVICE, KUBECONFIG: "" } };
const ARRIVES = { authorization: "Bearer of-the-pod", namespace: "agents" };

/** Cases in a pod with a service account. */
export const PODS: readonly Case[] = [
  { ...POD, name: "in a pod without a kubeconfig", expect: ARRIVES },
  {
    ...POD,
    name: "POD_NAMESPACE overrides the namespace of the service account",
    env: { ...POD.env, POD_NAMESPACE: "shop" },
    expect: { ...ARRIVES, namespace: "shop" },
  },
  {
    ...POD,
    name: "a kubeconfig overrides the service account",
    files: { ...ACCOUNT, config: config({ token: "one" }, {}, { namespace: "pay" }) },
    env: SERVICE,
    expect: { authorization: "Bearer one", namespace: "pay" },
  },
  {
    ...POD,
    name: "the namespace of the pod, if the kubeconfig has none",
    files: { ...ACCOUNT, config: config() },
    env: SERVICE,
    expect: { authorization: "Bearer one", namespace: "agents" },
  },
  {
    ...POD,
    name: "the service account, if the kubeconfig is empty",
    files: { ...ACCOUNT, config: "" },
    env: SERVICE,
    expect: ARRIVES,
  },
  {
    ...POD,
    name: "the service account, if the kubeconfig has no current-context",
    files: { ...ACCOUNT, config: { ...config(), "current-context": "" } },
    env: SERVICE,
    expect: ARRIVES,
  },
  {
    ...POD,
    name: "KUBECONFIG with missing files only, in a pod",
    env: SERVICE,
    expect: { refused: "none of the files in KUBECONFIG exists" },
    kubectl: ARRIVES,
  },
  {
    ...POD,
    name: "--context in a pod without a kubeconfig",
    args: ["--context", "prod"],
    expect: { refused: 'the context "prod" does not exist: there is no kubeconfig file' },
  },
  {
    ...POD,
    name: "--as in a pod",
    args: ["--as", "alice"],
    expect: { ...ARRIVES, impersonation: { "impersonate-user": ["alice"] } },
    // kubectl then uses localhost:8080.
    kubectl: { refused: "" },
  },
  {
    ...POD,
    name: "a service account without a token",
    files: { "serviceaccount/namespace": "agents" },
    expect: { refused: "no cluster is configured: there is no kubeconfig file" },
  },
  {
    ...POD,
    name: "a pod without KUBERNETES_SERVICE_PORT",
    env: { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBECONFIG: "" },
    expect: { refused: "no cluster is configured: there is no kubeconfig file" },
  },
  {
    ...POD,
    name: "a pod behind a proxy",
    env: {
      ...POD.env,
      KUBERNETES_SERVICE_HOST: "api.test",
      HTTPS_PROXY: "http://127.0.0.1:{httpProxy}",
    },
    expect: { ...ARRIVES, host: "api.test", sni: "api.test", proxy: "http api.test:{https}" },
  },
];
