import { readCluster } from "../cluster/read.ts";
import { CannotRun } from "../errors.ts";
import type { Assessment, AssessmentOptions } from "../mesh/assessment.ts";
import { predictNewPod } from "../mesh/prediction.ts";
import { needsProof } from "../mesh/proof-need.ts";
import { dependsOnInjectionRules, keepNeededGaps } from "../mesh/injection-gaps.ts";
import { resourceName } from "../kubernetes/kinds.ts";
import { type Mesh, resolveMesh } from "../mesh/mesh.ts";
import { formatSelector, matchesSelector } from "../kubernetes/selector.ts";
import type { WorkloadEntry } from "../report/document.ts";
import { workloadEntry } from "../report/entries.ts";
import { createEntryInterner } from "../report/intern-entries.ts";
import type { ScopeSettings } from "../scope.ts";
import type { CommonSettings } from "../settings.ts";
import { byNamespaceAndName, type Gap, type Snapshot, type Workload } from "../snapshot.ts";
import { isExcluded, labelsOf, createUnmatchedScope } from "./unmatched-scope.ts";
import { hasInjector, requireInjector } from "./injector.ts";
import { assessWorkload, type AssessmentContext } from "./assess-workload.ts";
import { openRefusals } from "./refused-pods.ts";
import type { Session } from "./session.ts";

/** What a fresh read of the scope tells beside its workloads. */
export interface Circumstances {
  readonly mesh: Mesh;
  readonly gaps: readonly Gap[];
  /** What to tell the user about them. */
  readonly notes: readonly string[];
}

/** One fresh read of the scope, judged. */
export interface ScopeAssessment extends Circumstances {
  /** Every workload in scope, in the mesh or not. */
  readonly workloads: readonly Workload[];
  readonly assessments: readonly Assessment[];
}

/**
 * Reads and judges; asks the API server, never a cache.
 *
 * @param prove which workloads to prove with `--prove=auto`.
 * @throws CannotRun where there is no injector, or a named workload is not there.
 */
export async function assessScope(
  session: Session,
  prove: typeof needsProof = needsProof,
): Promise<ScopeAssessment> {
  const workloads: Workload[] = [];
  const assessments: Assessment[] = [];
  const circumstances = await inspect(session, prove, (workload, assessment) => {
    workloads.push(workload);
    if (assessment) assessments.push(assessment);
  });
  return {
    ...circumstances,
    workloads: workloads.sort(byNamespaceAndName),
    assessments: assessments.sort((a, b) => byNamespaceAndName(a.workload, b.workload)),
  };
}

/** A fresh read of the scope of which nothing is kept but what is published. */
export interface Survey extends Circumstances {
  readonly entries: readonly WorkloadEntry[];
}

/** As `look`, for what only reports: of a large cluster no more than a namespace is in memory. */
export async function assessScopeForReport(session: Session): Promise<Survey> {
  const entries: WorkloadEntry[] = [];
  const { output, reportFile } = session.settings.display;
  const share = createEntryInterner(output.startsWith("json") || reportFile !== undefined);
  const circumstances = await inspect(session, needsProof, (_workload, assessment) => {
    if (assessment) entries.push(share(workloadEntry(assessment)));
  });
  return { ...circumstances, entries: entries.sort(byNamespaceAndName) };
}

