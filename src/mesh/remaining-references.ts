import { shellWord } from "../shell-word.ts";
import type { Reference } from "./references.ts";
import { REVISION } from "../istio-labels.ts";

/** What keeps a revision from being removed, in the order in which it is released. */
const HOLDERS = [
  "tags",
  "namespaces",
  "templates",
  "gateways",
  "pods",
  "terminating-pods",
] as const satisfies readonly Reference["kind"][];

export interface RemainingReferences {
  readonly kind: Reference["kind"];
  readonly count: number;
  /** At most ten, sorted: for `pods` the workloads that they belong to. */
  readonly names: readonly string[];
  /** What to type, or to do, so that it no longer holds the revision. */
  readonly release: string;
}

export interface RevisionMove {
  readonly from: string;
  /** Another installed revision; `undefined` where there is none. */
  readonly to: string | undefined;
  readonly istioNamespace: string;
}

/** @param all what uses the revision. */
export function remainingReferences(
  all: readonly Reference[],
  revisions: RevisionMove,
): readonly RemainingReferences[] {
  return HOLDERS.flatMap((kind) => {
    const uses = all.filter((use) => use.kind === kind && isHolding(use));
    if (uses.length === 0) return [];
    const release = releaseOf(kind, uses, revisions);
    return [{ kind, count: countUses(uses), names: namesOf(uses), release }];
  });
}

/** What leads to the revision by a tag goes along when the tag moves: the tag holds, not it. */
function isHolding(use: Reference): boolean {
  return "managed" in use ? !use.managed : use.tag === undefined;
}

function releaseOf(
  kind: RemainingReferences["kind"],
  uses: readonly Reference[],
  revisions: RevisionMove,
): string {
  const { to } = revisions;
  if (kind === "pods") return restartOf(uses, revisions);
  if (kind === "terminating-pods") return "wait until they are gone";
  return to === undefined
    ? "there is no other revision that they could follow: install one first"
    : MOVES[kind](uses, { ...revisions, to });
}

function restartOf(uses: readonly Reference[], { from }: RevisionMove): string {
  const places = distinct(uses.map(({ namespace }) => namespace));
  const scope =
    places.length > MOST_PLACES ? "--all-namespaces" : `--namespace ${shellWord(places.join(","))}`;
  return `istio-upgrade restart ${scope} --revision ${shellWord(from)}`;
}

type Move = (
  uses: readonly Reference[],
  revisions: RevisionMove & { readonly to: string },
) => string;

/** How what leads to a revision is led to another one. */
const MOVES: Readonly<
  Record<Exclude<RemainingReferences["kind"], "pods" | "terminating-pods">, Move>
> = {
  tags: (uses, { to, istioNamespace }) =>
    namesOf(uses)
      .map(
        (tag) =>
          `istioctl tag set ${shellWord(tag)} --revision ${shellWord(to)} --istioNamespace ${shellWord(istioNamespace)} --overwrite`,
      )
      .join(" && "),
  namespaces: (uses, { to }) =>
    distinct(uses.map((use) => `kubectl label namespaces ${namespacesOf(use)}`))
      .map((command) => `${command} ${shellWord(`${REVISION}=${to}`)} --overwrite`)
      .join(" && "),
  templates: (_uses, { to }) => `set the label ${REVISION}=${to} in these pod templates`,
  gateways: (_uses, { from, to }) =>
    `kubectl label gateways.gateway.networking.k8s.io -A -l ${shellWord(`${REVISION}=${from}`)} ${shellWord(`${REVISION}=${to}`)} --overwrite`,
};

/** More namespaces than these are not named one by one. */
const MOST_PLACES = 3;

/** By their label, so that none is left out; by name where no label selects them. */
function namespacesOf(use: Reference): string {
  const [key, value] = "label" in use ? use.label.split("=") : [];
  if (value === undefined) return use.names.map(shellWord).join(" ");
  // Any `istio-injection` label switches the revisions' own webhooks off.
  return `-l ${shellWord(`${key}=${value}`)}${key === REVISION ? "" : ` ${key}-`}`;
}

const MOST_NAMES = 10;

export function namesOf(uses: readonly Reference[]): readonly string[] {
  return distinct(uses.flatMap(({ names }) => names)).slice(0, MOST_NAMES);
}

export function countUses(uses: readonly Reference[]): number {
  return uses.reduce((total, { count }) => total + count, 0);
}

function distinct(values: readonly string[]): readonly string[] {
  return [...new Set(values)].sort();
}
