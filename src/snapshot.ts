import { INJECTION_STATUS, PROXY_IMAGE } from "./istio-labels.ts";
import type { NextStep } from "./next-step.ts";

/**
 * The state of a cluster as it was read, in Kubernetes' terms. A snapshot is plain data, and every
 * decision is a function of it. A part that could not be read is `undefined`, never empty, and has a
 * gap that says why.
 */
export interface Snapshot {
  readonly controlPlane: ControlPlane;
  /** Namespaces by name. A namespace that is absent could not be read. */
  readonly namespaces: ReadonlyMap<string, Namespace>;
  readonly workloads: readonly Workload[];
  readonly gaps: readonly Gap[];
}

/** A snapshot of the whole cluster, with everything that can refer to a revision. */
export interface UsageSnapshot extends Snapshot {
  /** Gateways of the Gateway API; `undefined` if they could not be read. */
  readonly gateways: readonly LabelledObject[] | undefined;
  /**
   * Objects that are not workloads as long as they have no pods, such as CronJobs. Those that could
   * not be read are absent, and have a gap.
   */
  readonly templateOwners: readonly TemplateOwner[];
}

/** The resources that a ResourceQuota has left. */
export interface Quota {
  readonly name: string;
  /** Cores, bytes or numbers of objects, by resource, such as `requests.cpu`. */
  readonly room: Readonly<Record<string, number>>;
}

/** The resources that one pod takes from a quota, by the names of a quota. */
export type PodNeeds = Readonly<Record<string, number>>;

/** A PersistentVolumeClaim. */
export interface Claim {
  readonly name: string;
  /** Such as `ReadWriteOnce`. */
  readonly accessModes: readonly string[];
}

/** A PodDisruptionBudget, which limits evictions. A rolling update does not use evictions. */
export interface Budget {
  readonly name: string;
  readonly selector: LabelSelector;
  /** The number of pods that may be evicted now: `status.disruptionsAllowed`. */
  readonly allowed: number;
}

export interface LabelledObject {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
}

/** An object that creates pods from a template. */
export interface TemplateOwner {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly template: PodTemplate | undefined;
}

export type Labels = Readonly<Record<string, string>>;

/** The reasons for a gap. They are part of the published schema, and stable. */
export const GAP_REASONS = [
  "forbidden",
  "unauthorized",
  "unreachable",
  "refused",
  "malformed",
  "inconsistent",
  "not-read",
  "interrupted",
  "unfinished",
  "unexpected-error",
] as const;

export type GapReason = (typeof GAP_REASONS)[number];

/** A part of the scope that could not be read. */
export interface Gap {
  /** The verb of the read that failed, such as `list`. */
  readonly verb: string;
  /** The resource with its group, such as `deployments.apps`, as in `kubectl auth can-i`. */
  readonly resource: string;
  /** `undefined` for a read of the whole cluster. */
  readonly namespace: string | undefined;
  readonly reason: GapReason;
  readonly message: string;
  readonly hint: NextStep;
  /** `injection` if the read is only needed to predict injection, which a dry run can replace. */
  readonly about?: "injection";
}

export interface Namespace {
  readonly name: string;
  readonly labels: Labels;
  readonly annotations: Labels;
}

/** A namespace that was read to change its labels. */
export interface OwnedNamespace extends Namespace {
  readonly uid: string;
  readonly resourceVersion: string;
  /** The field managers of each label, by its key. A label without a known manager is absent. */
  readonly labelManagers: ReadonlyMap<string, readonly string[]>;
  /** The keys of the labels that the last `kubectl apply` set, by its annotation. */
  readonly appliedLabels: readonly string[];
}

