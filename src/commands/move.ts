import type { ExitCode } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import type { MoveSettings } from "../settings.ts";
import { moveCommand } from "./move/move-command.ts";
import { prepareMoves } from "./move/preflight.ts";
import { act } from "./restart.ts";
import { type RestartSession, withRestartSession } from "./restart/restart-session.ts";

/**
 * Moves namespaces to another revision: labels each of them just before its first restart, restarts what
 * lags, and verifies.
 */
export function move(settings: MoveSettings, version: string, io: Io): Promise<ExitCode> {
  return withRestartSession(settings, version, io, (session) =>
    act(session, (abort) => withMoves(session, abort)),
  );
}

async function withMoves(
  session: RestartSession<MoveSettings>,
  abort: AbortSignal,
): Promise<RestartSession> {
  const moves = await prepareMoves(session, session.approved?.move, abort);
  const { settings } = session;
  // The move itself is the consent to its revision.
  const revisions = [moves.target.revision];
  const consent = { ...settings.consent, revisions, back: true };
  const again = moveCommand(settings, moves);
  return { ...session, settings: { ...settings, consent }, move: moves, again };
}
