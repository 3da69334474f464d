import { readSnapshot } from "../cluster/read.ts";
import { CannotRun } from "../errors.ts";
import { type Assessment, assess, type Policy } from "../mesh/assess.ts";
import { isDoubtful } from "../mesh/doubt.ts";
import { weighGaps } from "../mesh/gaps.ts";
import { isRestartable, resourceName } from "../mesh/kinds.ts";
import { classifyManaged } from "../mesh/managed.ts";
import { type Mesh, resolveMesh } from "../mesh/mesh.ts";
import { predictInjection } from "../mesh/prediction.ts";
import { formatSelector, matchesSelector } from "../mesh/selector.ts";
import type { ScopeSettings } from "../scope.ts";
import type { CommonSettings } from "../settings.ts";
import type { Gap, Snapshot, Workload } from "../snapshot.ts";
import { type LastRefusal, openRefusals } from "./refused-pods.ts";
import type { Session } from "./session.ts";

/** One fresh read of the scope, judged. */
export interface Look {
  readonly mesh: Mesh;
  /** Every workload in scope, in the mesh or not. */
  readonly workloads: readonly Workload[];
  readonly assessments: readonly Assessment[];
  readonly gaps: readonly Gap[];
  /** What to tell the user about them. */
  readonly notes: readonly string[];
}

/**
 * Reads and judges; asks the API server, never a cache.
 *
 * @param prove which workloads to prove with `--prove=auto`.
 * @throws CannotRun where there is no injector, or a named workload is not there.
 */
export async function look(
  session: Session,
  consent: Omit<Policy, "excludes">,
  prove: typeof isDoubtful = isDoubtful,
): Promise<Look> {
  const { api, settings, namespaces, progress } = session;
  const { scope, istioNamespace } = settings;
  progress.emit({ type: "reading", what: namespaces?.join(", ") ?? "all namespaces" });
  const snapshot = await readSnapshot(api, {
    istioNamespace,
    namespaces,
    labelSelector: scope.selector && formatSelector(scope.selector.parsed),
  });
  const mesh = resolveMesh(snapshot.controlPlane);
  requireInjector(snapshot, mesh, session);

  const workloads = snapshot.workloads.filter((workload) => isInScope(workload, scope));
  const policy = policyFor(settings, consent);
  const world = { ...snapshot, mesh, lastRefusal: openRefusals(session) };
  const judged = await Promise.all(
    workloads.map((workload) => judge(session, world, workload, policy, prove)),
  );
  const assessments = judged
    .flatMap((assessment) => assessment ?? [])
    .filter((assessment) => isListed(assessment, scope));
  const { gaps, notes } = weighGaps(snapshot.gaps, assessments);
  requireNamed({ ...snapshot, gaps }, workloads, assessments, mesh, session);
  return { mesh, workloads, assessments, gaps: [...gaps, ...session.prover.gaps()], notes };
}

/** What a workload is judged by. */
interface World extends Pick<Snapshot, "namespaces" | "gaps"> {
  readonly mesh: Mesh;
  readonly lastRefusal: LastRefusal;
}

/** Judges one workload, and has the target proved where the settings want that. */
export async function judge(
  { prover }: Session,
  { mesh, namespaces, gaps, lastRefusal }: World,
  workload: Workload,
  policy: Policy,
  prove: typeof isDoubtful = isDoubtful,
): Promise<Assessment | undefined> {
  const namespace = namespaces.get(workload.namespace);
  const predicted = assess(workload, namespace, mesh, policy);
  // Where not all of the rules were read, what they seem to say may be wrong.
  const doubted = predicted !== undefined && gaps.some(({ about }) => about === "injection");
  const proving =
    prover.when === "always"
      ? predicted?.verdict !== "managed" && predicted?.verdict !== "excluded"
      : prover.when === "auto" && (doubted || prove(predicted, namespace));
  const dryRun = proving && isRestartable(workload.kind) ? await prover.prove(workload) : undefined;
  const judged = dryRun ? assess(workload, namespace, mesh, policy, { dryRun }) : predicted;
  if (judged?.finding.code !== "no-pods" || judged.proved) return judged;
  const refusal = await lastRefusal(workload);
  return assess(workload, namespace, mesh, policy, { dryRun, refusal });
}

