import type { Io } from "../../io.ts";
import type { AbortCause } from "../../rollout/stop.ts";

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
 * Resolves a moment after an abort. A loop that has not ended by then must not delay the report, because
 * the API server may not answer.
 */
export async function aborted(io: Pick<Io, "sleep">, abort: AbortSignal): Promise<void> {
  if (!abort.aborted) {
    await new Promise((resolve) => abort.addEventListener("abort", resolve, { once: true }));
  }
  await io.sleep(GRACE);
}

/** Returns the cause of an abort. A run aborts with no other reason. */
export function causeOf({ reason }: AbortSignal): AbortCause {
  return reason as AbortCause;
}
