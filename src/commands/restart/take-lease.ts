import { readLease } from "../../cluster/leases.ts";
import { createLease, sendLease } from "../../cluster/write.ts";
import { CannotRun, Interrupted } from "../../errors.ts";
import { ApiError, failureCodeOf, isConflict, isNotFound } from "../../http/api-error.ts";
import { connectionHint } from "../../http/connection-hint.ts";
import type { Io } from "../../io.ts";
import { type Lease, leaseName, type LeasePlace } from "../../lease.ts";
import { kubectl, sentence } from "../../next-step.ts";
import type { NamedLease } from "../../option-values.ts";
import { advanceTaking, type TakeAction, type Taking } from "../../rollout/lease.ts";
import { observedText } from "../../rollout/lease-ending.ts";
import type { Session } from "../session.ts";
import { type HeldLease, holdLease } from "./held-lease.ts";
import { aborted, type SignalName } from "./interruption.ts";
import type { RestartSession } from "./restart-session.ts";

/** Returns the place of the lease of `--lease`: by default, the namespace of the kubeconfig context. */
export function leasePlace({ connection }: Session["api"], lease: NamedLease): LeasePlace {
  return { namespace: lease.namespace ?? connection.namespace, name: lease.name };
}

/** The conflicts after which a run gives up: the read after the first one has not shown who was faster. */
const MAX_CONFLICTS = 3;

/** The lease that was taken, or the one that another run holds. */
export type Taken = { readonly lease: HeldLease } | { readonly held: Lease };

/**
 * Takes a lease, or returns the one of another run. After a signal, nothing is left that keeps the next
 * run away.
 *
 * @throws CannotRun if the lease could not be read or written.
 * @throws Interrupted if a signal came before the lease was taken.
 */
export async function takeUnlessSignalled(
  session: RestartSession,
  place: LeasePlace,
): Promise<Taken> {
  const { io } = session;
  const abort = new AbortController();
  let signal: SignalName = "SIGTERM";
  const unsubscribe = io.onSignal((name) => {
    if (!abort.signal.aborted) signal = name;
    abort.abort();
  });
  try {
    const taken = await Promise.race([
      takeLease(session, place, abort.signal),
      aborted(io, abort.signal).then(() => undefined),
    ]);
    if (taken !== undefined && !abort.signal.aborted) return taken;
    if (taken !== undefined && "lease" in taken) await taken.lease.release();
    throw new Interrupted(signal);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new CannotRun(
      isNotFound(error)
        ? `there is no namespace "${place.namespace}" for the lease, so nothing was restarted`
        : `could not take the lease ${leaseName(place)}, so nothing was restarted: ${error.message}`,
      connectionHint(
        error,
        sentence`compare with: ${kubectl("get", "lease", place.name, "--namespace", place.namespace)}`,
      ),
      { cause: error, code: isNotFound(error) ? "not-found" : failureCodeOf(error) },
    );
  } finally {
    unsubscribe();
  }
}

/**
 * Takes a lease. Waits only for one that seems to have expired.
 *
 * @returns `undefined` after an abort.
 * @throws ApiError
 */
async function takeLease(
  session: RestartSession,
  place: LeasePlace,
  abort: AbortSignal,
): Promise<Taken | undefined> {
  const { api, io, progress } = session;
  let taking: Taking = { identity: runName(io), watched: undefined };
  let isReported = false;
  let conflicts = 0;
  for (;;) {
    const found = await readLease(api, place);
    if (abort.aborted) return undefined;
    let action: TakeAction;
    [taking, action] = advanceTaking(taking, found, io.now().getTime());
    switch (action.kind) {
      case "held":
        return { held: action.lease };
      case "own":
        return { lease: holdLease(session, place, action.lease) };
      case "observe": {
        const { lease, left, pause } = action;
        const message = observedText(place, lease, left);
        if (!isReported) progress.emit({ type: "notice", message });
        isReported = true;
        await io.sleep(pause, abort);
        break;
      }
      case "create":
      case "take":
        try {
          return { lease: holdLease(session, place, await write(api, place, action)) };
        } catch (error) {
          conflicts += 1;
          if (!isConflicting(error, action) || conflicts === MAX_CONFLICTS) throw error;
        }
    }
  }
}

type WriteAction = Extract<TakeAction, { readonly kind: "create" | "take" }>;

/** @throws ApiError */
function write(api: Session["api"], place: LeasePlace, action: WriteAction): Promise<Lease> {
  return action.kind === "create"
    ? createLease(api, place, action.content)
    : sendLease(api, place, action.lease, action.content);
}

/** True if another run was faster, or if the answer to a write of this one was lost. */
function isConflicting(error: unknown, { kind }: WriteAction): boolean {
  return isConflict(error) || (kind === "take" && isNotFound(error));
}

/**
 * Returns a name by which a person recognizes a run, and which no other run has: of the pod or the
 * machine, the process, and a random part.
 */
function runName(io: Io): string {
  const random = Math.floor(io.random() * 2 ** 48)
    .toString(16)
    .padStart(12, "0");
  return `${io.hostname()}_${io.process.pid}_${random}`;
}