/** @param keep gets every workload in scope, with what is to be said of it, in no certain order. */
async function inspect(
  session: Session,
  prove: typeof needsProof,
  keep: (workload: Workload, assessment: Assessment | undefined) => void,
): Promise<Circumstances> {
  const { api, settings, namespaces, progress, prover } = session;
  const { scope, istioNamespace } = settings;
  progress.emit({ type: "reading", what: namespaces?.join(", ") ?? "all namespaces" });
  const labelSelector = scope.selector && formatSelector(scope.selector.parsed);
  const policy = policyFor(settings);
  const lastRefusal = openRefusals(session);
  const idle = createUnmatchedScope(scope);
  const named: Judged[] = [];
  let restsOnRules = false;
  let mesh: Mesh | undefined;
  const held: Workload[] = [];
  const pending: Promise<void>[] = [];

  function settle(workload: Workload, judged: Assessment | undefined): void {
    const assessment = judged && isListed(judged, scope) ? judged : undefined;
    restsOnRules ||= assessment !== undefined && dependsOnInjectionRules(assessment);
    idle.see(workload, assessment);
    if (scope.workloads.length > 0) named.push({ workload, assessment });
    keep(workload, assessment);
  }

  function take(workload: Workload, world: AssessmentContext): void {
    const judged = assessWorkload(session, world, workload, policy, prove);
    if (!(judged instanceof Promise)) return settle(workload, judged);
    const settled = judged.then((assessment) => settle(workload, assessment));
    // Its failure is thrown when all of them are waited for.
    settled.catch(() => undefined);
    pending.push(settled);
  }

  const basis = await readCluster(
    api,
    { istioNamespace, namespaces, labelSelector },
    (workloads, known) => {
      mesh ??= resolveMesh(known.controlPlane);
      const world = { ...known, mesh, lastRefusal };
      for (const workload of workloads) {
        if (!isInScope(workload, scope)) continue;
        if (hasInjector(mesh)) take(workload, world);
        else held.push(workload);
      }
    },
  );
  mesh ??= resolveMesh(basis.controlPlane);
  requireInjector({ workloads: held }, mesh, session);
  for (const workload of held) take(workload, { ...basis, mesh, lastRefusal });
  await Promise.all(pending);

  const { gaps, notes } = keepNeededGaps(basis.gaps, restsOnRules);
  requireNamed({ ...basis, gaps }, named, mesh, session);
  const unproved = prover.gaps();
  return {
    mesh,
    gaps: [...gaps, ...unproved],
    notes: gaps.length + unproved.length > 0 ? notes : [...notes, ...idle.notes(mesh)],
  };
}

/** A workload, with what is to be said of it; `undefined` where that is nothing. */
interface Judged {
  readonly workload: Workload;
  readonly assessment: Assessment | undefined;
}

export function policyFor({ scope, consent }: CommonSettings): AssessmentOptions {
  return { ...consent, excludes: (workload) => excludedBy(workload, scope) };
}

function excludedBy(workload: Workload, { excludes }: ScopeSettings): string | undefined {
  return excludes.find((exclude) => isExcluded(workload, exclude))?.text;
}

function isInScope(workload: Workload, { workloads, selector }: ScopeSettings): boolean {
  const named =
    workloads.length === 0 ||
    workloads.some(({ kind, name }) => kind === workload.kind && name === workload.name);
  return named && (selector === undefined || matchesSelector(workload.labels, selector.parsed));
}

function isListed({ verdict, running, target, finding }: Assessment, scope: ScopeSettings) {
  const { revision, workloads } = scope;
  const asked =
    revision === undefined ||
    // It may be that one which it would get.
    (verdict === "unknown" && target === undefined) ||
    target?.revision === revision ||
    running.some((group) => group.revision === revision);
  // Scaled to zero it has nothing to say, unless it was asked for by name.
  return asked && (finding.code !== "scaled-to-zero" || workloads.length > 0);
}

function requireNamed(
  { namespaces, gaps }: Pick<Snapshot, "namespaces" | "gaps">,
  judged: readonly Judged[],
  mesh: Mesh,
  session: Session,
): void {
  // What could not be read may well be there.
  if (gaps.length > 0) return;
  const place = session.namespaces?.[0] ?? "";
  for (const named of session.settings.scope.workloads) {
    const found = judged.find(
      ({ workload: { kind, name } }) => kind === named.kind && name === named.name,
    );
    const { selector } = session.settings.scope;
    if (found === undefined && selector !== undefined) {
      throw new CannotRun(
        `no ${resourceName(named)} in the namespace "${place}" has ${labelsOf(selector)}`,
        `see which there are: kubectl get ${named.kind.toLowerCase()} -n ${place} --show-labels`,
      );
    }
    if (found === undefined) {
      throw new CannotRun(
        `${resourceName(named)} does not exist in the namespace "${place}"`,
        `see which there are: kubectl get ${named.kind.toLowerCase()} -n ${place}`,
      );
    }
    if (found.assessment !== undefined) continue;
    const prediction = predictNewPod(found.workload, namespaces.get(place), mesh);
    const why = prediction.kind === "none" ? prediction.finding : undefined;
    throw new CannotRun(
      `${resourceName(named)} in "${place}" has no sidecar, and a restart would give it none: ${why?.reason ?? "nothing injects it"}`,
      why?.nextStep ?? "see: istio-upgrade check",
    );
  }
}
