import type { ClusterDigest } from "../../report/packed-cluster.ts";
import type { Progress } from "../../report/progress-event.ts";
import { listing } from "../../wording.ts";

/** The progress of a run about several clusters. */
export interface FleetProgress {
  /** Returns the progress of one cluster, which the run is going to read now. */
  of(cluster: string): Progress;
  /** Shows that a cluster is finished. */
  finish(cluster: string, digest: ClusterDigest): void;
}

/** The number of clusters that are named while they are read. */
const MOST_NAMED = 3;

/** @param total the number of clusters. */
export function createFleetProgress(shown: Progress, total: number): FleetProgress {
  const reading = new Set<string>();
  let done = 0;

  function showReading(): void {
    if (reading.size === 0) return;
    const names = listing([...reading].slice(0, MOST_NAMED), reading.size);
    shown.emit({ type: "reading", what: `${names} (${done} of ${total} clusters done)` });
  }

  return {
    of: (cluster) => {
      reading.add(cluster);
      showReading();
      return {
        emit: (event) => {
          // All clusters that are read are shown together.
          if (event.type !== "reading") shown.emit({ ...event, cluster });
        },
        // Other clusters still use the terminal.
        stop: () => undefined,
        pause: () => shown.pause(),
      };
    },
    finish: (cluster, { exitCode, result, message }) => {
      reading.delete(cluster);
      done += 1;
      const text = message === "" ? result : `${result}, ${message}`;
      shown.emit({ type: "cluster-read", cluster, exitCode, message: text, done, of: total });
      showReading();
    },
  };
}
