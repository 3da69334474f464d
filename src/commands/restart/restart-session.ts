import type { ExitCode } from "../../exit-codes.ts";
import type { Io } from "../../io.ts";
import type { RestartSettings } from "../../settings.ts";
import { type Session, withSession } from "../session.ts";
import {
  type ApprovedPlan,
  readApprovedPlan,
  requireSameCluster,
  withPlan,
} from "./approved-plan.ts";
import { requireConsentRules, requireNamedCluster } from "./consent.ts";

/** The session of a `restart` command. */
export interface RestartSession extends Session<RestartSettings> {
  /** The plan given with `--plan`, which decides the scope and the consent. */
  readonly approved: ApprovedPlan | undefined;
}

/**
 * Opens the cluster for one `restart` command, after checking that the user named it.
 *
 * @throws UsageError if a flag is missing, or the approved plan cannot be used here.
 * @throws CannotRun if no cluster is configured.
 */
export async function withRestartSession(
  settings: RestartSettings,
  version: string,
  io: Io,
  run: (session: RestartSession) => Promise<ExitCode>,
): Promise<ExitCode> {
  requireConsentRules(settings, io);
  if (settings.plan === undefined) {
    return withSession(settings, version, io, (session) => {
      requireNamedCluster(settings, session.api.connection.inCluster);
      return run({ ...session, approved: undefined });
    });
  }
  const approved = await readApprovedPlan(settings.plan);
  return withSession(withPlan(settings, approved), version, io, (session) => {
    requireSameCluster(session, approved);
    return run({ ...session, approved });
  });
}
