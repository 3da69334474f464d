import { readEnvoyFilters, readNodes } from "../cluster/upgrade-surroundings.ts";
import { readUsageSnapshot } from "../cluster/usage-snapshot.ts";
import { CannotRun } from "../errors.ts";
import type { ExitCode } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import type { Assessment } from "../mesh/assessment.ts";
import { azureClusterIn } from "../mesh/azure-steps.ts";
import { withNamespaceUses } from "../mesh/choices.ts";
import { type Mesh, resolveMesh } from "../mesh/mesh.ts";
import { AKS_REVISION } from "../istio-labels.ts";
import { type Upgrade, upgradeOf } from "../mesh/upgrade.ts";
import { namespaceStatuses } from "../mesh/upgrade-namespaces.ts";
import type { Surroundings } from "../mesh/upgrade-preflight.ts";
import { planUpgrade } from "../mesh/upgrade-steps.ts";
import { istioUpgrade, sentence } from "../next-step.ts";
import { withLabels, workloadEntry } from "../report/entries.ts";
import { createLabelling, labelNotes } from "../report/workload-labels.ts";
import { askedAnnotations } from "../grouping.ts";
import { countEntries } from "../report/exit-reasons.ts";
import { statusDocument } from "../report/status-document.ts";
import type { StatusSettings } from "../settings.ts";
import { byNamespaceAndName, type UsageSnapshot } from "../snapshot.ts";
import { assessWorkload } from "./assess-workload.ts";
import { createAssessmentContext } from "./assessment-context.ts";
import { requireInjector } from "./injector.ts";
import { documentHead } from "./report.ts";
import { type ClusterReading, reportClusters } from "./report-clusters.ts";
import type { Session } from "./session.ts";

/** Reports the state of an upgrade, and the next command. Changes nothing. */
export function status(settings: StatusSettings, version: string, io: Io): Promise<ExitCode> {
  return reportClusters("status", settings, version, io, readStatus);
}

async function readStatus(session: Session<StatusSettings>): Promise<ClusterReading> {
  const { api, progress, prover, settings, formatStep } = session;
  progress.emit({ type: "reading", what: "all namespaces" });
  const { istioNamespace, grouping } = settings;
  const snapshot = await readUsageSnapshot(api, istioNamespace, askedAnnotations(grouping));
  const { controlPlane, namespaces, gaps } = snapshot;
  const mesh = withNamespaceUses(resolveMesh(controlPlane), namespaces.values(), gaps);
  const assessments = await assessAll(session, snapshot, mesh);
  const read = { ...snapshot, gaps: [...gaps, ...prover.gaps()] };
  const upgrade = upgradeOf(read, mesh, assessments, settings.to);
  requireRevision(upgrade, session);
  const plan = planUpgrade(upgrade, {
    azure: api.connection.entries && azureClusterIn(api.connection.entries),
    surroundings: await surroundingsOf(upgrade, session),
  });
  const labelling = createLabelling(grouping, namespaces);
  const entries = upgrade.assessments.map((assessment) =>
    withLabels(workloadEntry(assessment, formatStep), labelling(assessment.workload)),
  );
  const document = statusDocument(
    documentHead(session),
    {
      upgrade,
      plan,
      namespaces: namespaceStatuses(upgrade, plan),
      entries,
      grouping,
      notes: [...prover.notes(), ...session.notes, ...labelNotes(grouping, entries, namespaces)],
    },
    formatStep,
  );
  const counts = countEntries(entries, document.gaps.length);
  return { document, fields: { phase: document.phase ?? "unknown", ...counts } };
}

/** Assesses every workload of the snapshot, as `check` does. */
async function assessAll(
  session: Session,
  snapshot: UsageSnapshot,
  mesh: Mesh,
): Promise<readonly Assessment[]> {
  const context = createAssessmentContext(session, snapshot, mesh);
  const assessed = await Promise.all(
    snapshot.workloads.map((workload) => assessWorkload(context, workload)),
  );
  return assessed
    .flatMap((assessment) => assessment ?? [])
    .sort((a, b) => byNamespaceAndName(a.workload, b.workload));
}

/**
 * Rejects a cluster without a revision, unless pods of one are left, and a name that can be no revision
 * of AKS.
 *
 * @throws CannotRun
 */
function requireRevision(upgrade: Upgrade, session: Session): void {
  const { snapshot, mesh, installed, asked, gone, isInstalledRead, pods } = upgrade;
  if (installed.length === 0 && isInstalledRead && pods.length === 0) {
    if (gone.size === 0) requireInjector(snapshot, mesh, session);
    throw new CannotRun(
      `no revision of Istio is installed in the namespace "${mesh.istioNamespace}"`,
      "an istiod without a revision, as the application routing add-on of AKS installs it, injects no sidecars: there is nothing to upgrade",
      { code: "not-found" },
    );
  }
  if (asked === undefined || installed.includes(asked)) return;
  const isAks = installed.some((name) => AKS_REVISION.test(name));
  if (!isAks || AKS_REVISION.test(asked)) return;
  throw new CannotRun(
    `there is no revision or tag "${asked}", and AKS has no revision of that name`,
    sentence`installed: ${installed.join(", ")}; a new revision has a name such as asm-1-30; see the tags: ${istioUpgrade("revisions")}`,
    { code: "not-found" },
  );
}

/** Reads what only matters before a revision is installed. */
async function surroundingsOf(
  { installed, asked }: Upgrade,
  { api }: Session,
): Promise<Surroundings | undefined> {
  if (asked === undefined || installed.includes(asked)) return undefined;
  const [nodes, envoyFilters] = await Promise.all([readNodes(api), readEnvoyFilters(api)]);
  return { nodes, envoyFilters };
}
