import { PROXY_IMAGE } from "./istio-labels.ts";
import type { NextStep } from "./next-step.ts";

/**
 * What was read from the cluster, in Kubernetes' words, and what could not be read.
 *
 * A snapshot is plain data: everything that decides is a function over it. A part that could not be
 * read is `undefined`, never empty, and has a gap that says why.
 */
export interface Snapshot {
  readonly controlPlane: ControlPlane;
  /** By name. A namespace that is absent could not be read. */
  readonly namespaces: ReadonlyMap<string, Namespace>;
  readonly workloads: readonly Workload[];
  readonly gaps: readonly Gap[];
}

/** A snapshot of the whole cluster, with everything that can name a revision. */
export interface UsageSnapshot extends Snapshot {
  /** Gateways of the Gateway API; `undefined`: they could not be read. */
  readonly gateways: readonly LabelledObject[] | undefined;
  /** `undefined`: they could not be read. */
  readonly cronJobs: readonly TemplateOwner[] | undefined;
}

/** What a ResourceQuota has left. */
export interface Quota {
  readonly name: string;
  /** By resource, as `requests.cpu`: cores, bytes, pods. */
  readonly room: Readonly<Record<string, number>>;
}

/** What one pod takes of a quota, by the same names. */
export type PodNeeds = Readonly<Record<string, number>>;

export interface LabelledObject {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
}

/** What makes pods from a template. */
export interface TemplateOwner {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly template: PodTemplate | undefined;
}

export type Labels = Readonly<Record<string, string>>;

/** Why something could not be read: stable, and all that the published schema knows. */
export const GAP_REASONS = [
  "forbidden",
  "unreachable",
  "refused",
  "malformed",
  "inconsistent",
  "not-read",
  "interrupted",
  "unfinished",
] as const;

export type GapReason = (typeof GAP_REASONS)[number];

/** Something inside the asked scope that could not be read. */
export interface Gap {
  /** `list`, or another verb of kubectl's `auth can-i`. */
  readonly verb: string;
  /** `pods`, `deployments.apps`: the resource with its group, as kubectl's `auth can-i` takes it. */
  readonly resource: string;
  /** Absent for what is read in the whole cluster. */
  readonly namespace: string | undefined;
  readonly reason: GapReason;
  readonly message: string;
  readonly hint: NextStep;
  /** It is only needed to predict injection: a dry run tells the outcome without it. */
  readonly about?: "injection";
}

export interface Namespace {
  readonly name: string;
  readonly labels: Labels;
  readonly annotations: Labels;
}

/** The injectors of the cluster, and the Istio namespace that stands behind them. */
export interface ControlPlane {
  /** The namespace asked for (`--istio-namespace`). */
  readonly istioNamespace: string;
  /** In the order in which the API server calls them. */
  readonly webhooks: readonly Webhook[] | undefined;
  /** By name, those of the Istio namespace. */
  readonly configMaps: ReadonlyMap<string, Labels> | undefined;
  readonly services: readonly Service[] | undefined;
  /** Ready endpoints by name of the Service. */
  readonly readyEndpoints: ReadonlyMap<string, number> | undefined;
  readonly istiods: readonly Istiod[] | undefined;
}

/** One webhook of a MutatingWebhookConfiguration whose rules cover the creation of pods. */
export interface Webhook {
  /** Name of the MutatingWebhookConfiguration. */
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
  /** It has a `caBundle`: without one no API server trusts what istiod signed itself. */
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
  /** It stands for a name outside the cluster (`type: ExternalName`), and never has endpoints. */
  readonly external: boolean;
}

/** A control-plane Deployment: one that has the env `REVISION`, or the label `app=istiod`. */
export interface Istiod {
  readonly name: string;
  readonly podLabels: Labels;
  /** Env `REVISION`; `default` where it is absent or empty, `undefined` where it cannot be told. */
  readonly revision: string | undefined;
  /** Image of the container that has it. */
  readonly image: string;
  /** Env `ENABLE_NATIVE_SIDECARS`: `true`, `false`, `auto`; `undefined` where it has none. */
  readonly native: string | undefined;
  /** Pods that it asks for. */
  readonly wanted: number;
  /** Rolled out, every replica available. */
  readonly ready: boolean;
}

