import type { ExitCode } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import { unreadyReasons, verdictReasons } from "../report/exit-reasons.ts";
import type { VerifySettings } from "../settings.ts";
import { assessScopeForReport } from "./assess-scope.ts";
import { type ReportBody, reportBody, publishReport } from "./report.ts";
import { type Session, withSession } from "./session.ts";

/** The pause between two checks, in milliseconds. */
const INTERVAL = 3000;

/**
 * Proves from a fresh read that every live pod in scope is on target and ready. Changes nothing.
 */
export function verify(settings: VerifySettings, version: string, io: Io): Promise<ExitCode> {
  return withSession(settings, version, io, async (session) => {
    const body = await checkUntilClean(session, io.now().getTime() + settings.wait);
    return publishReport(
      session,
      body,
      { kind: "VerifyReport" },
      unreadyReasons(body.workloads, settings.failOn),
    );
  });
}

async function checkUntilClean(session: Session, deadline: number): Promise<ReportBody> {
  for (;;) {
    const seen = await assessScopeForReport(session);
    const body = reportBody(session, seen);
    const { workloads, gaps } = body;
    const { failOn } = session.settings;
    const clean =
      verdictReasons(workloads, gaps.length, false, failOn).length === 0 &&
      unreadyReasons(workloads, failOn).length === 0;
    const left = deadline - session.io.now().getTime();
    if (clean || left <= 0) return body;
    await session.io.sleep(Math.min(INTERVAL, left));
  }
}
