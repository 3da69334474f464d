import type { Io } from "../../io.ts";

export type SignalName = Parameters<Parameters<Io["onSignal"]>[0]>[0];

/** Either what work came to, or the signal that came first. */
export type UntilSignal<Value> = { readonly value: Value } | { readonly signal: SignalName };

/**
 * Runs work until it is done or a signal comes, whichever is first. Work that was overtaken is
 * asked to end by its own signal; what it still does must do no harm.
 */
export async function untilSignal<Value>(
  io: Pick<Io, "onSignal">,
  work: (overtaken: AbortSignal) => Promise<Value>,
): Promise<UntilSignal<Value>> {
  const overtaken = new AbortController();
  let unsubscribe = () => {};
  const signalled = new Promise<UntilSignal<Value>>((resolve) => {
    unsubscribe = io.onSignal((signal) => {
      overtaken.abort();
      resolve({ signal });
    });
  });
  try {
    const done = work(overtaken.signal).then((value) => ({ value }));
    return await Promise.race([signalled, done]);
  } finally {
    unsubscribe();
  }
}
