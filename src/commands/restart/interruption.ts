import type { Io } from "../../io.ts";
import { rolloutCommand } from "../../kubernetes/kinds.ts";
import { type Ending, ended } from "../../rollout/result.ts";
import type { WorkloadRef } from "../../snapshot.ts";

export type SignalName = Parameters<Parameters<Io["onSignal"]>[0]>[0];

/** The value that the work returned, or the signal that came before the work was done. */
export type UntilSignal<Value> =
  | { readonly kind: "done"; readonly value: Value }
  | { readonly kind: "signal"; readonly signal: SignalName };

/**
 * Runs work until it is done or a signal comes, whichever is first. After a signal the work
 * continues in the background, so it must be harmless; its own abort signal asks it to end.
 */
export async function runUntilSignal<Value>(
  io: Pick<Io, "onSignal">,
  work: (abort: AbortSignal) => Promise<Value>,
): Promise<UntilSignal<Value>> {
  const abort = new AbortController();
  let unsubscribe = () => {};
  const signalled = new Promise<UntilSignal<Value>>((resolve) => {
    unsubscribe = io.onSignal((signal) => {
      abort.abort();
      resolve({ kind: "signal", signal });
    });
  });
  try {
    const done = work(abort.signal).then((value) => ({ kind: "done" as const, value }));
    return await Promise.race([signalled, done]);
  } finally {
    unsubscribe();
  }
}

/** Milliseconds that a request may still take after an abort. */
const GRACE = 1000;

/**
 * Resolves a moment after an abort, with the ending of a workload whose own loop has not ended by
 * then: an API server that does not answer must not delay the report.
 *
 * @param mayBeRolling true if the restart was sent.
 */
export async function endAfterAbort(
  io: Pick<Io, "sleep">,
  ref: WorkloadRef,
  abort: AbortSignal,
  mayBeRolling: () => boolean,
): Promise<Ending> {
  if (!abort.aborted) {
    await new Promise((resolve) => abort.addEventListener("abort", resolve, { once: true }));
  }
  await io.sleep(GRACE);
  return mayBeRolling()
    ? ended(
        "timed-out",
        "interrupted",
        "may still be rolling: the API server did not answer",
        rolloutCommand("status", ref),
      )
    : ended("not-started", "interrupted", "the run was interrupted");
}
