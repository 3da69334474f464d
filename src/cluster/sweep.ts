import { ApiError } from "../http/api-error.ts";

/**
 * Lets lists that are read side by side go on namespace by namespace, so that nothing has to be kept
 * of a namespace that all of them have left.
 */
export interface Sweep {
  /**
   * A list has come to a namespace: resolves when the others have left all that come before.
   *
   * @throws ApiError where they have left this one too.
   */
  enter(namespace: string): Promise<void>;
  /** A list has come to its end, or cannot go on: the last one to leave closes the last namespace. */
  leave(): Promise<void>;
}

/**
 * Lists come in the order of their keys, `namespace/name` byte by byte: a `continue` token is the
 * key to go on from, so that no other order could be paged.
 * Source: k8s.io/apiserver `pkg/storage/continue.go`.
 *
 * @param lists how many take part.
 * @param close called after each namespace, before the next is entered. What it throws ends the
 *   sweep: every `enter` and `leave` throws it from then on.
 */
export function openSweep(lists: number, close: (namespace: string) => Promise<void>): Sweep {
  let reading = lists;
  let current: string | undefined;
  let ended: Promise<never> | undefined;
  const waiting = new Map<string, (() => void)[]>();

  async function goOn(): Promise<void> {
    if (reading > 0 || ended !== undefined) return;
    if (current !== undefined) await close(current);
    [current] = [...waiting.keys()].sort(byKey);
    if (current === undefined) return;
    const lanes = waiting.get(current) ?? [];
    waiting.delete(current);
    reading = lanes.length;
    for (const go of lanes) go();
  }

  /** One list fewer is reading. */
  async function pause(): Promise<void> {
    reading -= 1;
    try {
      await goOn();
    } catch (error) {
      ended = Promise.reject(error);
      for (const go of [...waiting.values()].flat()) go();
    }
    await ended;
  }

  return {
    enter: async (namespace) => {
      if (current !== undefined && byKey(namespace, current) <= 0) {
        throw new ApiError(`a list came to ${namespace} after ${current}, out of order`, {
          status: 0,
          reason: "malformed",
        });
      }
      const entered = new Promise<void>((go) => {
        waiting.set(namespace, [...(waiting.get(namespace) ?? []), go]);
      });
      await pause();
      await entered;
      await ended;
    },
    leave: pause,
  };
}

function byKey(a: string, b: string): number {
  const [one, other] = [`${a}/`, `${b}/`];
  return one < other ? -1 : Number(one > other);
}
