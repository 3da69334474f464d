import {
  type Command,
  type Invocation,
  istioctl,
  istioUpgrade,
  kubectl,
  type NextStep,
  sentence,
  sequence,
} from "../next-step.ts";
import type { Elsewhere } from "./mesh.ts";
import { otherMeshStep } from "./elsewhere.ts";
import { REVISION } from "../istio-labels.ts";
import { RELEASES, type Release } from "./pod-release.ts";
import { allowRevisions } from "./revision-move.ts";
import {
  isPodReference,
  type LabelReference,
  type PodReference,
  type Reference,
} from "./references.ts";

/** The kinds of references, in the order in which the user removes them. */
const KINDS = [
  "tags",
  "namespaces",
  "templates",
  "gateways",
  "pods",
  "terminating-pods",
] as const satisfies readonly Reference["kind"][];

/** References of one kind that the user removes in the same way. */
export interface RemainingReferences {
  readonly kind: Reference["kind"];
  readonly releasedBy: Release;
  readonly count: number;
  /** All names, sorted. For `pods`, these are the names of their workloads. */
  readonly names: readonly string[];
  /** The command or instruction that removes the references. */
  readonly release: NextStep;
}

/** A move from one revision to another, which the user chooses. */
export interface RevisionMove {
  readonly from: string;
  /**
   * Returns one next step for all revisions that may be meant, given the step to each of them;
   * `undefined` if no other revision is known.
   */
  readonly choose: (stepTo: (to: string) => Command | string) => NextStep | undefined;
  readonly istioNamespace: string;
  /** The place of the control plane of `from`, if it belongs to another mesh. */
  readonly elsewhere: Elsewhere | undefined;
  /** True if it is unknown to which of several meshes `from` belongs. */
  readonly ambiguous: boolean;
}

/**
 * Groups the references to `move.from` that the user must remove, by their kind and by the way in
 * which they are removed.
 *
 * @param all every reference to the revision.
 */
export function remainingReferences(
  all: readonly Reference[],
  move: RevisionMove,
): readonly RemainingReferences[] {
  const remaining = all.filter(mustBeRemoved);
  return KINDS.flatMap((kind) =>
    RELEASES.flatMap((releasedBy) => {
      const references = remaining.filter(
        (reference) => reference.kind === kind && wayOf(reference) === releasedBy,
      );
      if (references.length === 0) return [];
      const release = releaseFor(kind, releasedBy, references, move);
      const names = namesOf(references);
      return [{ kind, releasedBy, count: countReferences(references), names, release }];
    }),
  );
}

/** Labels that name a tag move with the tag, and AKS removes its own gateways. */
function mustBeRemoved(reference: Reference): boolean {
  return isPodReference(reference) ? !reference.managed : reference.tag === undefined;
}

function wayOf(reference: Reference): Release {
  if (!isPodReference(reference)) {
    // The template of a Job cannot be changed.
    const isJob = reference.kind === "templates" && reference.ownerKind === "Job";
    return isJob ? "waiting" : "relabelling";
  }
  return reference.release.by;
}

function releaseFor(
  kind: Reference["kind"],
  releasedBy: Release,
  references: readonly Reference[],
  move: RevisionMove,
): NextStep {
  const { from, elsewhere, ambiguous, choose } = move;
  if (kind === "terminating-pods") return "wait until they are gone";
  if (elsewhere !== undefined) return otherMeshStep(elsewhere, "revisions", from);
  if (kind === "pods") return releasePods(releasedBy, references.filter(isPodReference), move);
  if (releasedBy === "waiting") return "wait until these Jobs have finished, or delete them";
  if (ambiguous) {
    return "give each a revision of its own mesh: several meshes are installed, and none has this revision";
  }
  const shared = references.find((one) => !isPodReference(one) && one.elsewhere !== undefined);
  if (kind === "namespaces" && shared !== undefined) {
    return `leave one label on each that asks for injection: ${shared.names.join(", ")} leads to two meshes`;
  }
  return (
    choose((to) => RELABEL_INSTRUCTIONS[kind](references, { ...move, to })) ??
    "no other revision is installed: install a revision first"
  );
}

