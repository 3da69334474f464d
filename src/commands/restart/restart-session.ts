import type { ExitCode } from "../../exit-codes.ts";
import type { Io } from "../../io.ts";
import type { RestartSettings } from "../../settings.ts";
import type { NamespaceMoves } from "../move/namespace-moves.ts";
import { createProver } from "../prover.ts";
import { type Session, withSession } from "../session.ts";
import {
  type ApprovedPlan,
  readApprovedPlan,
  requireSameCluster,
  withPlan,
} from "./approved-plan.ts";
import { requireConsentRules, requireNamedCluster, withRevisionConsent } from "./consent.ts";
import { type Gate, requireGate } from "./gate-file.ts";
import type { HeldLease } from "./held-lease.ts";
import { createLoginWatch, type LoginWatch } from "./login.ts";
import type { Notices } from "./notices.ts";
import { createWatches, type Watches } from "./watches.ts";

/** The session of a `restart` or `move` command. */
export interface RestartSession<
  Settings extends RestartSettings = RestartSettings,
> extends Session<Settings> {
  /** The plan given with `--plan`, which decides the scope and the consent. */
  readonly approved: ApprovedPlan | undefined;
  /** The namespaces that get another label; absent for `restart`. */
  readonly move?: NamespaceMoves;
  readonly login: Pick<LoginWatch, "watch">;
  readonly watches: Watches;
  /** The lease that the run holds; absent without `--lease`, and before it was taken. */
  readonly lease?: HeldLease;
  /** The program of `--gate`; `undefined` if there is none. */
  readonly gate: Gate | undefined;
  /** The Events of the run; absent without `--events`, and in a dry run. */
  readonly notices?: Notices;
}

/**
 * Opens the cluster for one `restart` or `move` command, after checking that the user named it.
 *
 * @throws UsageError if a flag is missing, or the gate or the approved plan cannot be used.
 * @throws CannotRun if no cluster is configured.
 */
export async function withRestartSession<Settings extends RestartSettings>(
  settings: Settings,
  version: string,
  io: Io,
  run: (session: RestartSession<Settings>) => Promise<ExitCode>,
): Promise<ExitCode> {
  const name = "to" in settings ? "move" : "restart";
  requireConsentRules(settings, io, name);
  const command = settings.waves?.gate;
  const gate = command === undefined ? undefined : await requireGate(command);
  if (settings.plan === undefined) {
    return withSession(withRevisionConsent(settings, io), version, io, (session) => {
      requireNamedCluster(settings, session.api.connection.inCluster);
      return run(withLoginWatch(session, undefined, gate));
    });
  }
  const approved = await readApprovedPlan(settings.plan, name);
  return withSession(withPlan(settings, approved), version, io, (session) => {
    requireSameCluster(session, approved);
    return run(withLoginWatch(session, approved, gate));
  });
}

function withLoginWatch<Settings extends RestartSettings>(
  session: Session<Settings>,
  approved: ApprovedPlan | undefined,
  gate: RestartSession["gate"],
): RestartSession<Settings> {
  const { api, watch } = createLoginWatch(session.api, session.io);
  const prover = createProver(api, session.settings.prove);
  const watches = createWatches(api, session.io);
  return { ...session, api, prover, login: { watch }, watches, approved, gate };
}
