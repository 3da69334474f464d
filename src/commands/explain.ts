import { findControllerUid, findPod, type FoundPod } from "../cluster/named-pod.ts";
import { createProxyConfigLookup } from "../cluster/proxy-configs.ts";
import { readSnapshot } from "../cluster/read.ts";
import { CannotRun } from "../errors.ts";
import type { ExitCode } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import { dependsOnInjectionRules, keepNeededGaps } from "../mesh/injection-gaps.ts";
import { isSameKind, resourceName } from "../kubernetes/kinds.ts";
import { resolveMesh } from "../mesh/mesh.ts";
import { explanationDocument } from "../report/explanation-document.ts";
import { istioUpgrade, kubectl, sentence } from "../next-step.ts";
import type { ExplainSettings } from "../settings.ts";
import type { Snapshot, Workload } from "../snapshot.ts";
import { writeStacks } from "../report/error-stack.ts";
import { requireInjector } from "./injector.ts";
import { assessWorkload } from "./assess-workload.ts";
import { assessmentOptions } from "./scope-filter.ts";
import { documentHead, publishDocument } from "./report.ts";
import { createSharedProofs } from "./shared-proofs.ts";
import { createRefusalLookup } from "./pod-refusals.ts";
import { withSession } from "./session.ts";

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
    const ownerUid =
      pod?.ownerUid ?? (isListed ? undefined : await findControllerUid(api, namespace, subject));

    const workload = findSubject(snapshot, settings, namespace, { pod, ownerUid });
    const assessment = await assessWorkload(
      {
        ...snapshot,
        mesh,
        options: assessmentOptions(settings),
        prover: session.prover,
        proofs: createSharedProofs(session.prover),
        proxyConfigs: createProxyConfigLookup(api),
        lastRefusal: createRefusalLookup(session),
        onUnexpected: (error) => writeStacks(error, session.io),
      },
      workload,
    );
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
        notes: [...session.prover.notes(), ...notes],
      },
      session.formatStep,
    );
    await publishDocument(session, document);
    return document.exitCode;
  });
}

/** True for the workload that the user named; the kind may be the name of a custom resource. */
function isNamed(workload: Workload, { kind, name }: ExplainSettings["subject"]): boolean {
  return workload.name === name && isSameKind(workload.kind, kind);
}

/** @throws CannotRun if the workload does not exist, or could not be read. */
function findSubject(
  { workloads, gaps }: Snapshot,
  { subject }: ExplainSettings,
  namespace: string,
  { pod, ownerUid }: { readonly pod: FoundPod | undefined; readonly ownerUid: string | undefined },
): Workload {
  const found = workloads.find((workload) =>
    ownerUid === undefined ? isNamed(workload, subject) : workload.uid === ownerUid,
  );
  if (found !== undefined) return found;
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
      sentence`explain a running pod, or the workload: ${istioUpgrade("explain", "KIND/NAME")}`,
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
