import {
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
import { isPodReference, type LabelReference, type Reference } from "./references.ts";

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

/** A move from one revision to another. */
export interface RevisionMove {
  readonly from: string;
  /** `undefined` if no other revision is installed. */
  readonly to: string | undefined;
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
  return reference.release;
}

function releaseFor(
  kind: Reference["kind"],
  releasedBy: Release,
  references: readonly Reference[],
  move: RevisionMove,
): NextStep {
  const { from, to, elsewhere, ambiguous } = move;
  if (kind === "terminating-pods") return "wait until they are gone";
  if (elsewhere !== undefined) return otherMeshStep(elsewhere, "revisions", from);
  if (kind === "pods") return releasePods(releasedBy, references, from);
  if (releasedBy === "waiting") return "wait until these Jobs have finished, or delete them";
  if (ambiguous) {
    return "give each a revision of its own mesh: several meshes are installed, and none has this revision";
  }
  return to === undefined
    ? "no other revision is installed: install a revision first"
    : RELABEL_INSTRUCTIONS[kind](references, { ...move, to });
}

function releasePods(releasedBy: Release, pods: readonly Reference[], from: string): NextStep {
  const scope = [...scopeOf(pods), "--revision", from];
  const restart = istioUpgrade("restart", ...scope);
  const withDowntime = istioUpgrade("restart", ...scope, "--allow-downtime");
  switch (releasedBy) {
    case "restart":
      return restart;
    case "restart-with-downtime":
      return withDowntime;
    case "after-relabelling":
      return sentence`change the labels and tags first, then: ${restart}`;
    case "after-relabelling-with-downtime":
      return sentence`change the labels and tags first, then: ${withDowntime}`;
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
) => NextStep;

/** Returns instructions that make labels or tags lead to another revision. */
const RELABEL_INSTRUCTIONS: Readonly<Record<LabelReference["kind"], Instruction>> = {
  tags: (references, { to, istioNamespace }) =>
    sequence(namesOf(references).map((tag) => setTag(tag, to, istioNamespace))),
  namespaces: (references, { to }) => {
    const shared = references.find((one) => !isPodReference(one) && one.elsewhere !== undefined);
    if (shared !== undefined) {
      return `leave one label on each that asks for injection: ${shared.names.join(", ")} leads to two meshes`;
    }
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

function setTag(tag: string, to: string, istioNamespace: string): Invocation {
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
