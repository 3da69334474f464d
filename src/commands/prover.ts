import { kubectl } from "../next-step.ts";
import pLimit from "p-limit";
import { ApiError } from "../http/api-error.ts";
import type { Api } from "../http/api.ts";
import type { V1Pod } from "@kubernetes/client-node";
import {
  type CreatedPod,
  dryRunInjection,
  dryRunPod,
  type ProvableWorkload,
} from "../cluster/dry-run.ts";
import { gapOf } from "../cluster/gaps.ts";
import { canI } from "../cluster/write.ts";
import { listing } from "../wording.ts";
import type { PROVES } from "../settings.ts";
import {
  compareText,
  type DryRun,
  type Gap,
  type Workload,
  type WorkloadRef,
} from "../snapshot.ts";

/** Proves by a dry run which sidecar new pods of a workload get. */
export interface Prover {
  readonly when: (typeof PROVES)[number];
  /** @param options.quiet true to add neither a note nor a gap if the proof is unavailable. */
  prove(
    workload: ProvableWorkload & Pick<Workload, "pods">,
    options?: { readonly quiet: boolean },
  ): Promise<DryRun>;
  /** Has the API server create one pod without persisting it. */
  create(workload: WorkloadRef, pod: V1Pod): Promise<CreatedPod>;
  /** Notes for the user about workloads that were not proved, once for all of them. */
  notes(): readonly string[];
  /** Gaps where proof was required but not possible, one for each namespace. */
  gaps(): readonly Gap[];
}

/** More simultaneous dry runs are not faster: istiod limits the rate. */
const CONCURRENCY = 8;
const MOST_NAMED = 3;

export function createProver(api: Api, when: Prover["when"]): Prover {
  const limit = pLimit(CONCURRENCY);
  /** The namespaces without proof, by the reason. */
  const unproved = new Map<string, Set<string>>();
  const answers = new Map<string | undefined, Promise<boolean>>();
  /** The gap of the last attempt, by workload uid. */
  const gaps = new Map<string, Gap>();

  function mayCreate(namespace: string | undefined): Promise<boolean> {
    const known = answers.get(namespace);
    if (known) return known;
    const asked = canI(api, { verb: "create", group: "", resource: "pods", namespace });
    answers.set(namespace, asked);
    // A later attempt may get an answer.
    asked.catch(() => answers.delete(namespace));
    return asked;
  }

  /** Asks for a dry run, if the user is allowed to create pods. */
  async function permitted<Answer>(
    namespace: string,
    dryRun: () => Promise<Answer>,
  ): Promise<Answer | Unavailable> {
    try {
      const may = (await mayCreate(undefined)) || (await mayCreate(namespace));
      return may ? await dryRun() : MAY_NOT;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const message = `could not check the permission to create pods: ${error.message}`;
      return { kind: "unavailable", message, unanswered: error };
    }
  }

  function ask(workload: ProvableWorkload & Pick<Workload, "pods">): Promise<DryRun> {
    const sample = workload.pods[0]?.podNames[0];
    return permitted(workload.namespace, () => dryRunInjection(api, workload, sample));
  }

  return {
    when,
    prove: (workload, { quiet } = { quiet: false }) =>
      limit(async () => {
        const answer = await ask(workload);
        if (quiet) return answer;
        gaps.delete(workload.uid);
        if (answer.kind === "unavailable") {
          const places = unproved.get(answer.message) ?? new Set();
          unproved.set(answer.message, places.add(workload.namespace));
          const gap = when === "always" && gapIn(workload.namespace, answer);
          if (gap) gaps.set(workload.uid, gap);
        }
        return answer;
      }),
    create: (workload, pod) =>
      limit(() => permitted(workload.namespace, () => dryRunPod(api, workload, pod))),
    notes: () =>
      [...unproved].sort(byKey).map(([reason, places]) => {
        const where = listing([...places].sort().slice(0, MOST_NAMED), places.size);
        return `not proved by a dry run in ${where}: ${reason}; these verdicts are predicted`;
      }),
    gaps: () => {
      // The answers arrive in any order, but a report must not depend on it.
      const keyed = [...gaps.values()].map(
        (gap) => [`${gap.namespace} ${gap.message}`, gap] as const,
      );
      const sorted = keyed.sort(byKey).map(([, gap]) => [gap.namespace, gap] as const);
      return [...new Map(sorted).values()];
    },
  };
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return compareText(a, b);
}

type Unavailable = DryRun & { readonly kind: "unavailable" };

const MAY_NOT = { kind: "unavailable", message: "you may not create pods" } as const;

/**
 * Returns the gap of a proof that was required and not given. There is none for a workload that no
 * dry run can prove: its prediction counts.
 */
export function gapIn(namespace: string, answer: Unavailable): Gap | undefined {
  const { message, unanswered } = answer;
  const access = { verb: "create", resource: "pods", namespace } as const;
  if (unanswered instanceof ApiError) return gapOf(access, unanswered);
  if (answer !== MAY_NOT) return undefined;
  const hint = kubectl("auth", "can-i", "create", "pods", "-n", namespace);
  return { ...access, reason: "forbidden", message, hint };
}