function releasePods(
  releasedBy: Release,
  pods: readonly PodReference[],
  { from, choose }: RevisionMove,
): NextStep {
  const scope = [...scopeOf(pods), "--revision", from];
  const known = pods.flatMap(({ release }) => release.to ?? []);
  // Without consent to the revisions, an unattended restart would leave these pods out.
  const restart = (targets: readonly string[], ...flags: readonly string[]) =>
    istioUpgrade("restart", ...scope, ...allowRevisions(targets), ...flags);
  const afterwards = (...flags: readonly string[]) => {
    const chosen = choose((to) => restart([to], ...flags)) ?? restart([], ...flags);
    return typeof chosen === "object" && chosen.kind === "sentence"
      ? sentence`change the labels and tags first, then, ${chosen}`
      : sentence`change the labels and tags first, then: ${chosen}`;
  };
  switch (releasedBy) {
    case "restart":
      return restart(known);
    case "restart-with-downtime":
      return restart(known, "--allow-downtime");
    case "after-relabelling":
      return afterwards();
    case "after-relabelling-with-downtime":
      return afterwards("--allow-downtime");
    case "excluded":
      return sentence`restart them yourself, or remove what excludes them: ${istioUpgrade("check", ...scope)}`;
    case "relabel-gateway":
      return "label their Gateways with another revision: istiod then renders them again";
    default:
      return sentence`each has its own next step: ${istioUpgrade("check", ...scope)}`;
  }
}

/** Returns the flags that select the namespaces of the references. */
function scopeOf(references: readonly Reference[]): readonly string[] {
  const namespaces = distinct(references.map(({ namespace }) => namespace));
  return namespaces.length > MOST_NAMESPACES
    ? ["--all-namespaces"]
    : ["--namespace", namespaces.join(",")];
}

type Instruction = (
  references: readonly Reference[],
  move: RevisionMove & { readonly to: string },
) => Command | string;

/** Returns instructions that make labels or tags lead to another revision. */
const RELABEL_INSTRUCTIONS: Readonly<Record<LabelReference["kind"], Instruction>> = {
  tags: (references, { to, istioNamespace }) =>
    sequence(namesOf(references).map((tag) => setTag(tag, to, istioNamespace))),
  namespaces: (references, { to }) => {
    // One command selects all namespaces with one label.
    const selections = new Map(
      references.map(namespaceArguments).map((args) => [args.join(" "), args]),
    );
    const sorted = [...selections].sort(([one], [other]) => (one < other ? -1 : 1));
    return sequence(
      sorted.map(([, args]) =>
        kubectl("label", "namespaces", ...args, `${REVISION}=${to}`, "--overwrite"),
      ),
    );
  },
  templates: (_references, { to }) => `set the label ${REVISION}=${to} in these pod templates`,
  gateways: (_references, { from, to }) =>
    kubectl(
      "label",
      "gateways.gateway.networking.k8s.io",
      "-A",
      "-l",
      `${REVISION}=${from}`,
      `${REVISION}=${to}`,
      "--overwrite",
    ),
};

/** Returns the command that moves a tag to another revision. */
export function setTag(tag: string, to: string, istioNamespace: string): Invocation {
  const place = ["--istioNamespace", istioNamespace];
  return istioctl("tag", "set", tag, "--revision", to, ...place, "--overwrite");
}

/** The largest number of namespaces that a command lists by name. */
const MOST_NAMESPACES = 3;

/**
 * The arguments of `kubectl label namespaces` that select the namespaces of a reference. A label
 * selects all of them at once; without one, the namespaces are listed by name.
 */
function namespaceArguments(reference: Reference): readonly string[] {
  const [key, value] = isPodReference(reference) ? [] : reference.label.split("=");
  if (value === undefined) return reference.names;
  // Remove the label `istio-injection`: any value of it disables the webhooks of revisions.
  return ["-l", `${key}=${value}`, ...(key === REVISION ? [] : [`${key}-`])];
}

/** The distinct names of the references, sorted. */
export function namesOf(references: readonly Reference[]): readonly string[] {
  return distinct(references.flatMap(({ names }) => names));
}

export function countReferences(references: readonly Reference[]): number {
  return references.reduce((total, { count }) => total + count, 0);
}

function distinct(values: readonly string[]): readonly string[] {
  return [...new Set(values)].sort();
}
