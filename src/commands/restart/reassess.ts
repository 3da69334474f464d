import type { NextStep } from "../../next-step.ts";
import { createProxyConfigLookup } from "../../cluster/proxy-configs.ts";
import { readWorkload } from "../../cluster/named-workload.ts";
import { CannotRun } from "../../errors.ts";
import { assess } from "../../mesh/assessment.ts";
import { resolveMesh } from "../../mesh/mesh.ts";
import type { AttemptObservation } from "../../rollout/attempt.ts";
import { ended } from "../../rollout/result.ts";
import type { StopReason } from "../../rollout/schedule.ts";
import type { Step } from "../../rollout/step.ts";
import type { Gap, Snapshot } from "../../snapshot.ts";
import { answersTo, questionAbout, SWITCHED_OFF } from "../assess-workload.ts";
import { assessmentOptions } from "../scope-filter.ts";
import type { RestartSession } from "./restart-session.ts";

/** Assesses a workload from a fresh read of its own. */
export async function reassess(
  { api, settings, prover }: RestartSession,
  step: Step,
  stopReason: () => StopReason | undefined,
): Promise<AttemptObservation> {
  let snapshot: Snapshot;
  try {
    snapshot = await readWorkload(api, step.ref, settings.istioNamespace);
  } catch (error) {
    // Its namespace is gone, or nothing may be read any more: others may still be rolling.
    if (error instanceof CannotRun) return notRead(error);
    throw error;
  }
  // A proof does not show what runs now.
  const unseen = snapshot.gaps.find(({ about }) => about !== "injection");
  if (unseen) return notRead(unseen);
  const [workload] = snapshot.workloads;
  if (workload === undefined) {
    return skipped("gone", "it was deleted or recreated after the plan was made");
  }
  const mesh = resolveMesh(snapshot.controlPlane);
  const namespace = snapshot.namespaces.get(step.ref.namespace);
  const options = assessmentOptions(settings);
  const proxyConfigs = createProxyConfigLookup(api);
  const predicted = assess(workload, namespace, mesh, options);
  const question = await questionAbout({ mesh, proxyConfigs }, predicted);
  const dryRun = prover.when === "never" ? SWITCHED_OFF : await prover.prove(workload);
  const assessment = assess(workload, namespace, mesh, options, answersTo(question, dryRun));
  // Rules that could not be read do not matter once the outcome is proved.
  const [unread] = snapshot.gaps;
  if (unread && assessment?.proved !== true) return notRead(unread);
  return assessment === undefined
    ? skipped("left-the-mesh", "it left the mesh after the plan was made")
    : { kind: "assessed", assessment, mesh, stopped: stopReason() };
}

function notRead({ message, hint }: Pick<Gap, "message" | "hint">): AttemptObservation {
  return skipped("not-read", `could not be read again: ${message}`, hint);
}

function skipped(code: string, message: string, nextStep?: NextStep): AttemptObservation {
  return { kind: "not-assessed", ending: ended("skipped", code, message, nextStep) };
}
