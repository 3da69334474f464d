import { join } from "node:path";
import type { TestRule } from "../support/test-cluster.ts";
import type { Api } from "./api.ts";
import { writeKubeconfig } from "./kubeconfig.ts";
import { applyObjects, deleteObjects, type KubernetesObject } from "./objects.ts";

const NAMESPACE = "test-users";
const RBAC = "rbac.authorization.k8s.io";

/**
 * Creates a service account with the permissions in `rules`, and returns the path of its
 * kubeconfig. A later call replaces the rules.
 */
export async function createUser(
  { folder, server, ca, api }: { folder: string; server: string; ca: string; api: Api },
  user: string,
  rules: readonly TestRule[],
): Promise<string> {
  const places = new Set([undefined, ...rules.map(({ namespace }) => namespace)]);
  await revokeElsewhere(api, user, places);
  await applyObjects(api, [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } },
    ...[...places].flatMap((place) =>
      grant(
        user,
        place,
        rules.filter(({ namespace }) => namespace === place),
      ),
    ),
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

/** Deletes the bindings of an earlier call in namespaces that the new rules do not name. */
async function revokeElsewhere(
  api: Api,
  user: string,
  places: ReadonlySet<string | undefined>,
): Promise<void> {
  const selector = encodeURIComponent(`metadata.name=${nameOfRole(user)}`);
  const path = `/apis/${RBAC}/v1/rolebindings?fieldSelector=${selector}`;
  const { body } = await api.request("GET", path);
  const stale = (body.items as KubernetesObject[]).filter(
    ({ metadata }) => !places.has(metadata.namespace),
  );
  const kind = { apiVersion: `${RBAC}/v1`, kind: "RoleBinding" };
  await deleteObjects(
    api,
    stale.map(({ metadata }) => ({ ...kind, metadata })),
  );
}

function nameOfRole(user: string): string {
  return `test-user-${user}`;
}

/** Returns a role and its binding; without `namespace` they apply to the whole cluster. */
function grant(user: string, namespace: string | undefined, rules: readonly TestRule[]) {
  const kind = namespace === undefined ? "ClusterRole" : "Role";
  const apiVersion = `${RBAC}/v1`;
  const metadata = { name: nameOfRole(user), ...(namespace && { namespace }) };
  const bare = rules.map(({ apiGroups, resources, verbs, resourceNames }) => ({
    apiGroups,
    resources,
    verbs,
    ...(resourceNames && { resourceNames }),
  }));
  return [
    { apiVersion, kind, metadata, rules: bare },
    {
      apiVersion,
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup: RBAC, kind, name: metadata.name },
      subjects: [{ kind: "ServiceAccount", name: user, namespace: NAMESPACE }],
    },
  ];
}