/** The injectors of the cluster, and the objects of the Istio namespace that serve them. */
export interface ControlPlane {
  /** The namespace of `--istio-namespace`. */
  readonly istioNamespace: string;
  /** Webhooks, in the order in which the API server calls them. */
  readonly webhooks: readonly Webhook[] | undefined;
  /** The data of the ConfigMaps in the Istio namespace, by name. */
  readonly configMaps: ReadonlyMap<string, Labels> | undefined;
  /**
   * The times at which the key `values` of the ConfigMaps last changed, by name, in RFC 3339 by the
   * API server's clock. A ConfigMap is absent if its field managers do not say it.
   */
  readonly valuesChangedAt?: ReadonlyMap<string, string>;
  /** The time at which this was read, by the API server's clock. */
  readonly readAt?: Date | undefined;
  readonly services: readonly Service[] | undefined;
  /** The number of ready endpoints, by the name of the Service. */
  readonly readyEndpoints: ReadonlyMap<string, number> | undefined;
  readonly istiods: readonly Istiod[] | undefined;
}

/** One webhook of a MutatingWebhookConfiguration whose rules cover the creation of pods. */
export interface Webhook {
  /** The name of the MutatingWebhookConfiguration. */
  readonly configuration: string;
  readonly name: string;
  /** The `istio.io/tag` label of the configuration. */
  readonly tag: string | undefined;
  readonly service: { readonly namespace: string; readonly name: string } | undefined;
  readonly url: string | undefined;
  readonly namespaceSelector: LabelSelector;
  readonly objectSelector: LabelSelector;
  readonly failurePolicy: "Fail" | "Ignore";
  readonly hasMatchConditions: boolean;
  /** True if it has a `caBundle`, without which the API server does not trust istiod. */
  readonly trusted: boolean;
}

export interface LabelSelector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly LabelRequirement[];
}

export interface LabelRequirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

export interface Service {
  readonly name: string;
  readonly selector: Labels;
  /** True for `type: ExternalName`: a name outside the cluster, which never has endpoints. */
  readonly external: boolean;
}

/** A control-plane Deployment, known by the variable `REVISION` or the label `app=istiod`. */
export interface Istiod {
  readonly name: string;
  readonly podLabels: Labels;
  /** The variable `REVISION`; `default` if it is absent or empty, `undefined` if it is unknown. */
  readonly revision: string | undefined;
  /** The image of the istiod container. */
  readonly image: string;
  /** The variable `ENABLE_NATIVE_SIDECARS`, such as `true`, `false` or `auto`. */
  readonly native: string | undefined;
  /** The number of replicas in its spec. */
  readonly wanted: number;
  /** True if it is rolled out, and every replica is available. */
  readonly ready: boolean;
}

/** A ReplicaSet of an istiod, which shows when its image was rolled out. */
export interface IstiodRelease {
  /** The revision of Istio, as in `Istiod`. */
  readonly revision: string | undefined;
  readonly image: string;
  /** The creation time in RFC 3339, by the API server's clock. */
  readonly createdAt: string;
  /** The numbers of the rollouts in which its Deployment used it, ascending; empty if unknown. */
  readonly rollouts: readonly number[];
}

/** A ProxyConfig that sets the image type of the sidecars that it applies to. */
export interface ProxyConfig {
  readonly namespace: string;
  readonly name: string;
  /** The pod labels that it requires; empty for all pods of its namespace. */
  readonly selector: Labels;
}

/** A node of the cluster. */
export interface Node {
  readonly name: string;
  /** The version of its kubelet, such as `v1.33.2`. */
  readonly version: string;
}

/** An EnvoyFilter, which changes the configuration of proxies. */
export interface EnvoyFilter {
  readonly namespace: string;
  readonly name: string;
  /** The regular expressions for the versions of the proxies that its patches apply to. */
  readonly proxyVersions: readonly string[];
}

