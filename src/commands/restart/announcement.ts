import { count } from "../../wording.ts";
import { formatLocal } from "../../deadline.ts";
import { warningGroups } from "../../report/warning-groups.ts";
import type { Plan } from "../../rollout/plan.ts";
import type { RestartSettings } from "../../settings.ts";
import { labelNotice, pendingNames } from "../move/label-notice.ts";
import { inPlaceNotice, wavesText } from "./consent.ts";
import type { ReadyToRestart } from "./preparation.ts";
import type { RestartSession } from "./restart-session.ts";

/** Reports the plan just before the first restart. */
export function announcePlan(
  { settings, progress, move }: RestartSession,
  { before, plan, record, deadline }: ReadyToRestart,
): void {
  const labels = move === undefined ? 0 : pendingNames(move).length;
  progress.emit({
    type: "planned",
    steps: [...plan.waits, ...plan.steps],
    message: planText(plan, record.hash, deadline, settings, record.plan(before), labels),
  });
  // Without --yes the question showed the notes and warnings.
  if (!settings.yes) return;
  if (move !== undefined && labels > 0) {
    progress.emit({ type: "notice", message: labelNotice(move) });
  }
  if (settings.inPlace && settings.dryRun === undefined) {
    progress.emit({ type: "notice", message: inPlaceNotice() });
  }
  for (const message of before.notes) progress.emit({ type: "notice", message });
  const planned = new Set(plan.steps.map(({ ref }) => ref.uid));
  const entries = before.assessments.filter(({ workload }) => planned.has(workload.uid));
  const groups = warningGroups(
    entries.map(({ workload, warnings }) => ({ ...workload, warnings })),
  );
  for (const { message, workloads: places } of groups) {
    progress.emit({ type: "notice", message: `warning: ${message}: ${places}` });
  }
}

function planText(
  { steps, waits, leftOut }: Plan,
  hash: string,
  deadline: Date | undefined,
  { dryRun, inPlace }: RestartSettings,
  document: Parameters<typeof wavesText>[0],
  labels: number,
): string {
  const [what, others] = [count(steps.length, "workload"), count(waits.length, "workload")];
  const action =
    dryRun !== undefined
      ? `checking the ${inPlace ? "replacement of the sidecars" : "restart"} of ${what}, changing nothing`
      : `${inPlace ? `replacing the sidecars of ${what} in place` : `restarting ${what}`}${wavesText(document)}`;
  const isIdle = steps.length === 0 && (waits.length > 0 || labels > 0);
  const actions = isIdle ? [] : [action];
  const labelling = labels > 0 ? [`labelling ${count(labels, "namespace")}`] : [];
  const waiting = waits.length > 0 ? [`waiting for ${others} restarted earlier`] : [];
  const omitted = leftOut.length > 0 ? [`${leftOut.length} left out`] : [];
  const until = deadline === undefined ? [] : [`no new restarts after ${formatLocal(deadline)}`];
  return [...labelling, ...actions, ...waiting, ...omitted, ...until, `plan ${hash}`].join(", ");
}
