/**
 * A world: what stands in the cluster, in two steps. Half of its workloads are created in the first
 * one, so that their pods lag behind the second, in which verdicts are asked for.
 *
 * All fields that may be left out mean "as usual", so that the smallest world is the shortest text.
 */
export interface World {
  readonly before: Plane;
  readonly now: Plane;
  readonly places: readonly Place[];
}

export const REVISIONS = ["asm-1-27", "asm-1-28", "default"] as const;
/** `default` is Istio without a revision's name. */
export type RevisionName = (typeof REVISIONS)[number];

export const TAGS = ["prod", "default"] as const;
export type TagName = (typeof TAGS)[number];

/** The control planes of a world. */
export interface Plane {
  /** Those that are installed. */
  readonly revisions: Readonly<Partial<Record<RevisionName, Revision>>>;
  /** May point at a revision that was removed since. */
  readonly tags?: Readonly<Partial<Record<TagName, RevisionName>>>;
}

export interface Revision {
  readonly image?: Image;
  /** Of the injector's `config`; usually `enabled`. */
  readonly policy?: string;
  readonly neverInjectSelector?: readonly Selector[];
  readonly alwaysInjectSelector?: readonly Selector[];
  /** Why its webhooks do not answer: its Service is gone, or no pod stands behind it. */
  readonly dead?: "no-service" | "no-pods";
  /** Usually `Fail`. */
  readonly failurePolicy?: "Ignore";
  /** Its webhooks have conditions in a language that only the API server evaluates. */
  readonly matchConditions?: true;
  /** Its templates choose the image in a way of their own. */
  readonly template?: "foreign";
}

/** A whole reference as on AKS, or the parts that Istio's own charts write. */
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

/** A namespace. */
export interface Place {
  readonly before: Labels;
  readonly now: Labels;
  readonly workloads: readonly Workload[];
}

export const KINDS = [
  "Deployment",
  "StatefulSet",
  "DaemonSet",
  "ReplicaSet",
  "Pod",
  "Job",
  "CronJob",
] as const;
export type Kind = (typeof KINDS)[number];

export interface Workload {
  readonly kind: Kind;
  /** The step in which it is created. */
  readonly when: "before" | "now";
  /** Of its pod template. */
  readonly labels?: Labels;
  /** Of its pod template. */
  readonly annotations?: Labels;
  /** Image of the template's own container `istio-proxy`. */
  readonly proxy?: string;
  readonly hostNetwork?: true;
}

/** One workload with all that decides about it: what is kept, printed and reduced. */
export interface Case {
  readonly before: Plane;
  readonly now: Plane;
  readonly place: Omit<Place, "workloads">;
  readonly workload: Workload;
}

/** In such a world an honest answer may be that only a dry run can tell. */
export function isUndecidable({ now }: Case): boolean {
  return Object.values(now.revisions).some(
    ({ matchConditions, template }) => matchConditions !== undefined || template !== undefined,
  );
}

export function hasRemovedRevision({ before, now }: Case): boolean {
  return Object.keys(before.revisions).some((name) => !(name in now.revisions));
}

export function caseOf({ before, now }: World, place: Place, workload: Workload): Case {
  return { before, now, place: { before: place.before, now: place.now }, workload };
}
