import type { ExitCode } from "../exit-codes.ts";
import { formatDuration } from "../duration-text.ts";
import type { Io } from "../io.ts";
import { resultFields, unreadyReasons } from "../report/exit-reasons.ts";
import { verificationState } from "../report/verification-state.ts";
import type { VerifySettings } from "../settings.ts";
import { assessScopeForReport } from "./assess-scope.ts";
import { notedReport, type ReportBody, reportBody } from "./report.ts";
import { type ClusterReading, reportClusters } from "./report-clusters.ts";
import type { Session } from "./session.ts";

/** The pause between two checks, in milliseconds. */
const INTERVAL = 3000;

/**
 * Proves from a fresh read that every live pod in scope is on target and ready. Changes nothing.
 */
export function verify(settings: VerifySettings, version: string, io: Io): Promise<ExitCode> {
  return reportClusters("verify", settings, version, io, readVerification);
}

async function readVerification(session: Session<VerifySettings>): Promise<ClusterReading> {
  const { settings, io } = session;
  const waited = await checkUntilClean(session, io.now().getTime() + settings.wait);
  const mayBeGone = session.selected !== undefined;
  // Dry runs of every workload in every read would be too many.
  const body =
    settings.drift && settings.wait > 0
      ? reportBody(
          session,
          await assessScopeForReport(session, { explainsUnready: true, mayBeGone }),
        )
      : waited;
  const unready = unreadyReasons(body.workloads, settings.failOn);
  const document = notedReport(session, body, { kind: "VerifyReport" }, unready);
  return { document, fields: resultFields(document) };
}

/** Reads until nothing is against the workloads, or until only a person can fix what is. */
async function checkUntilClean(
  session: Session<VerifySettings>,
  deadline: number,
): Promise<ReportBody> {
  const { io, progress, settings } = session;
  // A rollout that somebody just started is not visible at once, so one read is not enough.
  let couldChange = true;
  for (let mayBeGone = false; ; mayBeGone = session.selected !== undefined) {
    const seen = await assessScopeForReport(session, {
      explainsUnready: true,
      mayBeGone,
      showsDrift: settings.wait === 0,
    });
    const body = reportBody(session, seen);
    const left = deadline - io.now().getTime();
    if (left <= 0) return body;
    const { ready, wanted, message, mayChange } = verificationState(
      body.workloads,
      body.gaps,
      settings.failOn,
    );
    if (ready === wanted && body.gaps.length === 0) return body;
    if (!mayChange && !couldChange) {
      progress.emit({ type: "notice", message: "no longer waiting: the rest needs a person" });
      return body;
    }
    couldChange = mayChange;
    const seconds = formatDuration(Math.ceil(left / 1000) * 1000);
    progress.emit({ type: "verifying", ready, wanted, message, left: seconds });
    await io.sleep(Math.min(INTERVAL, left));
  }
}
