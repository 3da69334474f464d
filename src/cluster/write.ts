import type { V1LeaseSpec, V1ObjectMeta, V1Pod } from "@kubernetes/client-node";
import { PatchStrategy } from "@kubernetes/client-node/dist/patch.js";
import type { Api } from "../http/api.ts";
import { ApiError } from "../http/api-error.ts";
import type { ResponseObject } from "../http/request.ts";
import { PROXY_CONTAINER } from "../istio-labels.ts";
import { groupPath, listPath } from "../kubernetes/api-paths.ts";
import type { RestartableKind } from "../kubernetes/kinds.ts";
import { EVENT_REPORTER, EVENTS_API } from "./events.ts";
import type { Lease, LeaseContent, LeasePlace } from "../lease.ts";
import { REPLACING, type ReplacementMark, type SidecarPod } from "../sidecar-pod.ts";
import { RESTARTED_AT } from "../snapshot.ts";
import { formatTime } from "../time-text.ts";
import { LEASE_LIMITS, leaseFrom, leasesPath } from "./leases.ts";

// Every request that is not a read is sent from this file. Only `sendRestart`, `sendLabels`,
// `sendReplacement`, `takeReplacementBack`, `endReplacement`, `createPullPod`, `deletePullPod`,
// `createEvent`, `createLease` and `sendLease` persist anything.

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
  return formatTime(new Date(now.getTime() + 1000));
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

/** A change of a namespace's labels. */
export interface LabelRequest {
  readonly name: string;
  readonly uid: string;
  /** The version that was judged: the API server answers 409 for any other. */
  readonly resourceVersion: string;
  /** The new values by key; `null` removes a label. */
  readonly labels: Readonly<Record<string, string | null>>;
  /** True if the API server must check the request and persist nothing. */
  readonly dryRun: boolean;
}

/**
 * Changes labels of a namespace, guarded by uid and resourceVersion.
 *
 * @throws ApiError 409 if the namespace has changed since it was judged, 422 if it was recreated.
 */
export async function sendLabels(api: Api, request: LabelRequest): Promise<void> {
  const { name, uid, resourceVersion, labels, dryRun } = request;
  await api.send({
    method: "PATCH",
    path: `/api/v1/namespaces/${name}`,
    query: { fieldManager: "istio-upgrade", dryRun: dryRun ? "All" : undefined },
    contentType: PatchStrategy.MergePatch,
    kind: "Namespace",
    body: { metadata: { uid, resourceVersion, labels } },
  });
}

/** A change of the image of a native sidecar. */
export interface ReplacementRequest {
  /** The pod that was judged. Another version of it must not be changed. */
  readonly pod: SidecarPod;
  /** The record to write into the pod, with the image before and the new one. */
  readonly mark: ReplacementMark;
  /** True if the API server must check the request and persist nothing. */
  readonly dryRun: boolean;
}

/**
 * Changes the image of a pod's native sidecar, and of no other container, and records it in an annotation.
 * The kubelet then replaces the container. A strategic merge patch would reorder the init containers,
 * which the API server rejects.
 *
 * @throws ApiError 422 if the pod is not the one that was judged.
 */
export async function sendReplacement(api: Api, request: ReplacementRequest): Promise<void> {
  const { pod, mark, dryRun } = request;
  await sendPodPatch(api, pod, dryRun, [
    { op: "test", path: "/metadata/uid", value: pod.uid },
    { op: "test", path: "/metadata/resourceVersion", value: pod.resourceVersion },
    ...imageChange(pod, mark.image, mark.to),
    { op: "add", path: MARK_PATH, value: JSON.stringify(mark) },
  ]);
}

/**
 * Changes the image back, and removes the record.
 *
 * @throws ApiError 422 if the sidecar no longer has the new image, or the pod has no record.
 */
