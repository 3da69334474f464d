import { type ClusterRead, readCluster } from "../cluster/read.ts";
import { createProxyConfigLookup } from "../cluster/proxy-configs.ts";
import { formatSelector } from "../kubernetes/selector.ts";
import type { Assessment } from "../mesh/assessment.ts";
import { dependsOnInjectionRules, keepNeededGaps } from "../mesh/injection-gaps.ts";
import { type Mesh, resolveMesh } from "../mesh/mesh.ts";
import type { WorkloadEntry } from "../report/document.ts";
import { workloadEntry } from "../report/entries.ts";
import { createEntryInterner } from "../report/intern-entries.ts";
import { byNamespaceAndName, type Gap, type Workload } from "../snapshot.ts";
import { writeStacks } from "../report/error-stack.ts";
import { assessWorkload, type AssessmentContext } from "./assess-workload.ts";
import { hasInjector, requireInjector } from "./injector.ts";
import { createSharedProofs } from "./shared-proofs.ts";
import { createRefusalLookup } from "./pod-refusals.ts";
import { assessmentOptions, isInScope, isReported, ofUnknownRevision } from "./scope-filter.ts";
import type { Session } from "./session.ts";
import { type AssessedWorkload, createUnmatchedScope } from "./unmatched-scope.ts";

/** The result of reading and assessing the scope once. */
export interface ScopeAssessment {
  readonly mesh: Mesh;
  readonly gaps: readonly Gap[];
  /** Notes about the scope as a whole, for the user. */
  readonly notes: readonly string[];
  /** Every workload in scope, whether in the mesh or not. */
  readonly workloads: readonly Workload[];
  /** The assessments of the workloads that are reported. */
  readonly assessments: readonly Assessment[];
}

/** A scope assessment that keeps only the report entries of the workloads. */
export interface ScopeEntries extends Pick<ScopeAssessment, "mesh" | "gaps" | "notes"> {
  readonly entries: readonly WorkloadEntry[];
}

/** The dry runs that one read of the scope asks for, besides those of the settings. */
export type ProofOptions = Pick<AssessmentContext, "isProofNeeded" | "isPlan">;

/**
 * Reads and assesses the scope.
 *
 * @throws CannotRun if there is no injector, or a named workload does not exist.
 */
export async function assessScope(
  session: Session,
  proofs: ProofOptions,
): Promise<ScopeAssessment> {
  const { kept, ...scope } = await assessEach(session, proofs, (found) => found);
  return {
    ...scope,
    workloads: kept.map(({ workload }) => workload).sort(byNamespaceAndName),
    assessments: kept
      .flatMap(({ assessment }) => assessment ?? [])
      .sort((a, b) => byNamespaceAndName(a.workload, b.workload)),
  };
}

/** Does the same as `assessScope`, but keeps in memory only the entries and the current namespace. */
export async function assessScopeForReport(session: Session): Promise<ScopeEntries> {
  const { output, reportFile } = session.settings.display;
  const intern = createEntryInterner(output.startsWith("json") || reportFile !== undefined);
  const { kept, ...scope } = await assessEach(session, {}, ({ assessment }) =>
    assessment ? intern(workloadEntry(assessment, session.formatStep)) : [],
  );
  return { ...scope, entries: kept.flat().sort(byNamespaceAndName) };
}

/** @param keep returns the part of an assessed workload that stays in memory. */
async function assessEach<Kept>(
  session: Session,
  proofs: ProofOptions,
  keep: (assessed: AssessedWorkload) => Kept,
): Promise<Pick<ScopeAssessment, "mesh" | "gaps" | "notes"> & { readonly kept: readonly Kept[] }> {
  const { api, settings, namespaces, progress, prover } = session;
  const { scope, istioNamespace } = settings;
  progress.emit({ type: "reading", what: namespaces?.join(", ") ?? "all namespaces" });
  const labelSelector = scope.selector && formatSelector(scope.selector.parsed);
  const cluster = await readCluster(api, { istioNamespace, namespaces, labelSelector });
  const mesh = resolveMesh(cluster.basis.controlPlane);
  const context: AssessmentContext = {
    ...cluster.basis,
    mesh,
    options: assessmentOptions(settings),
    prover,
    ...proofs,
    proofs: createSharedProofs(prover),
    proxyConfigs: createProxyConfigLookup(api),
    lastRefusal: createRefusalLookup(session),
    onUnexpected: (error) => writeStacks(error, session.io),
  };
  const unmatched = createUnmatchedScope(scope);
  let dependsOnRules = false;

  async function assessAndKeep(workload: Workload): Promise<Kept> {
    const found = await assessWorkload(context, workload);
    const assessment =
      found && (isReported(found, scope) ? found : ofUnknownRevision(found, scope));
    dependsOnRules ||= assessment !== undefined && dependsOnInjectionRules(assessment);
    unmatched.record({ workload, assessment });
    return keep({ workload, assessment });
  }

  // Dry runs continue while the next namespaces are read.
  const pending: Promise<readonly Kept[]>[] = [];
  for await (const batch of injectableBatches(session, cluster, mesh)) {
    const inScope = batch.filter((workload) => isInScope(workload, scope));
    const assessed = Promise.all(inScope.map(assessAndKeep));
    // Prevents an unhandled rejection: the error is thrown after the loop.
    assessed.catch(() => undefined);
    pending.push(assessed);
  }
  const kept = (await Promise.all(pending)).flat();

  const { gaps: readGaps, notes } = keepNeededGaps(cluster.allGaps(), dependsOnRules);
  // A named workload that was not found may be in a list that could not be read.
  if (readGaps.length === 0) {
    unmatched.requireNamed(namespaces?.[0] ?? "", cluster.basis.namespaces, mesh);
  }
  const gaps = [...readGaps, ...prover.gaps()];
  return {
    kept,
    mesh,
    gaps,
    notes: gaps.length > 0 ? notes : [...notes, ...unmatched.notes(mesh)],
  };
}

/**
 * Yields the batches of a cluster. If the cluster has no injector, reads all batches before the first
 * is assessed, to find out if a workload has a sidecar.
 *
 * @throws CannotRun if there is no injector, and no workload in scope has a sidecar.
 */
async function* injectableBatches(
  session: Session,
  { batches }: ClusterRead,
  mesh: Mesh,
): AsyncGenerator<readonly Workload[]> {
  if (hasInjector(mesh)) return yield* batches;
  const { scope } = session.settings;
  const parts: (readonly Workload[])[] = [];
  for await (const batch of batches) parts.push(batch.filter((one) => isInScope(one, scope)));
  requireInjector({ workloads: parts.flat() }, mesh, session);
  yield* parts;
}
