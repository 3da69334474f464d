import type { DryRun, Workload } from "../snapshot.ts";
import type { Prover } from "./prover.ts";

/** Dry runs whose answers hold for several workloads. */
export interface SharedProofs {
  /** Returns the answer for a key. Asks for it if no workload has got one yet. */
  prove(key: string, workload: Workload): Promise<SharedAnswer>;
}

export interface SharedAnswer {
  readonly dryRun: DryRun;
  /** True if the dry run was one of this workload itself. */
  readonly own: boolean;
}

/** A workload may be rejected for a reason of its own, so others with the same key are tried. */
const MOST_TRIES = 3;

interface Shared {
  tries: number;
  last: Promise<DryRun | undefined>;
}

const FAILED: DryRun = { kind: "unavailable", message: "a dry run of a similar pod failed" };

/** Creates the shared proofs of one read of the cluster: a later read may get other answers. */
export function createSharedProofs(prover: Pick<Prover, "prove">): SharedProofs {
  const proofs = new Map<string, Shared>();
  return {
    async prove(key, workload) {
      const shared = proofs.get(key) ?? { tries: 0, last: Promise.resolve(undefined) };
      proofs.set(key, shared);
      let own = false;
      const answer = shared.last.then((before) => {
        if (before !== undefined && (before.kind === "pod" || shared.tries >= MOST_TRIES)) {
          return before;
        }
        own = true;
        shared.tries += 1;
        return prover.prove(workload, { quiet: true });
      });
      // An error is one of this workload alone.
      shared.last = answer.catch(() => FAILED);
      const dryRun = await answer;
      return { dryRun: own ? dryRun : forOthers(dryRun), own };
    },
  };
}

/** The answer of one workload for the others. A rejection says nothing about other pods. */
function forOthers(dryRun: DryRun): DryRun {
  return dryRun.kind === "refused"
    ? { kind: "unavailable", message: `a dry run of a similar pod is rejected: ${dryRun.message}` }
    : dryRun;
}
