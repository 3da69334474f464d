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

/** A ProxyConfig that sets the image type of the sidecars that it applies to. */
export interface ProxyConfig {
  readonly namespace: string;
  readonly name: string;
  /** The pod labels that it requires; empty for all pods of its namespace. */
  readonly selector: Labels;
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
  /** The hash of the whole pod template; present if the workload was read by its name. */
  readonly templateHash?: string;
  /** The field managers of server-side apply; present if the workload was read by its name. */
  readonly appliers?: readonly string[];
  /** `undefined` for a kind that cannot be restarted, or a workload that could not be read. */
  readonly rollout: Rollout | undefined;
  /** Live pods, grouped by their sidecar. Finished and terminating pods are not included. */
  readonly pods: readonly PodGroup[];
  readonly terminating: number;
  /** Terminating pods, grouped by their sidecar. They need their revision until they are gone. */
  readonly terminatingPods: readonly PodGroup[];
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
  /** The first trouble found in the pods. */
  readonly trouble: PodTrouble | undefined;
}

/** The reason why a container waits, as the kubelet reports it, if it does not resolve itself. */
export interface PodTrouble {
  readonly pod: string;
  readonly reason: string;
  readonly message: string;
}

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
  readonly terminating: boolean;
  /** The node of the pod, or the node that its DaemonSet intends for it. */
  readonly node: string | undefined;
  /** The creation time in RFC 3339, by the API server's clock. */
  readonly createdAt: string;
  /** The time of the restart that created the pod, as its template had it. */
  readonly restartedAt: string | undefined;
  readonly trouble: PodTrouble | undefined;
  /** The scheduler's message, if no node fits the pod. */
  readonly unschedulable: string | undefined;
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
  readonly partition: number;
  /** The ordinal of the first pod: `spec.ordinals.start`. */
  readonly firstOrdinal: number;
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
  return compare(a.namespace, b.namespace) || compare(a.kind, b.kind) || compare(a.name, b.name);
}

type WorkloadName = Pick<WorkloadRef, "namespace" | "kind" | "name">;

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
