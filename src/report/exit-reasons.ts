import { EXIT, type ExitCode, type ExitReason } from "../exit-codes.ts";
import { type StepResult } from "../rollout/result.ts";
import type { WorkloadEntry } from "./document.ts";

/** Counts that a person greps for: on the last line of stderr, and as reasons of the exit code. */
export interface Counts {
  /** What `restart` would mend. */
  readonly outdated: number;
  readonly "would-lose": number;
  readonly blocked: number;
  /** What needs a restart that this tool does not do, or not without consent. */
  readonly "by-hand": number;
  readonly missing: number;
  readonly unknown: number;
  readonly gaps: number;
}

export function countEntries(entries: readonly WorkloadEntry[], gaps: number): Counts {
  const count = (matches: (entry: WorkloadEntry) => boolean) => entries.filter(matches).length;
  const verdict = (name: WorkloadEntry["verdict"]) => count((entry) => entry.verdict === name);
  return {
    outdated: count((entry) => entry.verdict === "outdated" && entry.restart === "yes"),
    "would-lose": verdict("would-lose"),
    blocked: verdict("blocked"),
    "by-hand": count(
      ({ verdict: found, restart }) =>
        restart !== "yes" && (found === "outdated" || found === "missing"),
    ),
    missing: count((entry) => entry.verdict === "missing" && entry.restart === "yes"),
    unknown: verdict("unknown"),
    gaps,
  };
}

/** @param mendsMissing `--include missing` was given: what lacks a sidecar is to be restarted. */
export function reasonsOf(counts: Counts, mendsMissing: boolean): readonly ExitReason[] {
  const codes: Readonly<Record<keyof Counts, ExitCode>> = {
    outdated: EXIT.outdated,
    "would-lose": EXIT.needsPerson,
    blocked: EXIT.needsPerson,
    "by-hand": EXIT.needsPerson,
    missing: mendsMissing ? EXIT.outdated : EXIT.needsPerson,
    unknown: EXIT.incomplete,
    gaps: EXIT.incomplete,
  };
  return (Object.keys(codes) as (keyof Counts)[]).flatMap((name) =>
    counts[name] > 0 ? [{ code: codes[name], text: `${name}:${counts[name]}` }] : [],
  );
}

export function unreadyReasons(entries: readonly WorkloadEntry[]): readonly ExitReason[] {
  const unready = entries.filter(isUnready).length;
  return unready > 0 ? [{ code: EXIT.outOfTime, text: `not-ready:${unready}` }] : [];
}

/** It has a sidecar, or should, and some live pod is not ready. */
export function isUnready({ running, verdict }: WorkloadEntry): boolean {
  return (
    verdict !== "managed" &&
    verdict !== "excluded" &&
    running.some(({ pods, ready }) => ready < pods)
  );
}

export function resultReasons(results: readonly StepResult[]): readonly ExitReason[] {
  const reason = (code: ExitCode, name: string, matches: (result: StepResult) => boolean) => {
    const found = results.filter(matches).length;
    return found > 0 ? [{ code, text: `${name}:${found}` }] : [];
  };
  const lost = ({ code }: StepResult) => code === "sidecar-lost";
  const moved = ({ code, outcome }: StepResult) => code === "target-moved" && outcome === "skipped";
  return [
    ...reason(EXIT.failed, "sidecar-lost", lost),
    ...reason(EXIT.failed, "failed", (result) => result.outcome === "failed" && !lost(result)),
    ...reason(EXIT.outOfTime, "timed-out", ({ outcome }) => outcome === "timed-out"),
    ...reason(EXIT.outOfTime, "not-started", ({ outcome }) => outcome === "not-started"),
    ...reason(EXIT.needsPerson, "target-moved", moved),
  ];
}
