import type { ExitCode } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import { resultFields } from "../report/exit-reasons.ts";
import { sinceEntry } from "../report/since.ts";
import type { CheckSettings } from "../settings.ts";
import { assessScopeForReport } from "./assess-scope.ts";
import { type EarlierCheck, readEarlierReport, requireSameSubject } from "./earlier-report.ts";
import { notedReport, reportBody } from "./report.ts";
import { type ClusterReading, reportClusters } from "./report-clusters.ts";
import type { Session } from "./session.ts";

/** Reports the workloads whose pods run an outdated sidecar. Changes nothing. */
export async function check(settings: CheckSettings, version: string, io: Io): Promise<ExitCode> {
  const earlier =
    settings.since === undefined ? undefined : await readEarlierReport(settings.since);
  return reportClusters("check", settings, version, io, (session) => readCheck(session, earlier));
}

/** @param earlier the report to compare with. */
async function readCheck(session: Session, earlier?: EarlierCheck): Promise<ClusterReading> {
  if (earlier !== undefined) requireSameSubject(session, earlier);
  const body = reportBody(session, await assessScopeForReport(session));
  const document = notedReport(
    session,
    earlier === undefined || earlier.complete
      ? body
      : {
          ...body,
          notes: [
            ...body.notes,
            "the earlier report is incomplete: what it could not read counts as new",
          ],
        },
    { kind: "CheckReport", ...(earlier && { since: sinceEntry(earlier, body) }) },
    [],
  );
  return { document, fields: resultFields(document) };
}
