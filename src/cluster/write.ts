import type { V1Pod } from "@kubernetes/client-node";
import type { Api } from "./api.ts";
import { resourceOf, type RestartableKind } from "../mesh/kinds.ts";

/** Every request that is not a read is sent from this file; only `restart` changes anything. */

export interface RestartRequest {
  readonly namespace: string;
  readonly kind: RestartableKind;
  readonly name: string;
  readonly uid: string;
  /** The state that was judged: another one answers 409. */
  readonly resourceVersion: string;
  /** RFC 3339; chosen once per workload, so that a repeated patch changes nothing. */
  readonly restartedAt: string;
  /** Have the API server check it all, and persist nothing. */
  readonly dryRun: boolean;
}

export const RESTARTED_AT = "kubectl.kubernetes.io/restartedAt";

/**
 * Exactly what `kubectl rollout restart` sends, guarded by uid and resourceVersion.
 * Source: k8s.io/kubectl `pkg/polymorphichelpers/objectrestarter.go`.
 *
 * @throws ApiError 409 where the workload changed since it was judged, 422 where it is another one.
 */
export async function restart(api: Api, request: RestartRequest): Promise<void> {
  const { namespace, kind, name, uid, resourceVersion, restartedAt, dryRun } = request;
  await api.send({
    method: "PATCH",
    path: `/apis/apps/v1/namespaces/${namespace}/${resourceOf(kind)}/${name}`,
    query: { fieldManager: "istio-upgrade", dryRun: dryRun ? "All" : undefined },
    contentType: "application/strategic-merge-patch+json",
    kind,
    body: {
      metadata: { uid, resourceVersion },
      spec: { template: { metadata: { annotations: { [RESTARTED_AT]: restartedAt } } } },
    },
  });
}

/** RFC 3339 without fractions, as kubectl writes it. */
export function formatRestartTime(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

/**
 * What creating a pod would give, by the cluster's own webhooks; nothing is persisted.
 *
 * @throws ApiError with the refusal of whoever refuses it.
 */
export async function createPodDryRun(api: Api, namespace: string, pod: V1Pod): Promise<V1Pod> {
  return api.send({
    method: "POST",
    path: `/api/v1/namespaces/${namespace}/pods`,
    query: { dryRun: "All", fieldManager: "istio-upgrade" },
    kind: "Pod",
    body: pod,
  });
}

export interface Permission {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace: string | undefined;
}

/** Whether the user may do something, by the server's own account. */
export async function mayI(api: Api, permission: Permission): Promise<boolean> {
  const { verb, group, resource, namespace } = permission;
  const answer = await api.send({
    method: "POST",
    path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    kind: "SelfSubjectAccessReview",
    body: {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes: { verb, group, resource, namespace } },
    },
  });
  return (answer["status"] as { allowed?: boolean } | undefined)?.allowed === true;
}

/** The name that the API server knows the user by; `undefined` where it does not tell. */
export async function whoAmI(api: Api): Promise<string | undefined> {
  try {
    const answer = await api.send({
      method: "POST",
      path: "/apis/authentication.k8s.io/v1/selfsubjectreviews",
      kind: "SelfSubjectReview",
      body: { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" },
    });
    return (answer["status"] as { userInfo?: { username?: string } } | undefined)?.userInfo
      ?.username;
  } catch {
    // Only a line of the report: older servers lack the review, and no run should end for it.
    return undefined;
  }
}
