import { readUsageSnapshot } from "../cluster/usage-snapshot.ts";
import { CannotRun } from "../errors.ts";
import type { ExitCode } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import { withNamespaceUses } from "../mesh/choices.ts";
import { resolveMesh } from "../mesh/mesh.ts";
import {
  type RevisionUsage,
  type UsageByRevision,
  usageByRevision,
} from "../mesh/revision-usage.ts";
import { revisionsDocument } from "../report/revisions-document.ts";
import type { RevisionsSettings } from "../settings.ts";
import type { Gap } from "../snapshot.ts";
import { requireInjector } from "./injector.ts";
import { documentHead } from "./report.ts";
import { type ClusterReading, reportClusters } from "./report-clusters.ts";
import type { Session } from "./session.ts";

/** Reports the installed revisions and everything that still uses them. Changes nothing. */
export function revisions(settings: RevisionsSettings, version: string, io: Io): Promise<ExitCode> {
  return reportClusters("revisions", settings, version, io, readRevisions);
}

async function readRevisions(session: Session<RevisionsSettings>): Promise<ClusterReading> {
  const { api, progress, settings } = session;
  progress.emit({ type: "reading", what: "all namespaces" });
  const snapshot = await readUsageSnapshot(api, settings.istioNamespace);
  const { controlPlane, namespaces, gaps } = snapshot;
  const mesh = withNamespaceUses(resolveMesh(controlPlane), namespaces.values(), gaps);
  const usage = usageByRevision(snapshot, mesh);
  // The leftovers of a removed mesh are worth a report, too.
  if (usage.revisions.length === 0) requireInjector(snapshot, mesh, session);
  const asked = selectRevisions(usage, settings, gaps);
  const document = revisionsDocument(
    documentHead(session),
    {
      asked: {
        ...settings,
        revision: settings.revision && (asked[0]?.name ?? settings.revision),
      },
      usage: { ...usage, revisions: asked },
      gaps,
    },
    session.formatStep,
  );
  return { document, fields: undefined };
}

/** @throws CannotRun if nothing refers to the revision: a misspelled name must not look unused. */
function selectRevisions(
  { revisions: all }: UsageByRevision,
  { revision }: RevisionsSettings,
  gaps: readonly Gap[],
): readonly RevisionUsage[] {
  if (revision === undefined) return all;
  const named = all.filter(({ name }) => name === revision);
  const found = named.length > 0 ? named : all.filter(({ tags }) => tags.includes(revision));
  if (found.length > 0 || gaps.length > 0) return found;
  throw new CannotRun(
    `there is no revision or tag "${revision}", and nothing refers to it`,
    `known revisions: ${all.map(({ name }) => name).join(", ")}`,
    { code: "not-found" },
  );
}
