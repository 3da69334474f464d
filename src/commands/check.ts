import type { ExitCode } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import type { CommonSettings } from "../settings.ts";
import { assessScopeForReport } from "./assess-scope.ts";
import { reportBody, publishReport } from "./report.ts";
import { withSession } from "./session.ts";

/** Reports the workloads whose pods run an outdated sidecar. Changes nothing. */
export function check(settings: CommonSettings, version: string, io: Io): Promise<ExitCode> {
  return withSession(settings, version, io, async (session) => {
    const seen = await assessScopeForReport(session);
    return publishReport(session, reportBody(session, seen), { kind: "CheckReport" }, []);
  });
}
