import { readUsageSnapshot } from "../cluster/usage-snapshot.ts";
import { CannotRun } from "../errors.ts";
import type { ExitCode } from "../exit-codes.ts";
import type { Io } from "../io.ts";
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
import { documentHead, publishDocument } from "./report.ts";
import { withSession } from "./session.ts";

/** Reports the installed revisions and everything that still uses them. Changes nothing. */
export function revisions(settings: RevisionsSettings, version: string, io: Io): Promise<ExitCode> {
  return withSession(settings, version, io, async (session) => {
    const { api, progress } = session;
    progress.emit({ type: "reading", what: "all namespaces" });
    const snapshot = await readUsageSnapshot(api, settings.istioNamespace);
    const mesh = resolveMesh(snapshot.controlPlane);
    const usage = usageByRevision(snapshot, mesh);
    // The leftovers of a removed mesh are worth a report, too.
    if (usage.revisions.length === 0) requireInjector(snapshot, mesh, session);
    const asked = selectRevisions(usage, settings, snapshot.gaps);
    const document = revisionsDocument(
      documentHead(session),
      {
        asked: {
          ...settings,
          revision: settings.revision && (asked[0]?.name ?? settings.revision),
        },
        usage: { ...usage, revisions: asked },
        gaps: snapshot.gaps,
      },
      session.formatStep,
    );
    await publishDocument(session, document);
    return document.exitCode;
  });
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
