import type { V1ObjectMeta, V1Pod } from "@kubernetes/client-node";
import { PatchStrategy } from "@kubernetes/client-node/dist/patch.js";
import type { Api } from "../http/api.ts";
import type { ResponseObject } from "../http/request.ts";
import { listPath } from "../kubernetes/api-paths.ts";
import type { RestartableKind } from "../kubernetes/kinds.ts";
import { formatRestartTime } from "../kubernetes/restart-time.ts";
import { RESTARTED_AT } from "../snapshot.ts";

// Every request that is not a read is sent from this file. Only `sendRestart` persists anything.

export interface RestartRequest {
  readonly namespace: string;
  readonly kind: RestartableKind;
  readonly name: string;
  readonly uid: string;
  /** The version that was assessed: the API server answers 409 for any other. */
  readonly resourceVersion: string;
  /** The time to write, in RFC 3339. It is fixed, so that a repeated patch changes nothing. */
  readonly restartedAt: string;
  readonly fieldManager: string;
  /** True if the API server must check the request and persist nothing. */
  readonly dryRun: boolean;
}

/**
 * Restarts a workload.
 *
 * @throws ApiError 409 if the workload has changed since it was assessed, 422 if it was recreated.
 */
export async function sendRestart(api: Api, request: RestartRequest): Promise<void> {
  await sendPatch(api, request);
}

/**
 * Returns the time to write for a restart of an Argo Rollout. The controller evicts the pods that
 * were created before that time. So it must come from the API server's clock, which the answer to a
 * dry run shows, and be a second later than every existing pod.
 * Source: argoproj/argo-rollouts `rollout/restart.go`.
 *
 * @throws ApiError as `sendRestart` does.
 */
export async function serverRestartTime(api: Api, request: RestartRequest): Promise<string> {
  const { metadata } = await sendPatch(api, { ...request, dryRun: true });
  const now = lastWriteTime(metadata) ?? new Date(request.restartedAt);
  return formatRestartTime(new Date(now.getTime() + 1000));
}

/**
 * Sends exactly what `kubectl rollout restart` or `kubectl argo rollouts restart` sends, guarded by
 * uid and resourceVersion.
 * Source: k8s.io/kubectl `pkg/polymorphichelpers/objectrestarter.go`.
 */
function sendPatch(api: Api, request: RestartRequest): Promise<ResponseObject<RestartableKind>> {
  const { namespace, kind, name, uid, resourceVersion, restartedAt, fieldManager, dryRun } =
    request;
  const template = { metadata: { annotations: { [RESTARTED_AT]: restartedAt } } };
  return api.send({
    method: "PATCH",
    path: `${listPath(kind, namespace)}/${name}`,
    query: { fieldManager, dryRun: dryRun ? "All" : undefined },
    contentType: kind === "Rollout" ? PatchStrategy.MergePatch : PatchStrategy.StrategicMergePatch,
    kind,
    body: {
      metadata: { uid, resourceVersion },
      spec: kind === "Rollout" ? { restartAt: restartedAt } : { template },
    },
  });
}

/** Returns the time at which an object was last written, by the API server's clock. */
function lastWriteTime({ managedFields = [] }: V1ObjectMeta = {}): Date | undefined {
  // client-node's type says Date, but here a time is still the string of the JSON.
  const times = managedFields.flatMap(({ time }) => (time ? new Date(time).getTime() : []));
  return times.length > 0 ? new Date(Math.max(...times)) : undefined;
}

/**
 * Creates a pod without persisting it.
 *
 * @returns the pod as the cluster's webhooks changed it.
 * @throws ApiError if the API server or a webhook rejects the pod.
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

/** True if the API server says that the user has a permission. */
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

/** Returns the user's name according to the API server; `undefined` if it does not answer. */
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
    // Older servers lack this review, and the name is only shown in the report.
    return undefined;
  }
}