export async function takeReplacementBack(
  api: Api,
  pod: SidecarPod,
  mark: ReplacementMark,
): Promise<void> {
  const record = pod.replacing === undefined ? [] : [{ op: "remove", path: MARK_PATH }];
  await sendPodPatch(api, pod, false, [
    { op: "test", path: "/metadata/uid", value: pod.uid },
    ...imageChange(pod, mark.to, mark.image),
    ...record,
  ]);
}

/**
 * Removes the record of a replacement that has ended.
 *
 * @throws ApiError 422 if the pod has none.
 */
export async function endReplacement(api: Api, pod: SidecarPod): Promise<void> {
  await sendPodPatch(api, pod, false, [
    { op: "test", path: "/metadata/uid", value: pod.uid },
    { op: "remove", path: MARK_PATH },
  ]);
}

/** The place of the record, with the slash of its name escaped (RFC 6901). */
const MARK_PATH = `/metadata/annotations/${REPLACING.replace("/", "~1")}`;

/** An operation of a JSON patch (RFC 6902). */
interface PatchOperation {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

function imageChange({ sidecar }: SidecarPod, from: string, to: string): readonly PatchOperation[] {
  const container = `/spec/initContainers/${sidecar?.index ?? 0}`;
  return [
    { op: "test", path: `${container}/name`, value: PROXY_CONTAINER },
    { op: "test", path: `${container}/image`, value: from },
    { op: "replace", path: `${container}/image`, value: to },
  ];
}

async function sendPodPatch(
  api: Api,
  { namespace, name }: SidecarPod,
  dryRun: boolean,
  body: readonly PatchOperation[],
): Promise<void> {
  await api.send({
    method: "PATCH",
    path: `/api/v1/namespaces/${namespace}/pods/${name}`,
    query: { fieldManager: "istio-upgrade", dryRun: dryRun ? "All" : undefined },
    contentType: PatchStrategy.JsonPatch,
    kind: "Pod",
    body,
  });
}

/**
 * Creates a pod that pulls images to a node.
 *
 * @throws ApiError 409 if there is one with its name.
 */
export async function createPullPod(api: Api, namespace: string, pod: V1Pod): Promise<V1Pod> {
  return api.send({
    method: "POST",
    path: `/api/v1/namespaces/${namespace}/pods`,
    query: { fieldManager: "istio-upgrade" },
    kind: "Pod",
    body: pod,
  });
}

/**
 * Deletes such a pod at once.
 *
 * @param uid of the pod; another one with its name stays.
 * @throws ApiError 404 if it does not exist.
 */
export async function deletePullPod(
  api: Api,
  namespace: string,
  name: string,
  uid: string,
): Promise<void> {
  await api.send({
    method: "DELETE",
    path: `/api/v1/namespaces/${namespace}/pods/${name}`,
    kind: "Pod",
    orStatus: true,
    body: {
      kind: "DeleteOptions",
      apiVersion: "v1",
      gracePeriodSeconds: 0,
      preconditions: { uid },
    },
  });
}

/**
 * Creates a lease.
 *
 * @throws ApiError 409 if it exists, 404 if its namespace does not.
 */
export async function createLease(
  api: Api,
  { namespace, name }: LeasePlace,
  content: LeaseContent,
): Promise<Lease> {
  const created = await api.send({
    method: "POST",
    path: leasesPath(namespace),
    query: { fieldManager: "istio-upgrade" },
    kind: "Lease",
    limits: LEASE_LIMITS,
    body: {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name },
      spec: leaseSpec(content),
    },
  });
  return leaseFrom(created);
}

/**
 * Replaces the content of a lease, guarded by uid and resourceVersion.
 *
 * @param before the lease as it was read. Another version of it must not be changed.
 * @throws ApiError 409 if the lease has changed, 404 if it was deleted.
 */
