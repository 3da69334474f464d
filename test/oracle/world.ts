/**
 * The content of a cluster in two steps, `before` and `now`. Half of the workloads are created in
 * the first step, so that their pods are outdated in the second step, when the verdicts are checked.
 *
 * An absent optional field has its usual value, so that the smallest world is the shortest text.
 */
export interface World {
  readonly before: ControlPlane;
  readonly now: ControlPlane;
  readonly namespaces: readonly TestNamespace[];
}

export const REVISIONS = ["asm-1-27", "asm-1-28", "default", "other-mesh"] as const;
/**
 * The name of a revision. `default` is the revision of an Istio without named revisions. The control
 * plane of `other-mesh` is in another namespace, so it belongs to another mesh.
 */
export type RevisionName = (typeof REVISIONS)[number];

export const TAGS = ["prod", "default"] as const;
export type TagName = (typeof TAGS)[number];

/** The installed revisions and tags in one step. */
export interface ControlPlane {
  readonly revisions: Readonly<Partial<Record<RevisionName, Revision>>>;
  /** The revision of each tag. The revision may be absent from `revisions`. */
  readonly tags?: Readonly<Partial<Record<TagName, RevisionName>>>;
}

export interface Revision {
  readonly image?: Image;
  /** The policy in the injector's `config`; usually `enabled`. */
  readonly policy?: string;
  readonly neverInjectSelector?: readonly Selector[];
  readonly alwaysInjectSelector?: readonly Selector[];
  /** The reason why the webhooks do not answer: the Service does not exist, or has no pods. */
  readonly outage?: "no-service" | "no-pods";
  /** Usually `Fail`. */
  readonly failurePolicy?: "Ignore";
  /** The webhooks have match conditions, which only the API server can evaluate. */
  readonly matchConditions?: true;
  /** The templates set the image in an unknown form. */
  readonly template?: "foreign";
  /**
   * The list of containers in which the injection template `custom` adds to the proxy. Without it,
   * the template does not exist.
   */
  readonly custom?: "containers" | "initContainers";
}

/** A complete reference as on AKS, or its parts as in Istio's own charts. */
export type Image =
  | string
  | {
      readonly hub: string;
      readonly name: string;
      readonly tag: string | number;
      readonly variant?: string;
    };

export interface Selector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

export type Labels = Readonly<Record<string, string>>;

/** The labels of a namespace in each step, and its workloads. */
export interface TestNamespace {
  readonly before: Labels;
  readonly now: Labels;
  /** The name of the namespace begins like the names of AKS's own namespaces. */
  readonly aks?: true;
  /** A policy changes the images of sidecars after injection. */
  readonly rewrite?: Rewrite;
  /** The image type that a ProxyConfig sets, from the second step on. */
  readonly proxyConfig?: ImageType;
  readonly workloads: readonly Workload[];
}

/** The part of an image that a policy changes: the registry, or the digest, which it adds. */
export const REWRITES = ["registry", "digest"] as const;
export type Rewrite = (typeof REWRITES)[number];

export type ImageType = "debug" | "distroless";

export const KINDS = [
  "Deployment",
  "StatefulSet",
  "DaemonSet",
  "ReplicaSet",
  "Pod",
  "Job",
  "CronJob",
  // Custom kinds with the names of built-in ones, as the program names them.
  "StatefulSet.apps.worlds.example",
  "DaemonSet.apps.worlds.example",
] as const;
export type Kind = (typeof KINDS)[number];

export interface Workload {
  readonly kind: Kind;
  /** The step that creates the workload. */
  readonly when: "before" | "now";
  /** The labels of the pod template. */
  readonly labels?: Labels;
  /** The annotations of the pod template. */
  readonly annotations?: Labels;
  /** The image of the template's own container `istio-proxy`. */
  readonly proxy?: string;
  readonly hostNetwork?: true;
  /** A Deployment, StatefulSet or DaemonSet has a label that AKS gives its gateways. */
  readonly aks?: true;
  /** `istioctl kube-inject` added a sidecar to the template. */
  readonly byHand?: true;
  /** Somebody removes the annotations of injection from the pods of the first step. */
  readonly stripped?: true;
  /** The workload has the label that `check --selector` selects. */
  readonly selected?: true;
  /** A Deployment, StatefulSet or ReplicaSet has zero replicas; a Job is suspended. */
  readonly idle?: true;
}

const CAN_IDLE: ReadonlySet<Kind> = new Set(["Deployment", "StatefulSet", "ReplicaSet", "Job"]);

/** True if the workload asks for no pods. */
export function isIdle({ idle, kind }: Workload): boolean {
  return idle === true && CAN_IDLE.has(kind);
}

const WITH_TEMPLATE: ReadonlySet<Kind> = new Set(["Deployment", "StatefulSet", "DaemonSet"]);

/** True if the workload itself has a label of AKS. */
export function isLabelledByAks({ aks, kind }: Workload): boolean {
  return aks === true && WITH_TEMPLATE.has(kind);
}

/** The kinds whose template a cluster shows. That of a bare pod, and of a custom kind, is unknown. */
const SHOWING_TEMPLATE: ReadonlySet<Kind> = new Set([
  ...WITH_TEMPLATE,
  "ReplicaSet",
  "Job",
  "CronJob",
] as const);

/** True if an object of the kind has its pod template. */
export function isTemplateShown(kind: Kind): boolean {
  return SHOWING_TEMPLATE.has(kind);
}

/** True if the label of the template opts out of injection, so that its other labels lead nowhere. */
export function isOptedOut({ labels }: Workload): boolean {
  return labels?.["sidecar.istio.io/inject"] === "false";
}

/** True if the template contains an injected sidecar. */
export function isInjectedByHand({ byHand, kind }: Workload): boolean {
  return byHand === true && isTemplateShown(kind);
}

/** True if the pods lose their annotations. A container of the template's own would look the same. */
export function isStripped(workload: Workload): boolean {
  const { stripped, when, proxy } = workload;
  return (
    stripped === true && when === "before" && proxy === undefined && !isInjectedByHand(workload)
  );
}

/** One workload with everything that determines its verdict. Failing cases are shrunk and printed. */
export interface Case {
  readonly before: ControlPlane;
  readonly now: ControlPlane;
  readonly namespaceLabels: Omit<TestNamespace, "workloads">;
  readonly workload: Workload;
}

/** True if the verdict may be `unknown` without a dry run. */
export function isUndecidable({ now, workload, namespaceLabels }: Case): boolean {
  if (isInjectedByHand(workload) || namespaceLabels.proxyConfig !== undefined) return true;
  if ("other-mesh" in now.revisions) return true;
  return Object.values(now.revisions).some(
    ({ matchConditions, template }) => matchConditions !== undefined || template !== undefined,
  );
}

export function hasRemovedRevision({ before, now }: Case): boolean {
  return Object.keys(before.revisions).some((name) => !(name in now.revisions));
}

export function caseOf({ before, now }: World, namespace: TestNamespace, workload: Workload): Case {
  const { workloads: _, ...namespaceLabels } = namespace;
  return { before, now, namespaceLabels, workload };
}
