import { ApiError } from "../../http/api-error.ts";
import type { Api } from "../../http/api.ts";
import type { Io } from "../../io.ts";
import { listPath } from "../../kubernetes/api-paths.ts";
import { isRestartable } from "../../kubernetes/kinds.ts";
import type { WorkloadRef } from "../../snapshot.ts";

/** Watches the workloads of a run, as far as the API server allows it. Reports no error. */
export interface Watches {
  /** Watches one workload until the signal fires. */
  keepOpen(ref: WorkloadRef, listener: WorkloadListener, signal: AbortSignal): void;
}

export interface WorkloadListener {
  /** The workload may have changed. The first event comes as soon as the watch is open. */
  readonly onEvent: () => void;
  /** The watch has ended: from now on, changes are not noticed. */
  readonly onClose: () => void;
}

/** The statuses that another attempt would get, too: forbidden, or not supported by a proxy. */
const FINAL: ReadonlySet<number> = new Set([400, 403, 404, 405, 406, 501]);
/** The milliseconds until a watch that has ended is opened again. Doubles if it ends too soon. */
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 60_000;
/** A watch that ends sooner, in milliseconds, was not ended by the time limit of the API server. */
const TOO_SOON = 30_000;

export function createWatches(api: Pick<Api, "watch">, io: Pick<Io, "now" | "sleep">): Watches {
  /** The lists that cannot be watched. */
  const rejected = new Set<string>();

  async function reopen(
    ref: WorkloadRef,
    listener: WorkloadListener,
    signal: AbortSignal,
  ): Promise<void> {
    const { watch } = api;
    if (watch === undefined || !isRestartable(ref.kind)) return;
    const path = listPath(ref.kind, ref.namespace);
    const request = { path, fieldSelector: `metadata.name=${ref.name}` };
    let pause = FIRST_PAUSE;
    while (!signal.aborted && !rejected.has(path)) {
      const start = io.now().getTime();
      const error = await watch(request, listener.onEvent, signal).catch(
        (reason: unknown) => reason,
      );
      if (signal.aborted) return;
      listener.onClose();
      if (error instanceof ApiError && FINAL.has(error.status)) rejected.add(path);
      if (io.now().getTime() - start > TOO_SOON) pause = FIRST_PAUSE;
      await io.sleep(pause, signal);
      pause = Math.min(2 * pause, LONGEST_PAUSE);
    }
  }

  return {
    keepOpen: (ref, listener, signal) => {
      void reopen(ref, listener, signal);
    },
  };
}
