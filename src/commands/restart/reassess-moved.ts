import { countPods } from "../../mesh/running-pods.ts";
import type { AttemptObservation } from "../../rollout/attempt.ts";
import { ended } from "../../rollout/result.ts";
import type { Step } from "../../rollout/step.ts";
import { WHY_STOPPED } from "../../rollout/stop.ts";
import type { NamespaceMoves, StopControl } from "../move/namespace-moves.ts";
import { reassess } from "./reassess.ts";
import type { RestartSession } from "./restart-session.ts";

/** Milliseconds between two reads while the API server may not know a new label yet. */
const INTERVAL = 500;

/**
 * Labels the namespace of a workload, unless it has its label, and assesses the workload. A workload that
 * would lose its sidecar with the label, or be rejected, is a failure: its namespace has the label.
 */
export async function reassessMoved(
  session: RestartSession,
  move: NamespaceMoves,
  step: Step,
  control: StopControl,
): Promise<AttemptObservation> {
  const { namespace } = step.ref;
  const { io } = session;
  const stopped = control.stopReason();
  // After a stop the run still waits for rollouts, but it labels no more namespaces.
  if (stopped !== undefined && move.isPending(namespace)) {
    return { kind: "not-assessed", ending: WHY_STOPPED[stopped] };
  }
  const unlabelled = await move.label(namespace, control);
  if (unlabelled !== undefined) return { kind: "not-assessed", ending: unlabelled };
  for (;;) {
    const observation = await reassess(session, step, () => control.stopReason());
    if (observation.kind !== "assessed") return observation;
    const { verdict, target, finding, workload } = observation.assessment;
    const isLed = target?.revision === move.target.revision || verdict === "excluded";
    if (!isLed && move.isFresh(namespace) && !control.abort.aborted) {
      await io.sleep(INTERVAL, control.abort);
      continue;
    }
    if (verdict !== "would-lose" && verdict !== "blocked") return observation;
    const before = countPods(workload.pods);
    const message = `not restarted, although namespace ${namespace} has its label: ${finding.reason}; ${before} old pods still serve`;
    const code = verdict === "blocked" ? "move-blocked" : "move-would-lose";
    return { kind: "not-assessed", ending: ended("failed", code, message, finding.nextStep) };
  }
}