export function policyFor({ scope }: CommonSettings, consent: Omit<Policy, "excludes">): Policy {
  return { ...consent, excludes: (workload) => excludedBy(workload, scope) };
}

function excludedBy(workload: Workload, { excludes }: ScopeSettings): string | undefined {
  const matches = (asked: string | undefined, value: string) =>
    asked === undefined || asked === value;
  return excludes.find(
    ({ namespace, kind, name }) =>
      matches(namespace, workload.namespace) &&
      matches(kind, workload.kind) &&
      matches(name, workload.name),
  )?.text;
}

function isInScope(workload: Workload, { workloads, selector }: ScopeSettings): boolean {
  const named =
    workloads.length === 0 ||
    workloads.some(({ kind, name }) => kind === workload.kind && name === workload.name);
  return named && (selector === undefined || matchesSelector(workload.labels, selector.parsed));
}

function isListed({ running, target, finding }: Assessment, scope: ScopeSettings) {
  const { revision, workloads } = scope;
  const asked =
    revision === undefined ||
    target?.revision === revision ||
    running.some((group) => group.revision === revision);
  // Scaled to zero it has nothing to say, unless it was asked for by name.
  return asked && (finding.code !== "scaled-to-zero" || workloads.length > 0);
}

/**
 * Without one injector there is nothing to compare with, and no sidecar to be had. But where pods
 * still have one the control plane was taken away from under them: they are what is to be told.
 *
 * @throws CannotRun where the Istio of `--istio-namespace` is not in this cluster.
 */
export function requireInjector(
  { workloads }: Pick<Snapshot, "workloads">,
  { revisions, revisionsUnread, injectors, istioNamespace }: Mesh,
  { api }: Session,
): void {
  if (revisionsUnread || revisions.size > 0) return;
  const elsewhere = injectors
    ?.flatMap(({ service }) => service?.namespace ?? [])
    .find((namespace) => namespace !== istioNamespace);
  if (elsewhere === undefined && workloads.some(hasSidecar)) return;
  throw new CannotRun(
    `no ConfigMap istio-sidecar-injector* in the namespace "${istioNamespace}" of ${api.connection.server.host}`,
    elsewhere === undefined
      ? "is this cluster on the AKS Istio add-on? For another Istio name its namespace: --istio-namespace istio-system"
      : `the injector of this cluster is in another namespace: --istio-namespace ${elsewhere}`,
  );
}

function hasSidecar(workload: Workload): boolean {
  const { pods } = workload;
  return (
    pods.some(({ image }) => image !== undefined) && classifyManaged(workload, pods) === undefined
  );
}

function requireNamed(
  { namespaces, gaps }: Snapshot,
  workloads: readonly Workload[],
  assessments: readonly Assessment[],
  mesh: Mesh,
  session: Session,
): void {
  // What could not be read may well be there.
  if (gaps.length > 0) return;
  const place = session.namespaces?.[0] ?? "";
  for (const named of session.settings.scope.workloads) {
    const isNamed = (workload: Workload) =>
      workload.kind === named.kind && workload.name === named.name;
    const found = workloads.find(isNamed);
    if (found === undefined) {
      throw new CannotRun(
        `${resourceName(named)} does not exist in the namespace "${place}"`,
        `see which there are: kubectl get ${named.kind.toLowerCase()} -n ${place}`,
      );
    }
    if (assessments.some(({ workload }) => isNamed(workload))) continue;
    const namespace = namespaces.get(place);
    const prediction =
      found.template && namespace && predictInjection(found.template, namespace, mesh);
    const why = prediction?.kind === "none" ? prediction.finding : undefined;
    throw new CannotRun(
      `${resourceName(named)} in "${place}" has no sidecar, and a restart would give it none: ${why?.reason ?? "nothing injects it"}`,
      why?.nextStep ?? "see: istio-upgrade check",
    );
  }
}
