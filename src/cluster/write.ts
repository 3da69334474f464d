import type { V1ObjectMeta, V1Pod } from "@kubernetes/client-node";
import { PatchStrategy } from "@kubernetes/client-node/dist/patch.js";
import type { Api } from "../http/api.ts";
import { apiOf, type RestartableKind } from "../kubernetes/kinds.ts";
import { RESTARTED_AT } from "../snapshot.ts";

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
  /** The name under which it is written. */
  readonly fieldManager: string;
  /** Have the API server check it all, and persist nothing. */
  readonly dryRun: boolean;
  /** Is told the time that is written, just before it is: its answer may be lost. */
  readonly announce: (restartedAt: string) => void;
}

/**
 * Starts a restart.
 *
 * @throws ApiError 409 where the workload changed since it was judged, 422 where it is another one.
 */
export async function restart(api: Api, request: RestartRequest): Promise<void> {
  await (request.kind === "Rollout" ? restartRollout : restartTemplate)(api, request);
}

/**
 * Exactly what `kubectl rollout restart` sends, guarded by uid and resourceVersion.
 * Source: k8s.io/kubectl `pkg/polymorphichelpers/objectrestarter.go`.
 */
async function restartTemplate(api: Api, request: RestartRequest): Promise<void> {
  const { kind, uid, resourceVersion, restartedAt, fieldManager, dryRun } = request;
  request.announce(restartedAt);
  await api.send({
    method: "PATCH",
    path: pathOf(request),
    query: { fieldManager, dryRun: dryRun ? "All" : undefined },
    contentType: PatchStrategy.StrategicMergePatch,
    kind,
    body: {
      metadata: { uid, resourceVersion },
      spec: { template: { metadata: { annotations: { [RESTARTED_AT]: restartedAt } } } },
    },
  });
}

/**
 * What `kubectl argo rollouts restart` sends, guarded alike. The controller evicts the pods that
 * were made before the time that is written, so it must be the API server's own, which a dry run
 * tells, and a second later than every pod that is there.
 * Source: argoproj/argo-rollouts `rollout/restart.go`.
 */
async function restartRollout(api: Api, request: RestartRequest): Promise<void> {
  const { kind, uid, resourceVersion, fieldManager, dryRun } = request;
  const send = (restartAt: string, persist: boolean) =>
    api.send({
      method: "PATCH",
      path: pathOf(request),
      query: { fieldManager, dryRun: persist ? undefined : "All" },
      contentType: PatchStrategy.MergePatch,
      kind,
      body: { metadata: { uid, resourceVersion }, spec: { restartAt } },
    });
  const { metadata } = await send(request.restartedAt, false);
  if (dryRun) return;
  const now = writtenAt(metadata) ?? new Date(request.restartedAt);
  const restartAt = formatRestartTime(new Date(now.getTime() + 1000));
  request.announce(restartAt);
  await send(restartAt, true);
}

/** Returns the time at which an object was last written, by the API server's clock. */
function writtenAt({ managedFields = [] }: V1ObjectMeta = {}): Date | undefined {
  // client-node's type says Date, but here a time is still the string of the JSON.
  const times = managedFields.flatMap(({ time }) => (time ? new Date(time).getTime() : []));
  return times.length > 0 ? new Date(Math.max(...times)) : undefined;
}

function pathOf({ kind, namespace, name }: RestartRequest): string {
  const { api, resource } = apiOf(kind);
  return `/apis/${api}/namespaces/${namespace}/${resource}/${name}`;
}

/**
 * The time that a restart writes.
 *
 * @param last what is written there: with the same time again the API server would change nothing,
 *   and somebody else's restart of that second would be taken for this one.
 */
export function chooseRestartTime(now: Date, last: string | undefined): string {
  const time = formatRestartTime(now);
  return time === last ? formatRestartTime(new Date(now.getTime() + 1000)) : time;
}

/** RFC 3339 without fractions, as kubectl writes it. */
function formatRestartTime(time: Date): string {
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
export async function canI(api: Api, permission: Permission): Promise<boolean> {
  const { verb, group, resource, namespace } = permission;
  const review = await api.send({
    method: "POST",
    path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    kind: "SelfSubjectAccessReview",
    body: {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes: { verb, group, resource, namespace } },
    },
  });
  return review.status?.allowed === true;
}

/** The name that the API server knows the user by; `undefined` where it does not tell. */
export async function whoAmI(api: Api): Promise<string | undefined> {
  try {
    const review = await api.send({
      method: "POST",
      path: "/apis/authentication.k8s.io/v1/selfsubjectreviews",
      kind: "SelfSubjectReview",
      body: { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" },
    });
    return review.status?.userInfo?.username;
  } catch {
    // Only a line of the report: older servers lack the review, and no run should end for it.
    return undefined;
  }
}