export interface WorkloadRef {
  readonly namespace: string;
  /** The kind of the controller, such as `Deployment`; `Pod` for a bare pod. */
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** The controller at the end of an owner chain, or a bare pod, with the sidecars of its pods. */
export interface Workload extends WorkloadRef {
  readonly labels: Labels;
  readonly annotations: Labels;
  /** `undefined` if the owner could not be read, or its kind is unknown. */
  readonly template: PodTemplate | undefined;
  /** The reason why the pod template cannot be used, such as `spec.volumes is not a list`. */
  readonly malformed?: string | undefined;
  /** The object that controls the workload itself, such as a custom resource of an operator. */
  readonly controller?: { readonly kind: string; readonly name: string };
  /** The group and version, such as `batch/v1`; present if only its pods name the workload. */
  readonly apiVersion?: string;
  /** True for a workload that was read for its template alone: it has no pods now. */
  readonly isIdle?: true;
  /** The hash of the whole pod template; present if the workload was read by its name. */
  readonly templateHash?: string;
  /** The field managers of server-side apply; present if the workload was read by its name. */
  readonly appliers?: readonly string[];
  /** The field managers that own parts of its pod template; present if it was read by its name. */
  readonly templateManagers?: readonly TemplateManager[];
  /** `undefined` for a kind that cannot be restarted, or a workload that could not be read. */
  readonly rollout: Rollout | undefined;
  /** Live pods, grouped by their sidecar. Finished and terminating pods are not included. */
  readonly pods: readonly PodGroup[];
  readonly terminating: number;
  /** Terminating pods, grouped by their sidecar. They need their revision until they are gone. */
  readonly terminatingPods: readonly PodGroup[];
}

/** A field manager that owns fields of a pod template. */
export interface TemplateManager {
  readonly name: string;
  /** The time of its last change, in RFC 3339. */
  readonly changedAt: string;
  /** True if it owns the time of the last restart. */
  readonly restarted: boolean;
}

/** The parts of a pod template that injection depends on. */
export interface PodTemplate {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly hostNetwork: boolean;
  /** True if the pods run on Windows, where no sidecar runs. */
  readonly windows: boolean;
  /** The template's own container `istio-proxy`, if it has one. */
  readonly proxy: OwnProxy | undefined;
  /** True if every ordinary container has a readiness probe. */
  readonly probed: boolean;
  /** The names of the PersistentVolumeClaims that all pods share; absent if there is none. */
  readonly claims?: readonly string[];
}

/** A container `istio-proxy` that the pod template itself defines. */
export interface OwnProxy {
  readonly image: string;
  readonly args: readonly string[];
  /** True if it sets `allowPrivilegeEscalation: false`. */
  readonly confined: boolean;
}

/** The part of a pod template that pins the sidecar's image, so that the revision does not decide it. */
export interface Pin {
  /** `kube-inject`: the template's container is a sidecar that was injected by hand. */
  readonly by: "annotation" | "container" | "kube-inject";
}

/** True if a template's own container `istio-proxy` has no image until injection sets one. */
export function leavesImageOpen({ image }: Pick<OwnProxy, "image">): boolean {
  return image === "" || image === "auto";
}

/** True if `istioctl kube-inject` added the sidecar to the template: it left the status of injection. */
export function isInjectedByHand({ annotations }: Pick<PodTemplate, "annotations">): boolean {
  return annotations[INJECTION_STATUS] !== undefined;
}

/** Finds what pins the sidecar's image. The image `auto` leaves the choice to the revision. */
export function pinOf({ proxy, annotations }: PodTemplate): Pin | undefined {
  if (proxy !== undefined && !leavesImageOpen(proxy)) {
    return { by: isInjectedByHand({ annotations }) ? "kube-inject" : "container" };
  }
  return annotations[PROXY_IMAGE] === undefined ? undefined : { by: "annotation" };
}

/** Pods of one workload that run the same sidecar. */
export interface PodGroup {
  /** The image of the container `istio-proxy`; `undefined` if there is no sidecar. */
  readonly image: string | undefined;
  /** The revision that injected the sidecar, according to the pod's annotations. */
  readonly revision: string | undefined;
  /** True for a native sidecar, which is an init container that keeps running. */
  readonly native: boolean;
  readonly pods: number;
  /** The number of pods whose condition `Ready` is true. */
  readonly ready: number;
  /** The names of at most ten pods, sorted. */
  readonly podNames: readonly string[];
  /** The creation time of the newest pod, in RFC 3339, by the API server's clock. */
  readonly newest?: string | undefined;
  /** The pod that was created first; absent if a creation time is unknown. */
  readonly oldestPod?: OldestPod;
  /** The worst trouble found in the pods. */
  readonly trouble: PodTrouble | undefined;
  /** The pod that has been unready for the longest time; absent if every pod is ready. */
  readonly unready?: UnreadyPod | undefined;
  /** The digest of the image that one of the pods runs, according to its status. */
  readonly imageId?: string;
  /** Present if the status of the sidecar names another tag than the spec. */
  readonly reported?: ReportedImage;
}

export interface OldestPod {
  readonly name: string;
  /** The creation time in RFC 3339, by the API server's clock. */
  readonly createdAt: string;
}

export interface UnreadyPod {
  readonly pod: string;
  readonly uid: string;
  readonly node: string | undefined;
  readonly blocker: Blocker | undefined;
  /** The time at which it became unready, in RFC 3339; `undefined` if that is unknown. */
  readonly since: string | undefined;
  /** The warning that explains it; absent if no event does, or the events were not read. */
  readonly event?: PodEvent | undefined;
}

/** The image of a sidecar according to the status of its container. */
export interface ReportedImage {
  readonly image: string;
  /** The digest; `undefined` if the kubelet reports none. */
  readonly imageId: string | undefined;
  /** True if the specs of the pods were changed after their creation. */
  readonly specChanged: boolean;
}

/** An event about a pod. */
export interface PodEvent {
  readonly reason: string;
  readonly message: string;
}

/** Something that keeps a pod from being ready. */
export type Blocker =
  /** No container has started: a volume, the network or an image is missing. */
  | { readonly kind: "not-started" }
  /** `init`: the container must end before the next one starts. */
  | { readonly kind: "container" | "init"; readonly container: string }
  /** All containers are ready, but a readiness gate is not. */
  | { readonly kind: "gate"; readonly message: string };

/** The reason why a pod does not run, as the kubelet or the scheduler reports it. */
export interface PodTrouble {
  readonly pod: string;
  /** Absent if the trouble is not about one container. */
  readonly container?: string;
  /** The reason, such as `CrashLoopBackOff` or `Unschedulable`. */
  readonly reason: string;
  readonly message: string;
  /**
   * `final`: the trouble does not resolve itself. `open`: it may. `passing`: it is usual while a pod
   * starts, and most often resolves itself.
   */
  readonly outlook: "final" | "open" | "passing";
}

/** The reason of a pod that fits no node, as the scheduler writes it. */
export const UNSCHEDULABLE = "Unschedulable";

/** One pod that the user named. */
export interface NamedPod {
  readonly name: string;
  /** `Running`, for example. */
  readonly phase: string;
  readonly terminating: boolean;
  /** A group of this pod alone. */
  readonly group: PodGroup;
}

/** The API server's answer to the creation of a pod that it does not persist. */
export type DryRun =
  | {
      readonly kind: "pod";
      /** The image of the sidecar; `undefined`: the pod would have none. */
      readonly image: string | undefined;
      readonly revision: string | undefined;
      /** True if the sidecar would be a native one; absent if there is none. */
      readonly native?: boolean;
      /** The image without pins; absent if nothing is pinned, or the second dry run failed. */
      readonly unpinned?: string | undefined;
    }
  | { readonly kind: "refused"; readonly message: string }
  | {
      /** The answer proves nothing, or there is none. */
      readonly kind: "unavailable";
      readonly message: string;
      /** The error, if the API server did not answer. */
      readonly unanswered?: Error;
    };

/** One pod of a workload during a rollout. */
export interface RollingPod {
  readonly name: string;
  readonly uid: string;
  /** The image of the container `istio-proxy`; `undefined` if there is no sidecar. */
  readonly image: string | undefined;
  readonly ready: boolean;
  /** The time since which the pod is ready, in RFC 3339; absent if it is not ready, or unknown. */
  readonly readySince?: string;
  /** The restarts of its containers, native sidecars included; absent if none has restarted. */
  readonly restarts?: readonly ContainerRestarts[];
  /** The time at which the pod became unready, in RFC 3339; `undefined` if it is unknown. */
  readonly unreadySince: string | undefined;
  readonly blocker: Blocker | undefined;
  readonly terminating: boolean;
  /** True if the pod has failed for good, so that its controller replaces it. */
  readonly failed: boolean;
  /** The node of the pod, or the node that its DaemonSet intends for it. */
  readonly node: string | undefined;
  /** The creation time in RFC 3339, by the API server's clock. */
  readonly createdAt: string;
  /** The time of the restart that created the pod, as its template had it. */
  readonly restartedAt: string | undefined;
  readonly trouble: PodTrouble | undefined;
}

/** The number of times that a container was started again. */
export interface ContainerRestarts {
  readonly container: string;
  readonly count: number;
  /** The end of its last run, such as `OOMKilled, exit code 137`; absent if it is unknown. */
  readonly lastEnd?: string;
}

/** The settings and the progress of a rollout, as the API reports them. */
export type Rollout = DeploymentRollout | StatefulSetRollout | DaemonSetRollout | ArgoRollout;

interface RolloutBase {
  readonly generation: number;
  readonly observedGeneration: number;
  readonly resourceVersion: string;
  /** The workload's selector of its pods. */
  readonly selector: LabelSelector;
  /** The number of pods that a rolling update may add at a time: `maxSurge`, resolved. */
  readonly surge: number;
  /** The number of pods that it may remove at a time: `maxUnavailable`, resolved. */
  readonly unavailable: number;
  /** The seconds for which a ready pod must stay ready to be available. */
  readonly minReadySeconds: number;
}

export interface DeploymentRollout extends RolloutBase {
  readonly kind: "Deployment";
  readonly replicas: number;
  readonly paused: boolean;
  readonly strategy: "RollingUpdate" | "Recreate";
  readonly status: {
    readonly replicas: number;
    readonly updated: number;
    readonly available: number;
  };
  readonly conditions: readonly Condition[];
}

export interface StatefulSetRollout extends RolloutBase {
  readonly kind: "StatefulSet";
  readonly replicas: number;
  readonly strategy: "RollingUpdate" | "OnDelete";
  /** True for the pod management policy OrderedReady: an unready pod blocks every other pod. */
  readonly ordered: boolean;
  readonly partition: number;
  /** The ordinal of the first pod: `spec.ordinals.start`. */
  readonly firstOrdinal: number;
  /** True if the controller replaces no pod, and only creates those that are missing. */
  readonly growing: boolean;
  readonly status: {
    readonly ready: number;
    readonly updated: number;
  };
}

export interface DaemonSetRollout extends RolloutBase {
  readonly kind: "DaemonSet";
  readonly strategy: "RollingUpdate" | "OnDelete";
  readonly status: {
    readonly desired: number;
    readonly updated: number;
    readonly available: number;
  };
}

/** A `Rollout` of Argo Rollouts. Its controller restarts it by evicting the pods. */
export interface ArgoRollout extends RolloutBase {
  readonly kind: "Rollout";
  readonly replicas: number;
  readonly strategy: "Evict";
  readonly restartAt: string | undefined;
  /** True if its controller has not finished the last restart. */
  readonly restarting: boolean;
  /** `Healthy`, `Progressing`, `Paused` or `Degraded`, as the controller reports it. */
  readonly phase: string;
  readonly message: string;
  readonly status: {
    readonly replicas: number;
    readonly updated: number;
    readonly available: number;
  };
  readonly conditions: readonly Condition[];
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** Returns the number of pods that a workload asks for: 0 if it is scaled to zero. */
export function wantedPods(rollout: Rollout): number {
  return rollout.kind === "DaemonSet" ? rollout.status.desired : rollout.replicas;
}

/** The annotation of a pod template that `kubectl rollout restart` writes. */
export const RESTARTED_AT = "kubectl.kubernetes.io/restartedAt";

/** Returns the time of a workload's last restart, in RFC 3339. */
export function restartTime({
  rollout,
  template,
}: Pick<Workload, "rollout" | "template">): string | undefined {
  return rollout?.kind === "Rollout" ? rollout.restartAt : template?.annotations[RESTARTED_AT];
}

/** Sorts by namespace, kind and name, so that two reports can be compared with `diff`. */
export function byNamespaceAndName(a: WorkloadName, b: WorkloadName): number {
  return (
    compareText(a.namespace, b.namespace) ||
    compareText(a.kind, b.kind) ||
    compareText(a.name, b.name)
  );
}

type WorkloadName = Pick<WorkloadRef, "namespace" | "kind" | "name">;

/** Compares texts by their code units, in every locale alike. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
