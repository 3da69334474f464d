import type { Lease, LeaseContent } from "../lease.ts";

// The rules of client-go's `tools/leaderelection`, with two differences: a lease that is held is not
// waited for, and a run that has lost its lease does not take it again.

/** Milliseconds after its last renewal for which a lease keeps other runs away. */
export const LEASE_DURATION = 30_000;
/** Milliseconds between two renewals. */
const RENEW_PERIOD = 10_000;
/** Milliseconds after the last renewal after which a run no longer relies on its lease. */
export const RENEW_DEADLINE = 20_000;
/** Milliseconds between two attempts to renew a lease, or to see whether its holder renews it. */
const RETRY_PERIOD = 2000;

/** A run that wants a lease. Times are milliseconds of its own clock. */
export interface Taking {
  /** The name of the run. */
  readonly identity: string;
  /** The expired lease that the run watches, and since when; `undefined` if it watches none. */
  readonly watched: { readonly lease: Lease; readonly since: number } | undefined;
}

export type TakeAction =
  /** Create the lease, which does not exist. Another run may be faster. */
  | { readonly kind: "create"; readonly content: LeaseContent }
  /** Write the lease, which is free or has expired. Another run may be faster. */
  | { readonly kind: "take"; readonly lease: Lease; readonly content: LeaseContent }
  /** The run holds the lease already: the answer to its write was lost. */
  | { readonly kind: "own"; readonly lease: Lease }
  /** Read the lease again after a pause: it seems to have expired. */
  | {
      readonly kind: "observe";
      readonly lease: Lease;
      /** Milliseconds until the next read. */
      readonly pause: number;
      /** Milliseconds until the lease may be taken. */
      readonly left: number;
    }
  /** Another run holds the lease. */
  | { readonly kind: "held"; readonly lease: Lease };

/**
 * Decides what to do about a lease as it was read just now.
 *
 * The clocks of two machines may differ. So nothing that a holder wrote about the time is enough to take its
 * lease away: the lease has to remain unchanged for its duration by the clock of this run.
 *
 * @param found `undefined` if the lease does not exist.
 * @param now milliseconds since the epoch, by the clock of this run.
 */
export function advanceTaking(
  taking: Taking,
  found: Lease | undefined,
  now: number,
): readonly [Taking, TakeAction] {
  const { identity, watched } = taking;
  if (found === undefined) {
    const content = heldContent(identity, now, now, 0);
    return [
      { ...taking, watched: undefined },
      { kind: "create", content },
    ];
  }
  if (found.holder === identity) return [taking, { kind: "own", lease: found }];
  if (found.holder === "") return [taking, takeFrom(identity, found, now)];
  if (watched === undefined) {
    if (isFresh(found, now)) return [taking, { kind: "held", lease: found }];
    return [
      { ...taking, watched: { lease: found, since: now } },
      observe(found, durationOf(found)),
    ];
  }
  // Its holder has renewed it, or another run was faster.
  if (!isSameContent(found, watched.lease)) return [taking, { kind: "held", lease: found }];
  const left = watched.since + durationOf(found) - now;
  return [taking, left > 0 ? observe(found, left) : takeFrom(identity, found, now)];
}

function takeFrom(identity: string, lease: Lease, now: number): TakeAction {
  const content = heldContent(identity, now, now, lease.transitions + 1);
  return { kind: "take", lease, content };
}

function observe(lease: Lease, left: number): TakeAction {
  return { kind: "observe", lease, pause: Math.min(RETRY_PERIOD, left), left };
}

function durationOf({ duration }: LeaseContent): number {
  return duration ?? LEASE_DURATION;
}

/** True if a lease was renewed a moment ago. A time far in the future is that of a clock that is wrong. */
function isFresh(lease: LeaseContent, now: number): boolean {
  const renewedAt = lease.renewedAt?.getTime();
  return renewedAt !== undefined && Math.abs(now - renewedAt) < durationOf(lease);
}

/** Compares what holders write, not the version, which a label changes as well. */
function isSameContent(one: LeaseContent, other: LeaseContent): boolean {
  return (
    one.holder === other.holder &&
    one.duration === other.duration &&
    one.transitions === other.transitions &&
    one.acquiredAt?.getTime() === other.acquiredAt?.getTime() &&
    one.renewedAt?.getTime() === other.renewedAt?.getTime()
  );
}

function heldContent(
  holder: string,
  acquiredAt: number,
  renewedAt: number,
  transitions: number,
): LeaseContent {
  return {
    holder,
    duration: LEASE_DURATION,
    acquiredAt: new Date(acquiredAt),
    renewedAt: new Date(renewedAt),
    transitions,
  };
}