export async function sendLease(
  api: Api,
  { namespace, name }: LeasePlace,
  { uid, resourceVersion }: Lease,
  content: LeaseContent,
): Promise<Lease> {
  const written = await api.send({
    method: "PATCH",
    path: `${leasesPath(namespace)}/${name}`,
    query: { fieldManager: "istio-upgrade" },
    contentType: PatchStrategy.MergePatch,
    kind: "Lease",
    limits: LEASE_LIMITS,
    body: { metadata: { uid, resourceVersion }, spec: leaseSpec(content) },
  });
  return leaseFrom(written);
}

function leaseSpec(content: LeaseContent): Partial<Record<keyof V1LeaseSpec, unknown>> {
  const { holder, duration, acquiredAt, renewedAt, transitions } = content;
  return {
    holderIdentity: holder,
    leaseDurationSeconds: duration === undefined ? undefined : Math.ceil(duration / 1000),
    acquireTime: acquiredAt && microTime(acquiredAt),
    renewTime: renewedAt && microTime(renewedAt),
    leaseTransitions: transitions,
  };
}

/** Formats a time as `MicroTime`: the API server accepts only six digits of a second. */
function microTime(time: Date): string {
  return time.toISOString().replace("Z", "000Z");
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

/** A Kubernetes Event about a workload. */
export interface EventRequest {
  readonly regarding: {
    readonly namespace: string;
    readonly kind: string;
    readonly name: string;
    readonly uid: string;
    readonly apiVersion: string | undefined;
    readonly resourceVersion: string | undefined;
  };
  /** The part of the Event's name after that of the workload. Two Events with the same one are equal. */
  readonly id: string;
  readonly time: Date;
  /** The process that writes it, in at most 128 bytes. */
  readonly reportingInstance: string;
  readonly type: "Normal" | "Warning";
  /** In upper camel case, such as `SidecarRestart`, for filters. */
  readonly reason: string;
  /** In upper camel case. */
  readonly action: string;
  /** At most 1024 bytes. */
  readonly note: string;
}

/** The most bytes of an object's name. */
const LONGEST_NAME = 253;
/** A restart must not wait for its Event: a second attempt follows a transient error, and no third one. */
const EVENT_LIMITS = { attempts: 2, timeout: 5000, seconds: 10 } as const;

/**
 * Creates an Event in the namespace of the workload, unless it exists. The name begins with that of the
 * workload, as usual.
 * Source: k8s.io/client-go `tools/events/event_recorder.go`.
 *
 * @throws ApiError if it could not be created.
 */
export async function createEvent(api: Api, request: EventRequest): Promise<void> {
  const { regarding, id, time, reportingInstance, type, reason, action, note } = request;
  const { namespace, name } = regarding;
  const start = name.slice(0, LONGEST_NAME - id.length - 1).replace(/[^a-z\d]+$/, "");
  try {
    await api.send({
      method: "POST",
      path: `${groupPath(EVENTS_API, namespace)}/events`,
      query: { fieldManager: "istio-upgrade" },
      kind: "Event",
      limits: EVENT_LIMITS,
      body: {
        apiVersion: EVENTS_API,
        kind: "Event",
        metadata: { name: `${start}.${id}`, namespace },
        eventTime: microTime(time),
        reportingController: EVENT_REPORTER,
        reportingInstance,
        regarding,
        type,
        reason,
        action,
        note,
      },
    });
  } catch (error) {
    // An earlier attempt or an earlier run has created it.
    if (error instanceof ApiError && error.reason === "AlreadyExists") return;
    throw error;
  }
}

export interface Permission {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace: string | undefined;
  /** The only object that the permission is needed for; absent for all. */
  readonly name?: string | undefined;
}

/** True if the API server says that the user has a permission. */
export async function canI(api: Api, permission: Permission): Promise<boolean> {
  const { verb, group, resource, namespace, name } = permission;
  const review = await api.send({
    method: "POST",
    path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    kind: "SelfSubjectAccessReview",
    body: {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes: { verb, group, resource, namespace, name } },
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