export interface WorkloadRef {
  readonly namespace: string;
  /** `Deployment`, or `Pod` for a bare pod, or whatever kind the controller has. */
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** The controller at the end of the owner chain, or a bare pod, with what its pods run. */
export interface Workload extends WorkloadRef {
  readonly labels: Labels;
  readonly annotations: Labels;
  /** `undefined`: the owner could not be read, or its kind is not known. */
  readonly template: PodTemplate | undefined;
  /** Hash of the whole pod template; only where the workload was read by itself. */
  readonly templateHash?: string;
  /** Who applies it (server-side apply); only where the workload was read by itself. */
  readonly appliers?: readonly string[];
  /** Only for the kinds that are restarted by a patch of their template. */
  readonly rollout: Rollout | undefined;
  /** Live pods, grouped by what they run. Finished and terminating pods are not among them. */
  readonly pods: readonly PodGroup[];
  readonly terminating: number;
  /** What the terminating pods run: they hold their revision until they are gone. */
  readonly terminatingPods: readonly PodGroup[];
}

/** What injection looks at in a pod template. */
export interface PodTemplate {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly hostNetwork: boolean;
  /** The template's own container `istio-proxy`, where it has one. */
  readonly proxy: OwnProxy | undefined;
  /** Every ordinary container has a readiness probe. */
  readonly probed: boolean;
}

export interface OwnProxy {
  readonly image: string;
  readonly args: readonly string[];
  /** It sets `allowPrivilegeEscalation: false`. */
  readonly confined: boolean;
}

/** The part of a pod template that pins the sidecar's image, so that the revision does not decide it. */
export interface Pin {
  readonly by: "annotation" | "container";
}

/** Finds what pins the sidecar's image. The image `auto` leaves the choice to the revision. */
export function pinOf({ proxy, annotations }: PodTemplate): Pin | undefined {
  const image = proxy?.image ?? "";
  if (image !== "" && image !== "auto") return { by: "container" };
  return annotations[PROXY_IMAGE] === undefined ? undefined : { by: "annotation" };
}

/** Live pods of one workload that run the same sidecar. */
export interface PodGroup {
  /** Image of the container `istio-proxy`; `undefined`: no sidecar. */
  readonly image: string | undefined;
  /** Revision that injected it, by the pod's own account. */
  readonly revision: string | undefined;
  /** An init container that keeps running. */
  readonly native: boolean;
  readonly pods: number;
  /** Pods whose condition `Ready` is true. */
  readonly ready: number;
  /** At most ten, sorted. */
  readonly podNames: readonly string[];
  /** The first trouble seen in them. */
  readonly trouble: PodTrouble | undefined;
}

/** A container that waits for a reason that does not mend itself, in the kubelet's words. */
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

/** One pod of a workload while that rolls. */
export interface RollingPod {
  readonly name: string;
  readonly uid: string;
  /** Image of the container `istio-proxy`; `undefined`: no sidecar. */
  readonly image: string | undefined;
  readonly ready: boolean;
  readonly terminating: boolean;
  /** The node it was put on, or is meant for. */
  readonly node: string | undefined;
  /** RFC 3339, by the API server's clock. */
  readonly createdAt: string;
  /** The time of the restart that made it, as its template had it. */
  readonly restartedAt: string | undefined;
  readonly trouble: PodTrouble | undefined;
  /** Why no node takes it, in the scheduler's words. */
  readonly unschedulable: string | undefined;
}

/** Spec and status fields that say how far a rollout is. Counts as in the API. */
export type Rollout = DeploymentRollout | StatefulSetRollout | DaemonSetRollout | ArgoRollout;

interface RolloutBase {
  readonly generation: number;
  readonly observedGeneration: number;
  readonly resourceVersion: string;
  /** The workload's own selector. */
  readonly selector: LabelSelector;
  /** Pods that a rolling update may add at a time: `maxSurge`, resolved. */
  readonly surge: number;
  /** Pods that it may take away at a time: `maxUnavailable`, resolved. */
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
  /** Ordinal of its first pod: `spec.ordinals.start`. */
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

/** A `Rollout` of Argo Rollouts, restarted by `spec.restartAt`: its controller evicts its pods. */
export interface ArgoRollout extends RolloutBase {
  readonly kind: "Rollout";
  readonly replicas: number;
  readonly strategy: "Evict";
  readonly restartAt: string | undefined;
  /** `Healthy`, `Progressing`, `Paused`, `Degraded`, by the controller's own account. */
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

/** Pods that the workload asks for: none for a workload scaled to zero. */
export function wantedPods(rollout: Rollout): number {
  return rollout.kind === "DaemonSet" ? rollout.status.desired : rollout.replicas;
}

/** Annotation of a pod template, as `kubectl rollout restart` writes it. */
export const RESTARTED_AT = "kubectl.kubernetes.io/restartedAt";

/** When a workload was last restarted, as the restart itself wrote it: RFC 3339. */
export function restartTime({
  rollout,
  template,
}: Pick<Workload, "rollout" | "template">): string | undefined {
  return rollout?.kind === "Rollout" ? rollout.restartAt : template?.annotations[RESTARTED_AT];
}

/** By namespace, kind, name: two reports can be compared with `diff`. */
export function byNamespaceAndName(a: Place, b: Place): number {
  return compare(a.namespace, b.namespace) || compare(a.kind, b.kind) || compare(a.name, b.name);
}

type Place = Pick<WorkloadRef, "namespace" | "kind" | "name">;

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
