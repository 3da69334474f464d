import { count } from "../wording.ts";
import type { Report, WorkloadEntry } from "./document.ts";
import { shownReason } from "./entry-status.ts";

/** Workloads that need a person for the same kind of reason, by the urgency of the kinds. */
export interface PersonGroup {
  readonly title: string;
  /** The number of workloads. */
  readonly size: number;
  readonly causes: readonly Cause[];
}

/** Workloads with the same reason, apart from their own names and numbers of pods. */
export interface Cause {
  readonly reason: string;
  readonly entries: readonly WorkloadEntry[];
  /** Each next step once. */
  readonly nextSteps: readonly string[];
}

/**
 * Returns the heading of the workloads that need a person. Nothing was to be restarted by `check` and
 * `verify`.
 */
export function personTitle({ kind }: Pick<Report, "kind">): string {
  return kind === "RestartReport" ? "Not restarted" : "Needs you";
}

type Kind = "would-lose" | "blocked" | "unknown" | "by-hand" | "missing";

/** The kinds, from the most urgent to the least. */
const TITLES: Readonly<Record<Kind, string>> = {
  "would-lose": "Would lose its sidecar",
  blocked: "Blocked",
  unknown: "Unknown",
  "by-hand": "By hand",
  missing: "No sidecar yet",
};

function kindOf({ verdict, restart }: WorkloadEntry): Kind {
  if (verdict === "would-lose" || verdict === "blocked" || verdict === "unknown") return verdict;
  return verdict === "missing" && restart === "yes" ? "missing" : "by-hand";
}

/** Groups workloads that need a person, the most urgent kind first. */
export function personGroups(entries: readonly WorkloadEntry[]): readonly PersonGroup[] {
  return (Object.keys(TITLES) as Kind[])
    .map((kind) => ({ kind, members: entries.filter((entry) => kindOf(entry) === kind) }))
    .filter(({ members }) => members.length > 0)
    .map(({ kind, members }) => ({
      title: TITLES[kind],
      size: members.length,
      causes: causesOf(members),
    }));
}

function causesOf(entries: readonly WorkloadEntry[]): readonly Cause[] {
  const groups: WorkloadEntry[][] = [];
  const known = new Map<string, WorkloadEntry[]>();
  for (const entry of entries) {
    const reason = shownReason(entry);
    // The name of a workload may be an ordinary word of the texts, so equal texts come first.
    const keys = [reason, masked(reason, entry)].flatMap((text) =>
      [entry.nextStep, masked(entry.nextStep, entry)].map((step) => JSON.stringify([text, step])),
    );
    const group = keys.map((key) => known.get(key)).find((found) => found !== undefined) ?? [];
    if (group.length === 0) groups.push(group);
    group.push(entry);
    for (const key of keys) known.set(key, known.get(key) ?? group);
  }
  return groups.map((members) => ({
    reason: sharedReason(members),
    entries: members,
    nextSteps: mergeRestarts([...new Set(members.map(({ nextStep }) => nextStep))]),
  }));
}

const OMITTED = "…";

/** A number of pods with the verb that agrees with it. */
const PODS = /(?<![\w.-])(\d{1,9}) pods?(?: (has|have|is|are))?(?![\w.-])/g;

/** Replaces what differs between workloads with the same reason: names, and numbers of pods. */
function masked(text: string, entry: WorkloadEntry): string {
  return withoutNames(text, entry).replace(PODS, `${OMITTED} pods`);
}

const WORD = /\w+(?:[.-]+\w+)*/g;

/** For example `statefulset/db` or `rollout.argoproj.io/web`. */
const RESOURCE = /(?<![\w./-])[a-z][\w.-]*\/(\w+(?:[.-]+\w+)*)(?![\w./-])/g;

function withoutNames(text: string, { namespace, name, running }: WorkloadEntry): string {
  const own = new Set([namespace, name, ...running.flatMap(({ podNames = [] }) => podNames)]);
  const withoutKind = text.replace(RESOURCE, (resource, found) =>
    found === name ? OMITTED : resource,
  );
  return withoutKind.replace(WORD, (word) => (own.has(word) ? OMITTED : word));
}

/** Returns the common reason: numbers of pods are added up, and names that differ are left out. */
function sharedReason(entries: readonly WorkloadEntry[]): string {
  const [first] = entries;
  if (first === undefined) return "";
  const reasons = entries.map(shownReason);
  if (new Set(reasons).size === 1) return shownReason(first);
  const common = withTotals(shownReason(first), reasons);
  const all = reasons.map((reason) => withTotals(reason, reasons));
  return new Set(all).size === 1 ? common : withoutNames(common, first);
}

/** Replaces each number of pods by the total of all reasons. */
function withTotals(reason: string, all: readonly string[]): string {
  const numbers = all.map((text) => [...text.matchAll(PODS)].map(([, number]) => Number(number)));
  let index = -1;
  return reason.replace(PODS, (_match, _number, verb: string | undefined) => {
    index += 1;
    const total = numbers.reduce((sum, found) => sum + (found[index] ?? 0), 0);
    return count(
      total,
      "pod",
      VERBS.find((forms) => forms.includes(verb ?? "")),
    );
  });
}

const VERBS: readonly (readonly [one: string, many: string])[] = [
  ["has", "have"],
  ["is", "are"],
];

/** Merges restarts that differ in the workload alone: `restart` takes several workloads. */
function mergeRestarts(steps: readonly string[]): readonly string[] {
  const merged: string[] = [];
  const places = new Map<string, number>();
  for (const step of steps) {
    const key = step.replace(RESTARTED, `$1${OMITTED}`);
    const place = places.get(key);
    const workload = RESTARTED.exec(step)?.[2];
    if (place === undefined || workload === undefined) {
      places.set(key, merged.length);
      merged.push(step);
    } else {
      merged[place] = (merged[place] ?? "").replace(RESTARTED, `$1$2 ${workload}`);
    }
  }
  return merged.filter((step) => step !== "");
}

/** The workloads of a restart command, after the flags of the cluster. */
const RESTARTED =
  /(\bistio-upgrade restart (?:--(?:kubeconfig|context|istio-namespace) (?:'[^']*'|[^ ']+) )*)([\w.]+\/[\w.-]+(?: [\w.]+\/[\w.-]+)*)(?= --namespace )/;
