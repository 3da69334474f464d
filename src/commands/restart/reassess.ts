import type { NextStep } from "../../next-step.ts";
import { createProxyConfigLookup } from "../../cluster/proxy-configs.ts";
import { readWorkload } from "../../cluster/named-workload.ts";
import { CannotRun } from "../../errors.ts";
import type { Consent } from "../../mesh/consent.ts";
import { assess, type Assessment } from "../../mesh/assessment.ts";
import { resolveMesh } from "../../mesh/mesh.ts";
import type { AttemptObservation } from "../../rollout/attempt.ts";
import { ended } from "../../rollout/result.ts";
import type { StopReason } from "../../rollout/schedule.ts";
import type { Step } from "../../rollout/step.ts";
import type { Gap, Snapshot } from "../../snapshot.ts";
import { answersTo, questionAbout, SWITCHED_OFF, withDrift } from "../assess-workload.ts";
import { createDriftLookup } from "../drift-lookup.ts";
import { assessmentOptions, isInScope, isReported } from "../scope-filter.ts";
import type { RestartSettings } from "../../settings.ts";
import type { ApprovedPlan } from "./approved-plan.ts";
import type { RestartSession } from "./restart-session.ts";

/** An assessment with the namespaces of its read, or the reason why there is none. */
export type Reassessment =
  | (Extract<AttemptObservation, { readonly kind: "assessed" }> & Pick<Snapshot, "namespaces">)
  | NotAssessed;

type NotAssessed = Extract<AttemptObservation, { readonly kind: "not-assessed" }>;

/** Assesses a workload from a fresh read of its own. */
export async function reassess(
  session: RestartSession,
  step: Step,
  stopReason: () => StopReason | undefined,
): Promise<Reassessment> {
  const { api, io, settings, prover, approved, move } = session;
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
  if (!isInScope(workload, settings.scope)) {
    const { selector } = settings.scope;
    return skipped("out-of-scope", `no longer matches --selector ${selector?.text ?? ""}`);
  }
  const { namespaces } = snapshot;
  const mesh = resolveMesh(snapshot.controlPlane);
  const found = namespaces.get(step.ref.namespace);
  const lost = move?.lost(found, mesh);
  if (lost !== undefined) return { kind: "not-assessed", ending: lost };
  // A dry run leaves the label as it is: only the rules show what it would change.
  const isPredicted = move?.isPending(step.ref.namespace) === true;
  const namespace = found && isPredicted ? move.asMoved(found) : found;
  const options = {
    ...assessmentOptions(settings, io.now().getTime()),
    revisions: movesOf(step, settings, approved),
  };
  const proxyConfigs = createProxyConfigLookup(api);
  const predicted = assess(workload, namespace, mesh, options);
  if (isPredicted) return observationOf(predicted);
  const question = await questionAbout({ mesh, proxyConfigs }, predicted);
  const dryRun = prover.when === "never" ? SWITCHED_OFF : await prover.prove(workload);
  const answers = answersTo(question, dryRun);
  const judged = assess(workload, namespace, mesh, options, answers);
  const drift = needsDrift(step, settings, approved)
    ? createDriftLookup(session, namespaces, mesh)
    : undefined;
  const context = drift && { mesh, options, namespaces, prover, drift };
  const assessment = (judged && context && (await withDrift(context, judged, answers))) ?? judged;
  // Rules that could not be read do not matter once the outcome is proved.
  const [unread] = snapshot.gaps;
  if (unread && assessment?.proved !== true) return notRead(unread);
  return observationOf(assessment);

  function observationOf(final: Assessment | undefined): Reassessment {
    if (final === undefined) {
      return skipped("left-the-mesh", "it left the mesh after the plan was made");
    }
    return isReported(final, settings.scope) || final.finding.code === "scaled-to-zero"
      ? { kind: "assessed", assessment: final, mesh, namespaces, stopped: stopReason() }
      : skipped(
          "out-of-scope",
          `no longer of the revision ${settings.scope.revision} (--revision)`,
        );
  }
}

/** True if the other changes of a restart decide whether a workload may be restarted. */
function needsDrift(
  step: Step,
  { consent }: RestartSettings,
  approved: ApprovedPlan | undefined,
): boolean {
  const isApproved = approved !== undefined && step.drift !== undefined;
  return isApproved || consent.onlySidecar || consent.drifted;
}

/**
 * The revisions to which the pods of a step may move. A person agreed to the revision in the plan, not
 * to one that a tag leads to since then.
 */
export function movesOf(
  { to }: Step,
  { consent: { revisions } }: RestartSettings,
  approved: ApprovedPlan | undefined,
): Consent["revisions"] {
  // Another target than the approved one ends the step anyway.
  if (approved !== undefined) return "asked";
  return revisions === "asked" ? [to.revision] : revisions;
}

function notRead({ message, hint }: Pick<Gap, "message" | "hint">): NotAssessed {
  return skipped("not-read", `could not be read again: ${message}`, hint);
}

function skipped(code: string, message: string, nextStep?: NextStep): NotAssessed {
  return { kind: "not-assessed", ending: ended("skipped", code, message, nextStep) };
}