/** A run that holds a lease. Times are milliseconds of its own clock. */
export interface Holding {
  /** The lease as it was last read or written. */
  readonly lease: Lease;
  /** The time at which the request was sent that took or renewed the lease. */
  readonly renewedAt: number;
  /** The last attempt to renew the lease that failed; `undefined` after a success. */
  readonly failure: { readonly at: number; readonly message: string } | undefined;
  /** The reason why the run does not hold the lease any more. It never holds it again. */
  readonly loss: LeaseLoss | undefined;
}

export type LeaseLoss =
  /** Another run holds the lease. */
  | { readonly kind: "taken"; readonly lease: Lease }
  /** Somebody removed the holder, or deleted the lease. */
  | { readonly kind: "removed" }
  /** The lease could not be renewed in time. */
  | { readonly kind: "not-renewed"; readonly message: string | undefined };

export type HoldObservation =
  /** Time has passed. */
  | { readonly kind: "tick" }
  | { readonly kind: "renewed"; readonly lease: Lease; readonly sentAt: number }
  | { readonly kind: "failed"; readonly message: string }
  /** The lease, read after its renewal was rejected with a message; `undefined` if it does not exist. */
  | { readonly kind: "found"; readonly lease: Lease | undefined; readonly message: string };

export type HoldAction =
  | { readonly kind: "wait"; readonly milliseconds: number }
  | { readonly kind: "renew"; readonly lease: Lease; readonly content: LeaseContent }
  | { readonly kind: "lost"; readonly loss: LeaseLoss };

/** @param lease the lease as the run wrote it, by its own clock. */
export function startHolding(lease: Lease): Holding {
  return { lease, renewedAt: lease.renewedAt?.getTime() ?? 0, failure: undefined, loss: undefined };
}

/**
 * Returns the new state of a run that holds a lease, and what to do. The run relies on its lease for a
 * shorter time after the last renewal than others leave it alone.
 *
 * @param now milliseconds since the epoch, by the clock of this run.
 */
export function advanceHolding(
  holding: Holding,
  observation: HoldObservation,
  now: number,
): readonly [Holding, HoldAction] {
  if (holding.loss !== undefined) return [holding, { kind: "lost", loss: holding.loss }];
  const next = observed(holding, observation, now);
  const { lease, renewedAt, failure } = next;
  const loss = next.loss ?? lossByTime(next, now);
  if (loss !== undefined)
    return [
      { ...next, loss },
      { kind: "lost", loss },
    ];
  // Another version of the lease is renewed at once, unless that is what has just failed.
  const isAnother = observation.kind === "found" && holding.failure === undefined;
  const later = failure === undefined ? renewedAt + RENEW_PERIOD : failure.at + RETRY_PERIOD;
  const due = isAnother ? now : later;
  const wait = Math.min(due, renewedAt + RENEW_DEADLINE) - now;
  // A clock that was set back must not delay the next renewal.
  if (wait > 0 && wait <= RENEW_PERIOD) return [next, { kind: "wait", milliseconds: wait }];
  const { holder, acquiredAt, transitions } = lease;
  const content = heldContent(holder, acquiredAt?.getTime() ?? now, now, transitions);
  return [next, { kind: "renew", lease, content }];
}

function observed(holding: Holding, observation: HoldObservation, now: number): Holding {
  switch (observation.kind) {
    case "tick":
      return holding;
    case "renewed": {
      const { lease, sentAt } = observation;
      return { lease, renewedAt: sentAt, failure: undefined, loss: undefined };
    }
    case "failed":
      return { ...holding, failure: { at: now, message: observation.message } };
    case "found": {
      const { lease, message } = observation;
      if (lease === undefined || lease.holder === "") {
        return { ...holding, loss: { kind: "removed" } };
      }
      const isOwn = lease.holder === holding.lease.holder && lease.uid === holding.lease.uid;
      if (!isOwn) return { ...holding, loss: { kind: "taken", lease } };
      return { ...holding, lease, failure: { at: now, message } };
    }
  }
}

function lossByTime({ renewedAt, failure }: Holding, now: number): LeaseLoss | undefined {
  if (now - renewedAt < RENEW_DEADLINE) return undefined;
  return { kind: "not-renewed", message: failure?.message };
}

/** Returns the content of a lease that its holder gives back, as client-go writes it. */
export function releasedContent({ transitions }: LeaseContent, now: number): LeaseContent {
  return { ...heldContent("", now, now, transitions), duration: 1000 };
}
