import { type Basis, type ClusterRead, readCluster } from "../cluster/read.ts";
import { existingNamespaces } from "../cluster/namespaces.ts";
import { askedAnnotations } from "../grouping.ts";
import { formatSelector } from "../kubernetes/selector.ts";
import type { Assessment } from "../mesh/assessment.ts";
import { withNamespaceUses } from "../mesh/choices.ts";
import { dependsOnInjectionRules, keepNeededGaps } from "../mesh/injection-gaps.ts";
import { type Mesh, resolveMesh } from "../mesh/mesh.ts";
import type { WorkloadEntry } from "../report/document.ts";
import { withLabels, workloadEntry } from "../report/entries.ts";
import { createEntryInterner } from "../report/intern-entries.ts";
import { createLabelling } from "../report/workload-labels.ts";
import { byNamespaceAndName, type Gap, type Namespace, type Workload } from "../snapshot.ts";
import { count } from "../wording.ts";
import { createAgeLookup } from "./ages.ts";
import { assessWorkload, type AssessmentContext } from "./assess-workload.ts";
import { createAssessmentContext } from "./assessment-context.ts";
import { hasInjector, requireInjector } from "./injector.ts";
import { createRiskLookup } from "./restart-risks.ts";
import { createUnreadyLookup } from "./unready-events.ts";
import { isInScope, isReported, ofUnknownRevision } from "./scope-filter.ts";
import type { InPlaceDecision } from "./in-place/in-place-lookup.ts";
import type { RestartSettings } from "../settings.ts";
import type { Session } from "./session.ts";
import { type AssessedWorkload, createUnmatchedScope } from "./unmatched-scope.ts";

/** The result of reading and assessing the scope once. */
export interface ScopeAssessment {
  readonly mesh: Mesh;
  readonly gaps: readonly Gap[];
  /** The namespaces in scope that could be read, by name. */
  readonly namespaces: ReadonlyMap<string, Namespace>;
  /** Notes about the scope as a whole, for the user. */
  readonly notes: readonly string[];
  /** Every workload in scope, whether in the mesh or not. */
  readonly workloads: readonly Workload[];
  /** The assessments of the workloads that are reported. */
  readonly assessments: readonly Assessment[];
}

/** A scope assessment that keeps only the report entries of the workloads. */
export interface ScopeEntries extends Pick<
  ScopeAssessment,
  "mesh" | "gaps" | "notes" | "namespaces"
> {
  readonly entries: readonly WorkloadEntry[];
}

/** The options of one read of the scope, besides those of the settings. */
export interface ScopeOptions extends Pick<AssessmentContext, "isProofNeeded" | "isPlan"> {
  /** True if namespaces and named workloads may have been deleted: they have nothing to report. */
  readonly mayBeGone?: boolean;
  /** False if nobody sees the other changes of a restart in this read. */
  readonly showsDrift?: boolean;
  /** True if events must say why pods are not ready. */
  readonly explainsUnready?: boolean;
  /** The namespaces to assess as if they had other labels. */
  readonly relabels?: Relabels | undefined;
}

/** Namespaces that are going to get other labels. */
export interface Relabels {
  isPending(name: string): boolean;
  asMoved(namespace: Namespace): Namespace;
}

/**
 * Reads and assesses the scope.
 *
 * @throws CannotRun if there is no injector, or a named workload does not exist.
 */
export async function assessScope(
  session: Session,
  options: ScopeOptions,
): Promise<ScopeAssessment> {
  const { kept, ...scope } = await assessEach(session, options, (found) => found);
  return {
    ...scope,
    workloads: kept.map(({ workload }) => workload).sort(byNamespaceAndName),
    assessments: kept
      .flatMap(({ assessment }) => assessment ?? [])
      .sort((a, b) => byNamespaceAndName(a.workload, b.workload)),
  };
}

/** Does the same as `assessScope`, but keeps in memory only the entries and the current namespace. */
export async function assessScopeForReport(
  session: Session,
  options: ScopeOptions = {},
): Promise<ScopeEntries> {
  const { display, grouping, maxAge = 0 } = session.settings;
  const { output, reportFiles } = display;
  const intern = createEntryInterner(output.startsWith("json") || reportFiles.length > 0);
  let labelling: ReturnType<typeof createLabelling> | undefined;
  const { kept, ...scope } = await assessEach(session, options, ({ assessment }, namespaces) => {
    if (assessment === undefined) return [];
    labelling ??= createLabelling(grouping, namespaces);
    const entry = workloadEntry(assessment, session.formatStep, maxAge / 1000);
    return intern(withLabels(entry, labelling(assessment.workload)));
  });
  return { ...scope, entries: kept.flat().sort(byNamespaceAndName) };
}

/** @param keep returns the part of an assessed workload that stays in memory. */
async function assessEach<Kept>(
  session: Session,
  options: ScopeOptions,
  keep: (assessed: AssessedWorkload, namespaces: ScopeAssessment["namespaces"]) => Kept,
): Promise<
  Pick<ScopeAssessment, "mesh" | "gaps" | "notes" | "namespaces"> & {
    readonly kept: readonly Kept[];
  }
