import type { ExitCode } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import type { FleetCommand } from "../fleet.ts";
import type { ClusterReport } from "../report/document.ts";
import { type ResultFields, resultLine } from "../report/exit-reasons.ts";
import { writeResultLine } from "../report/result-line.ts";
import type { CommonSettings } from "../settings.ts";
import { publishDocument } from "./report.ts";
import { type Session, withSession } from "./session.ts";

/** The result of reading one cluster. */
export interface ClusterReading {
  readonly document: ClusterReport;
  /** The fields of the RESULT line; `undefined` for a command without this line. */
  readonly fields: ResultFields | undefined;
}

/** Reads one cluster. */
export type ReadCluster<Settings extends CommonSettings> = (
  session: Session<Settings>,
) => Promise<ClusterReading>;

/**
 * Runs a command for the cluster that the settings name, or for each of several, and prints its report.
 */
export async function reportClusters<Settings extends CommonSettings>(
  command: FleetCommand,
  settings: Settings,
  version: string,
  io: Io,
  read: ReadCluster<Settings>,
): Promise<ExitCode> {
  if (settings.fleet === undefined) return reportCluster(settings, version, io, read);
  const { reportFleet } = await import("./fleet/report-fleet.ts");
  return reportFleet(command, { ...settings, fleet: settings.fleet }, version, io, read);
}

/** Runs a command for one cluster, and prints its report. */
export function reportCluster<Settings extends CommonSettings>(
  settings: Settings,
  version: string,
  io: Io,
  read: ReadCluster<Settings>,
): Promise<ExitCode> {
  return withSession(settings, version, io, async (session) => {
    const { document, fields } = await read(session);
    await publishDocument(session, document);
    if (fields !== undefined) {
      const line = resultLine(document.exitCode, document.cluster.context, fields);
      await writeResultLine(io, line, settings.display);
    }
    return document.exitCode;
  });
}
