import { UsageError } from "../errors.ts";
import type { ExitCode } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import type { MoveSettings } from "../settings.ts";
import { moveCommand } from "./move/move-command.ts";
import { prepareMoves } from "./move/preflight.ts";
import { act } from "./restart.ts";
import { type RestartSession, withRestartSession } from "./restart/restart-session.ts";
import { noNamespace } from "./unmatched-scope.ts";

/**
 * Moves namespaces to another revision: labels each of them just before its first restart, restarts what
 * lags, and verifies.
 */
export function move(settings: MoveSettings, version: string, io: Io): Promise<ExitCode> {
  return withRestartSession(settings, version, io, (opened) => {
    const session = withNames(opened);
    return act(session, (abort) => withMoves(session, abort));
  });
}

/**
 * Replaces a selector by the names of the namespaces that it matches: the move may change the labels that
 * the selector is about.
 *
 * @throws UsageError if it matches none.
 */
function withNames(session: RestartSession<MoveSettings>): RestartSession<MoveSettings> {
  const { selected, settings } = session;
  const { namespaceSelector } = settings.scope;
  if (selected === undefined || namespaceSelector === undefined) return session;
  if (selected.size === 0) {
    const { message, hint } = noNamespace(namespaceSelector);
    throw new UsageError(message, hint);
  }
  const scope = {
    ...settings.scope,
    namespaces: [...selected.keys()],
    namespaceSelector: undefined,
  };
  // Their labels are read again: those of `selected` are of the time before the move.
  return { ...session, settings: { ...settings, scope }, selected: undefined };
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
