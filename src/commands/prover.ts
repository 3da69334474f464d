import pLimit from "p-limit";
import type { Api } from "../cluster/api.ts";
import { dryRunInjection } from "../cluster/dry-run.ts";
import { mayI } from "../cluster/write.ts";
import type { DryRun } from "../mesh/proof.ts";
import type { PROVES } from "../settings.ts";
import type { WorkloadRef } from "../snapshot.ts";

/** Asks the API server what a restart would give, where the settings want it and the user may. */
export interface Prover {
  readonly when: (typeof PROVES)[number];
  prove(ref: WorkloadRef): Promise<DryRun>;
  /** What to tell the user about proof, once for all workloads. */
  notes(): readonly string[];
}

/** More at a time bought nothing: istiod is the bound. */
const AT_A_TIME = 8;

export function openProver(api: Api, when: Prover["when"]): Prover {
  const limit = pLimit(AT_A_TIME);
  const denied = new Set<string>();
  const answers = new Map<string | undefined, Promise<boolean>>();

  function mayCreate(namespace: string | undefined): Promise<boolean> {
    const known = answers.get(namespace);
    if (known) return known;
    const asked = mayI(api, { verb: "create", group: "", resource: "pods", namespace });
    answers.set(namespace, asked);
    return asked;
  }

  return {
    when,
    prove: (ref) =>
      limit(async () => {
        if (!(await mayCreate(undefined)) && !(await mayCreate(ref.namespace))) {
          denied.add(ref.namespace);
          return { kind: "unavailable", message: "you may not create pods" };
        }
        return dryRunInjection(api, ref);
      }),
    notes: () => {
      if (denied.size === 0) return [];
      const places = [...denied].sort().slice(0, 3).join(", ");
      const more = denied.size > 3 ? ` and ${denied.size - 3} more` : "";
      return [
        `not proved by a dry run, for you may not create pods in ${places}${more}: what is said of them is predicted`,
      ];
    },
  };
}
