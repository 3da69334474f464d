import { join } from "node:path";
import type { TestRule } from "../support/test-cluster.ts";
import type { Api } from "./api.ts";
import { writeKubeconfig } from "./kubeconfig.ts";
import { applyObjects } from "./objects.ts";

const NAMESPACE = "test-users";
const RBAC = "rbac.authorization.k8s.io";

/**
 * Makes a service account that may do what `rules` say, in the whole cluster, and resolves with
 * the path of its kubeconfig. Called again it replaces the rules.
 */
export async function createUser(
  { folder, server, ca, api }: { folder: string; server: string; ca: string; api: Api },
  user: string,
  rules: readonly TestRule[],
): Promise<string> {
  const name = `test-user-${user}`;
  const account = { kind: "ServiceAccount", name: user, namespace: NAMESPACE };
  await applyObjects(api, [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } },
    { apiVersion: `${RBAC}/v1`, kind: "ClusterRole", metadata: { name }, rules },
    {
      apiVersion: `${RBAC}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name },
      roleRef: { apiGroup: RBAC, kind: "ClusterRole", name },
      subjects: [account],
    },
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: user, namespace: NAMESPACE } },
  ]);
  const path = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/${user}/token`;
  const { status, body } = await api.request("POST", path, {
    body: {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { expirationSeconds: 24 * 3600 },
    },
  });
  if (status !== 201) throw new Error(`token of ${user}: ${body.message ?? body}`);
  const kubeconfig = join(folder, `${user}.kubeconfig`);
  await writeKubeconfig(kubeconfig, server, ca, body.status.token);
  return kubeconfig;
}
