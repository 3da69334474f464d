import type { ExitCode } from "../../exit-codes.ts";
import { type Lease, leaseName, type LeasePlace } from "../../lease.ts";
import { endingOfHeldLease } from "../../rollout/lease-ending.ts";
import { type Ending, untouchedResult } from "../../rollout/result.ts";
import type { ReadyToRestart } from "./preparation.ts";
import type { RunRecord } from "./record.ts";
import type { RestartSession } from "./restart-session.ts";
import { leasePlace, takeUnlessSignalled } from "./take-lease.ts";

/**
 * Takes the lease of `--lease`, and holds it until a run has ended in any way. If another run holds it,
 * reports that nothing was started. A dry run needs no lease.
 *
 * @param run gets the session with the lease.
 * @throws CannotRun if the lease could not be read or written.
 * @throws Interrupted if a signal came before it was taken.
 */
export async function withLease(
  session: RestartSession,
  ready: ReadyToRestart,
  run: (session: RestartSession, ready: ReadyToRestart) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { settings, api, progress } = session;
  if (settings.lease === undefined || settings.dryRun !== undefined) return run(session, ready);
  const place = leasePlace(api, settings.lease);
  const taken = await takeUnlessSignalled(session, place);
  if ("held" in taken) return concludeHeld(session, ready, place, taken.held);
  const { lease } = taken;
  const { holder } = lease;
  // Nothing is changed any more, and nothing must be printed after the report.
  const record: RunRecord = {
    ...ready.record,
    conclude: async (...given) => {
      await lease.release();
      return ready.record.conclude(...given);
    },
  };
  try {
    record.noteLease({ ...place, holder, outcome: "taken" });
    progress.emit({
      type: "notice",
      message: `holding the lease ${leaseName(place)} as ${holder}`,
    });
    return await run({ ...session, lease }, { ...ready, record });
  } finally {
    await lease.release();
  }
}

function concludeHeld(
  session: RestartSession,
  { before, decided, plan, record }: ReadyToRestart,
  place: LeasePlace,
  lease: Lease,
): Promise<ExitCode> {
  const { io, move, progress } = session;
  const ending = endingOfHeldLease(place, lease, io.now().getTime());
  progress.emit({ type: "notice", message: `nothing was started: ${ending.message}` });
  for (const namespace of move?.all() ?? []) {
    if (namespace.outcome === "planned") move?.set({ ...namespace, ...notLabelled(ending) });
  }
  record.noteLease({ ...place, holder: lease.holder, outcome: "refused" });
  const untouched = [...plan.waits, ...plan.steps].map((step) =>
    untouchedResult(step, ending, io.now()),
  );
  return record.conclude(before, [...decided, ...untouched]);
}

function notLabelled({ code, message, nextStep }: Ending) {
  return { outcome: "not-labelled", code, message, nextStep } as const;
}