> {
  const {
    mayBeGone = false,
    explainsUnready = false,
    showsDrift = true,
    relabels,
    ...proofs
  } = options;
  const { api, settings, progress, prover } = session;
  const { scope, istioNamespace } = settings;
  const asked = askedAnnotations(settings.grouping);
  const { names: namespaces, known } =
    mayBeGone && session.namespaces !== undefined
      ? await existingNamespaces(api, session.namespaces, asked)
      : { names: session.namespaces, known: session.selected };
  progress.emit({ type: "reading", what: placesText(session, namespaces) });
  const labelSelector = scope.selector && formatSelector(scope.selector.parsed);
  const read = { istioNamespace, namespaces, labelSelector, known, asked };
  const cluster = await readCluster(api, read);
  const mesh = meshOf(cluster.basis, namespaces === undefined);
  const basis = relabels ? relabelled(cluster.basis, relabels) : cluster.basis;
  const base = createAssessmentContext(session, basis, mesh);
  const drift = showsDrift ? base.drift : undefined;
  const isPredicted = relabels && ((name: string) => relabels.isPending(name));
  const context = { ...base, ...proofs, drift, isPredicted };
  const unmatched = createUnmatchedScope(scope);
  const withRisks = createRiskLookup(session);
  const withEvents = createUnreadyLookup(session);
  const withAge = createAgeLookup(session, mesh);
  const decideInPlace = await inPlaceDecision(session, basis.namespaces, mesh);
  let dependsOnRules = false;

  async function assessAndKeep(workload: Workload): Promise<Kept> {
    const found = await assessWorkload(context, workload);
    const reported = found && (isReported(found, scope) ? found : ofUnknownRevision(found, scope));
    const risky = reported && !decideInPlace ? await withRisks(reported) : reported;
    const aged = risky && (await withAge(risky));
    const decided = aged && decideInPlace ? await decideInPlace(aged) : aged;
    const assessment = decided && explainsUnready ? await withEvents(decided) : decided;
    dependsOnRules ||= assessment !== undefined && dependsOnInjectionRules(assessment);
    unmatched.record({ workload, assessment });
    return keep({ workload, assessment }, basis.namespaces);
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

  const { gaps: readGaps, notes: gapNotes } = keepNeededGaps(cluster.allGaps(), dependsOnRules);
  const notes = [...gapNotes, ...(drift?.notes() ?? [])];
  // A named workload that was not found may be in a list that could not be read.
  if (readGaps.length === 0 && !mayBeGone) {
    unmatched.requireNamed(namespaces?.[0] ?? "", basis.namespaces, mesh);
  }
  const gaps = distinctGaps([...readGaps, ...prover.gaps(), ...(drift?.gaps() ?? [])]);
  return {
    kept,
    mesh,
    gaps,
    namespaces: basis.namespaces,
    notes:
      gaps.length > 0
        ? notes
        : [...notes, ...unmatched.notes(mesh, basis.namespaces).map(session.formatStep)],
  };
}

/** Names the namespaces that are read. Those of a selector may be too many for a line. */
function placesText(
  { settings: { scope } }: Session,
  namespaces: readonly string[] | undefined,
): string {
  if (namespaces === undefined) return "all namespaces";
  return scope.namespaceSelector === undefined
    ? namespaces.join(", ")
    : `${count(namespaces.length, "namespace")} with ${scope.namespaceSelector.text}`;
}

/** Returns `undefined` unless sidecars are to be replaced in place. */
async function inPlaceDecision(
  session: Session<Session["settings"] & Partial<RestartSettings>>,
  namespaces: Basis["namespaces"],
  mesh: Mesh,
): Promise<InPlaceDecision | undefined> {
  const { inPlace = false, pull = false, consent } = session.settings;
  if (!inPlace) return undefined;
  const { createInPlaceDecision } = await import("./in-place/in-place-lookup.ts");
  return createInPlaceDecision(session, namespaces, mesh, { downtime: consent.downtime, pull });
}

function relabelled(basis: Basis, relabels: Relabels): Basis {
  const namespaces = new Map(
    [...basis.namespaces].map(([name, namespace]) => [name, relabels.asMoved(namespace)]),
  );
  return { ...basis, namespaces };
}

/** Drops a gap that another one repeats: a missing permission keeps a dry run from two purposes. */
function distinctGaps(gaps: readonly Gap[]): readonly Gap[] {
  const keyOf = ({ verb, resource, namespace, reason, message }: Gap) =>
    JSON.stringify([verb, resource, namespace, reason, message]);
  return [...new Map(gaps.map((gap) => [keyOf(gap), gap])).values()];
}

/** @param isWhole true if the scope is the whole cluster. */
function meshOf({ controlPlane, namespaces, gaps }: Basis, isWhole: boolean): Mesh {
  const mesh = resolveMesh(controlPlane);
  return isWhole ? withNamespaceUses(mesh, namespaces.values(), gaps) : mesh;
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
