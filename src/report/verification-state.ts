import type { FailOn } from "../settings.ts";
import { count } from "../wording.ts";
import type { GapEntry, WorkloadEntry } from "./document.ts";
import { isUnready, readiness } from "./entry-status.ts";
import { workloadPath } from "./events.ts";
import { unreadyReasons, verdictReasons } from "./exit-reasons.ts";

/** One read of the cluster by `verify --wait`. */
export interface VerificationState {
  /** The number of workloads with nothing against them. */
  readonly ready: number;
  readonly wanted: number;
  /** `4 of 7 workloads ready, shop/deploy/web 2/3` */
  readonly message: string;
  /** True if another read may find less against the workloads, although no person did anything. */
  readonly mayChange: boolean;
}

export function verificationState(
  workloads: readonly WorkloadEntry[],
  gaps: readonly GapEntry[],
  failOn: readonly FailOn[],
): VerificationState {
  const open = workloads.filter(
    (entry) =>
      verdictReasons([entry], 0, false, failOn).length > 0 ||
      unreadyReasons([entry], failOn).length > 0,
  );
  const changing = open.filter(mayChangeByItself);
  const [first] = [...changing, ...open];
  const [ready, wanted] = [workloads.length - open.length, workloads.length];
  const parts = [
    `${ready} of ${count(wanted, "workload")} ready`,
    ...(first === undefined ? [] : [`${workloadPath(first)} ${podsOnTarget(first)}`]),
    ...(gaps.length === 0 ? [] : [count(gaps.length, "gap")]),
  ];
  return {
    ready,
    wanted,
    message: parts.join(", "),
    mayChange: changing.length > 0 || gaps.some(({ reason }) => !DENIED.has(reason)),
  };
}

/** Reasons of gaps that stay until somebody grants a permission or logs in. */
const DENIED: ReadonlySet<string> = new Set(["forbidden", "unauthorized"]);

/** Codes of workloads that are not restarted, but whose pods end. */
const ENDING: ReadonlySet<string> = new Set(["job", "scaled-to-zero"]);

/**
 * True if pods may get ready or end, or if somebody may be restarting the workload. Nothing changes
 * what only a person can fix.
 */
function mayChangeByItself(entry: WorkloadEntry): boolean {
  const { verdict, restart, restartCode } = entry;
  if (isUnready(entry) || ENDING.has(restartCode)) return true;
  return verdict === "unknown" || (restart === "yes" && verdict !== "would-lose");
}

/** Formats the ready pods on target, and the pods that there should be: `2/3`. */
function podsOnTarget(entry: WorkloadEntry): string {
  const onTarget = entry.running.filter(({ change, image }) => change === "none" && image !== null);
  const { ready } = readiness({ running: onTarget, wanted: null });
  return `${ready}/${entry.wanted ?? readiness(entry).pods}`;
}
