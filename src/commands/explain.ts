import { findController, findPod, type FoundPod } from "../cluster/named-pod.ts";
import { readIdleOwner } from "../cluster/owner-template.ts";
import { readSnapshot } from "../cluster/read.ts";
import { CannotRun } from "../errors.ts";
import type { ExitCode } from "../exit-codes.ts";
import { ApiError } from "../http/api-error.ts";
import type { Io } from "../io.ts";
import { dependsOnInjectionRules, keepNeededGaps } from "../mesh/injection-gaps.ts";
import { isSameKind, resourceName } from "../kubernetes/kinds.ts";
import type { Assessment } from "../mesh/assessment.ts";
import { type Mesh, resolveMesh } from "../mesh/mesh.ts";
import { explanationDocument } from "../report/explanation-document.ts";
import { kubectl, sentence } from "../next-step.ts";
import type { ExplainSettings } from "../settings.ts";
import type { Snapshot, Workload } from "../snapshot.ts";
import { requireInjector } from "./injector.ts";
import { createAgeLookup } from "./ages.ts";
import { type AssessmentContext, assessWorkload } from "./assess-workload.ts";
import { createAssessmentContext } from "./assessment-context.ts";
import { documentHead, publishDocument } from "./report.ts";
import { createInPlaceLookup } from "./in-place/in-place-lookup.ts";
import { type Session, withSession } from "./session.ts";

/** Shows how the verdict about one workload is reached. Changes nothing. */
export function explain(settings: ExplainSettings, version: string, io: Io): Promise<ExitCode> {
  return withSession(settings, version, io, async (session) => {
    const { api, progress } = session;
    const { subject, istioNamespace } = settings;
    const namespace = session.namespaces?.[0] ?? api.connection.namespace;
    progress.emit({ type: "reading", what: namespace });
    const snapshot = await readSnapshot(api, { istioNamespace, namespaces: [namespace] });
    const mesh = resolveMesh(snapshot.controlPlane);
    requireInjector(snapshot, mesh, session);
    const pod = subject.kind === "Pod" ? await findPod(api, namespace, subject.name) : undefined;
    // A ReplicaSet, for example, belongs to the workload at the end of its owner chain.
    const isListed = snapshot.workloads.some((workload) => isNamed(workload, subject));
    const isUnlisted = pod === undefined && !isListed;
    const owner = isUnlisted ? await findController(api, namespace, subject) : undefined;
    const ownerUid = pod?.ownerUid ?? owner?.uid;
    const workload =
      findWorkload(snapshot, subject, ownerUid) ??
      (isUnlisted ? await readIdleOwner(api, owner ?? { ...subject, namespace }) : undefined) ??
      failToFind(snapshot, subject, namespace, pod);
    const context = createAssessmentContext(session, snapshot, mesh);
    const assessed = await assessWorkload(context, workload);
    const aged = assessed && (await createAgeLookup(session, mesh)(assessed));
    const assessment = aged && (await withInPlaceReason(session, snapshot, mesh, aged));
    const { gaps, notes } = keepNeededGaps(
      snapshot.gaps,
      assessment !== undefined && dependsOnInjectionRules(assessment),
    );
    const document = explanationDocument(
      documentHead(session),
      {
        snapshot: { ...snapshot, gaps: [...gaps, ...session.prover.gaps()] },
        mesh,
        workload,
        assessment,
        pod,
        notes: [
          ...session.prover.notes(),
          ...session.notes,
          ...notes,
          ...driftNotes(context.drift),
        ],
      },
      session.formatStep,
    );
    await publishDocument(session, document);
    return document.exitCode;
  });
}

/** Adds whether the sidecars could be replaced in place. A missing permission is a reason against it. */
async function withInPlaceReason(
  session: Session,
  { namespaces }: Snapshot,
  mesh: Mesh,
  assessment: Assessment,
): Promise<Assessment> {
  // Without dry runs, nothing shows that only the image differs.
  if (assessment.verdict !== "outdated" || session.prover.when === "never") return assessment;
  const lookup = createInPlaceLookup(session, namespaces, mesh, { downtime: false, pull: false });
  try {
    const judged = await lookup.of(assessment);
    return judged === undefined ? assessment : { ...assessment, inPlace: judged.inPlace };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const reason = `not in place: its pods or nodes could not be read: ${error.message}`;
    const finding = { code: "in-place-not-read", reason, nextStep: "" };
    return { ...assessment, inPlace: { kind: "impossible", finding } };
  }
}

/** Nobody asked for drift: a missing permission for it does not make the explanation incomplete. */
function driftNotes(drift: AssessmentContext["drift"]): readonly string[] {
  const missing = drift?.gaps().map(({ message }) => `drift is not shown: ${message}`) ?? [];
  return [...missing, ...(drift?.notes() ?? [])];
}

/** True for the workload that the user named; the kind may be the name of a custom resource. */
function isNamed(workload: Workload, { kind, name }: ExplainSettings["subject"]): boolean {
  return workload.name === name && isSameKind(workload.kind, kind);
}

/** @param ownerUid the uid of the subject's workload, if that is another object. */
function findWorkload(
  { workloads }: Snapshot,
  subject: ExplainSettings["subject"],
  ownerUid: string | undefined,
): Workload | undefined {
  return workloads.find((workload) =>
    ownerUid === undefined ? isNamed(workload, subject) : workload.uid === ownerUid,
  );
}

/** @throws CannotRun with the reason why the workload was not found. */
function failToFind(
  { gaps }: Snapshot,
  subject: ExplainSettings["subject"],
  namespace: string,
  pod: FoundPod | undefined,
): never {
  const named = resourceName(subject);
  const [gap] = gaps;
  if (gap !== undefined) {
    throw new CannotRun(`${named} in "${namespace}" could not be read: ${gap.message}`, gap.hint, {
      code: gap.reason === "forbidden" ? "forbidden" : "unreachable",
    });
  }
  if (pod?.phase === "Succeeded" || pod?.phase === "Failed") {
    throw new CannotRun(
      `${named} in "${namespace}" has finished (${pod.phase}): it no longer runs a sidecar`,
      "explain a running pod, or its workload",
      { code: "not-found" },
    );
  }
  if (pod !== undefined) {
    throw new CannotRun(
      `the workload of ${named} in "${namespace}" was not found`,
      "run the command again: the pod may just have been created or replaced",
      { code: "not-found" },
    );
  }
  throw new CannotRun(
    `${named} does not exist in the namespace "${namespace}", or has no pods there`,
    sentence`see what exists: ${kubectl("get", subject.kind.toLowerCase(), "-n", namespace)}`,
    { code: "not-found" },
  );
}
