import { readWorkload } from "../../cluster/named-workload.ts";
import { CannotRun } from "../../errors.ts";
import { type Assessment, assess } from "../../mesh/assessment.ts";
import { type Mesh, resolveMesh } from "../../mesh/mesh.ts";
import { type Ending, ended } from "../../rollout/result.ts";
import type { Step } from "../../rollout/step.ts";
import type { RestartSettings } from "../../settings.ts";
import type { Gap, Snapshot } from "../../snapshot.ts";
import { assessmentOptions } from "../scope-filter.ts";
import type { Session } from "../session.ts";

/** Judges a workload by a fresh read of its own, or says why it is left alone. */
export async function reassess(
  { api, settings, prover }: Session<RestartSettings>,
  step: Step,
): Promise<Ending | { readonly assessment: Assessment; readonly mesh: Mesh }> {
  let snapshot: Snapshot;
  try {
    snapshot = await readWorkload(api, step.ref, settings.istioNamespace);
  } catch (error) {
    // Its namespace is gone, or nothing may be read any more: others may still roll.
    if (error instanceof CannotRun) return notRead(error);
    throw error;
  }
  // No proof tells what runs now.
  const unseen = snapshot.gaps.find(({ about }) => about !== "injection");
  if (unseen) return notRead(unseen);
  const [workload] = snapshot.workloads;
  if (workload === undefined) {
    return ended("skipped", "gone", "it was deleted, or created anew, since the plan was made");
  }
  const mesh = resolveMesh(snapshot.controlPlane);
  const namespace = snapshot.namespaces.get(step.ref.namespace);
  const options = assessmentOptions(settings);
  const dryRun = prover.when === "never" ? undefined : await prover.prove(workload);
  const assessment = assess(workload, namespace, mesh, options, { dryRun });
  // A part of the rules that could not be read matters no more once the outcome is proved.
  const [unread] = snapshot.gaps;
  if (unread && assessment?.proved !== true) return notRead(unread);
  return assessment === undefined
    ? ended("skipped", "left-the-mesh", "it has left the mesh since the plan was made")
    : { assessment, mesh };
}

function notRead({ message, hint }: Pick<Gap, "message" | "hint">): Ending {
  return ended("skipped", "not-read", `it could not be judged again: ${message}`, hint);
}
