import { count } from "../../wording.ts";
import { formatLocal } from "../../deadline.ts";
import { warningGroups } from "../../report/warning-groups.ts";
import type { Plan } from "../../rollout/plan.ts";
import type { RestartSettings } from "../../settings.ts";
import type { Session } from "../session.ts";
import type { ReadyToRestart } from "./preparation.ts";

/** Reports the plan just before the first restart. */
export function announcePlan(
  { settings, progress }: Session<RestartSettings>,
  { before, plan, record, deadline }: ReadyToRestart,
): void {
  progress.emit({
    type: "planned",
    steps: plan.waits.length + plan.steps.length,
    message: planText(plan, record.hash, deadline, settings),
  });
  // Without --yes the question showed the notes and warnings.
  if (!settings.yes) return;
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
  { dryRun }: RestartSettings,
): string {
  const [what, others] = [count(steps.length, "workload"), count(waits.length, "workload")];
  const action =
    dryRun === undefined
      ? `restarting ${what}`
      : `checking the restart of ${what}, changing nothing`;
  const actions = waits.length > 0 && steps.length === 0 ? [] : [action];
  const waiting = waits.length > 0 ? [`waiting for ${others} restarted earlier`] : [];
  const omitted = leftOut.length > 0 ? [`${leftOut.length} left out`] : [];
  const until = deadline === undefined ? [] : [`no new restarts after ${formatLocal(deadline)}`];
  return [...actions, ...waiting, ...omitted, ...until, `plan ${hash}`].join(", ");
}
