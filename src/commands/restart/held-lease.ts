import { readLease } from "../../cluster/leases.ts";
import { sendLease } from "../../cluster/write.ts";
import { messageOf } from "../../errors.ts";
import { ApiError } from "../../http/api-error.ts";
import { type Lease, type LeaseContent, leaseName, type LeasePlace } from "../../lease.ts";
import { writeStacks } from "../../report/error-stack.ts";
import {
  advanceHolding,
  type HoldAction,
  type HoldObservation,
  type LeaseLoss,
  releasedContent,
  RENEW_DEADLINE,
  startHolding,
} from "../../rollout/lease.ts";
import { lossText } from "../../rollout/lease-ending.ts";
import type { Session } from "../session.ts";

/** A lease that a run has taken. */
export interface HeldLease {
  readonly place: LeasePlace;
  /** The name of the run, as the lease has it. */
  readonly holder: string;
  /** Returns how the lease was lost; `undefined` if the run certainly holds it at this moment. */
  loss(): LeaseLoss | undefined;
  /**
   * Watches the lease.
   *
   * @param onLoss gets the reason, once. If the lease is lost already, it is called at once.
   * @returns a function that ends the watch.
   */
  watch(onLoss: (message: string) => void): () => void;
  /** Ends the renewals, and gives the lease back, once, if this run still holds it. Never rejects. */
  release(): Promise<void>;
}

/** The milliseconds in which a lease is given back. Otherwise it expires. */
const RELEASE_TIMEOUT = 2000;

const TICK = { kind: "tick" } as const;

/**
 * Renews a lease until it is released or lost.
 *
 * @param taken the lease as the run wrote it.
 */
export function holdLease(
  { api, io, progress }: Pick<Session, "api" | "io" | "progress">,
  place: LeasePlace,
  taken: Lease,
): HeldLease {
  const over = new AbortController();
  const listeners = new Set<(message: string) => void>();
  let pending: Promise<unknown> = Promise.resolve();
  let released: Promise<void> | undefined;
  let holding = startHolding(taken);

  function advance(observation: HoldObservation): HoldAction {
    const { loss: before } = holding;
    const [next, action] = advanceHolding(holding, observation, io.now().getTime());
    holding = next;
    if (before === undefined && next.loss !== undefined) {
      for (const listener of listeners) listener(textOf(next.loss));
    }
    return action;
  }

  function textOf(loss: LeaseLoss): string {
    return lossText(place, loss, io.now().getTime());
  }

  async function keepRenewing(): Promise<void> {
    let action = advance(TICK);
    while (action.kind !== "lost" && !over.signal.aborted) {
      if (action.kind === "wait") {
        await io.sleep(action.milliseconds, over.signal);
        action = advance(TICK);
      } else {
        const renewal = renew(action.lease, action.content);
        pending = renewal;
        action = advance(await inTime(renewal));
      }
    }
  }

  /** Waits for a renewal as long as it is of use: the API server may not answer. */
  async function inTime(renewal: Promise<HoldObservation>): Promise<HoldObservation> {
    const answered = new AbortController();
    const left = holding.renewedAt + RENEW_DEADLINE - io.now().getTime();
    const late = io.sleep(Math.max(0, left), AbortSignal.any([over.signal, answered.signal]));
    const observation = await Promise.race([renewal, late.then(() => TICK)]);
    answered.abort();
    return observation;
  }

  async function renew(lease: Lease, content: LeaseContent): Promise<HoldObservation> {
    const startedAt = io.now().getTime();
    try {
      const renewed = await sendLease(api, place, lease, content);
      return { kind: "renewed", lease: renewed, sentAt: startedAt };
    } catch (error) {
      const message = messageOf(error);
      if (!hasChanged(error)) return { kind: "failed", message };
      return readLease(api, place).then(
        (found) => ({ kind: "found", lease: found, message }),
        (failure: unknown) => ({ kind: "failed", message: messageOf(failure) }),
      );
    }
  }

  async function giveBack(): Promise<void> {
    // Its answer has the version that can be changed.
    await pending;
    try {
      const found = await readLease(api, place);
      if (found?.holder !== taken.holder) return;
      await sendLease(api, place, found, releasedContent(found, io.now().getTime()));
    } catch (error) {
      const message = `the lease ${leaseName(place)} could not be given back, and expires by itself: ${messageOf(error)}`;
      progress.emit({ type: "notice", message });
    }
  }

  async function release(): Promise<void> {
    over.abort();
    const late = new AbortController();
    await Promise.race([giveBack(), io.sleep(RELEASE_TIMEOUT, late.signal)]);
    late.abort();
  }

  keepRenewing().catch((error: unknown) => writeStacks(error, io));
  return {
    place,
    holder: taken.holder,
    loss: () => {
      advance(TICK);
      return holding.loss;
    },
    watch: (onLoss) => {
      if (holding.loss !== undefined) onLoss(textOf(holding.loss));
      listeners.add(onLoss);
      return () => void listeners.delete(onLoss);
    },
    release: () => (released ??= release()),
  };
}

/** True if the lease is not the one that was to be renewed: another version of it, or another one. */
function hasChanged(error: unknown): boolean {
  return error instanceof ApiError && [404, 409, 422].includes(error.status);
}
