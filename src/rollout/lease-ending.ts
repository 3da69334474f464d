import { formatDuration } from "../duration-text.ts";
import { type Lease, leaseName, type LeasePlace } from "../lease.ts";
import { kubectl, sentence } from "../next-step.ts";
import { formatTime } from "../time-text.ts";
import { LEASE_DURATION, type LeaseLoss } from "./lease.ts";
import { type Ending, ended } from "./result.ts";

/** Returns the ending of every workload of a run that did not get its lease. */
export function endingOfHeldLease(place: LeasePlace, lease: Lease, now: number): Ending {
  const look = kubectl("get", "lease", place.name, "--namespace", place.namespace);
  const expiry = formatDuration(lease.duration ?? LEASE_DURATION);
  return ended(
    "not-started",
    "lease-held",
    `the lease ${leaseName(place)} is held by ${heldText(lease, now)}`,
    sentence`wait until that run ends; if it was killed, its lease expires after ${expiry}; see the lease: ${look}`,
  );
}

/** Returns the reason why a run that has lost its lease starts nothing more. */
export function lossText(place: LeasePlace, loss: LeaseLoss, now: number): string {
  const name = `the lease ${leaseName(place)}`;
  switch (loss.kind) {
    case "taken":
      return `${name} is now held by ${heldText(loss.lease, now)}`;
    case "removed":
      return `${name} was deleted, or its holder was removed`;
    case "not-renewed": {
      const why = loss.message === undefined ? "" : `: ${loss.message}`;
      return `${name} could not be renewed in time${why}`;
    }
  }
}

/** Says what a run waits for before it takes a lease that seems to have expired. */
export function observedText(place: LeasePlace, lease: Lease, left: number): string {
  const { holder, renewedAt } = lease;
  const last =
    renewedAt === undefined
      ? "has never renewed it"
      : `last renewed it at ${formatTime(renewedAt)}`;
  return `waiting ${formatDuration(left)} for the lease ${leaseName(place)}: its holder ${holder} ${last}`;
}

function heldText({ holder, acquiredAt, renewedAt }: Lease, now: number): string {
  const since = acquiredAt === undefined ? "" : ` since ${formatTime(acquiredAt)}`;
  if (renewedAt === undefined) return `${holder}${since}`;
  const age = Math.round((now - renewedAt.getTime()) / 1000) * 1000;
  // The clock of the holder may be ahead.
  return `${holder}${since} (renewed ${age <= 0 ? "just now" : `${formatDuration(age)} ago`})`;
}
