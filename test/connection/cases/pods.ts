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

/** In a pod, with a service account. */
export const PODS: readonly Case[] = [
  { ...POD, name: "in a pod without a kubeconfig", expect: ARRIVES },
  {
    ...POD,
    name: "POD_NAMESPACE before the service account's",
    env: { ...POD.env, POD_NAMESPACE: "shop" },
    expect: { ...ARRIVES, namespace: "shop" },
  },
  {
    ...POD,
    name: "a kubeconfig before the pod's account",
    files: { ...ACCOUNT, config: config({ token: "one" }, {}, { namespace: "pay" }) },
    env: SERVICE,
    expect: { authorization: "Bearer one", namespace: "pay" },
  },
  {
    ...POD,
    name: "the pod's namespace, where the kubeconfig has none",
    files: { ...ACCOUNT, config: config() },
    env: SERVICE,
    expect: { authorization: "Bearer one", namespace: "agents" },
  },
  {
    ...POD,
    name: "the pod's account, where the kubeconfig is empty",
    files: { ...ACCOUNT, config: "" },
    env: SERVICE,
    expect: ARRIVES,
  },
  {
    ...POD,
    name: "the pod's account, where the kubeconfig has no current-context",
    files: { ...ACCOUNT, config: { ...config(), "current-context": "" } },
    env: SERVICE,
    expect: ARRIVES,
  },
  {
    ...POD,
    name: "KUBECONFIG with no file that exists, in a pod",
    env: SERVICE,
    expect: { refused: "no file that KUBECONFIG names exists" },
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
    // It then takes localhost:8080 for the server.
    kubectl: { refused: "" },
  },
  {
    ...POD,
    name: "a pod whose account has no token",
    files: { "serviceaccount/namespace": "agents" },
    expect: { refused: "no cluster is configured: there is no kubeconfig file" },
  },
  {
    ...POD,
    name: "a pod without the port",
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
