import pLimit from "p-limit";
import type { V1Pod } from "@kubernetes/client-node";
import type { CreatedPod } from "../cluster/dry-run.ts";
import { gapOf } from "../cluster/gaps.ts";
import { type PodQuestion, readPod, readPodQuestion } from "../cluster/pod-question.ts";
import { resourceName } from "../kubernetes/kinds.ts";
import type { Assessment } from "../mesh/assessment.ts";
import type { Fields } from "../mesh/comparable-pod.ts";
import { type Drift, driftOf, mergedDrift } from "../mesh/drift.ts";
import { hasComparedPods } from "../mesh/compared-workload.ts";
import type { Mesh } from "../mesh/mesh.ts";
import { movedTagWarnings } from "../mesh/moved-tag.ts";
import { mayCallOthers } from "../mesh/other-webhooks.ts";
import { hasSidecar } from "../mesh/running-pods.ts";
import type { Warning } from "../mesh/warnings.ts";
import { istioUpgrade } from "../next-step.ts";
import {
  compareText,
  type Gap,
  type Namespace,
  type PodGroup,
  type Workload,
  type WorkloadRef,
} from "../snapshot.ts";
import { count, listing } from "../wording.ts";
import { gapIn } from "./prover.ts";
import type { Session } from "./session.ts";

/** Finds what a restart would change besides the image of the sidecar. */
export interface DriftLookup {
  /** Returns `undefined` if the pods of the workload are not compared, or could not be. */
  of(assessment: Assessment): Promise<ComparedPods | undefined>;
  /** Gaps where pods could not be compared. */
  gaps(): readonly Gap[];
  notes(): readonly string[];
}

/** The result of a comparison of the pods of one workload with new ones. */
export interface ComparedPods {
  readonly drift: readonly Drift[];
  /** Warnings of images that a restart may change, although no dry run shows it. */
  readonly imageWarnings: readonly Warning[];
}

/** The result for the pods with one sidecar. */
interface ComparedGroup {
  readonly drift: readonly Drift[];
  /** Two of the pods, or the only one. */
  readonly pods: readonly Fields[];
}

/** The number of workloads whose pods are in memory. Dry runs have a limit of their own. */
const WORKLOADS_AT_A_TIME = 64;

/** A webhook may write the time in whole seconds. */
const BETWEEN_DRY_RUNS = 1100;

const MOST_NAMED = 3;

/** Creates the lookup for one read of the cluster. */
export function createDriftLookup(
  { api, io, prover, progress }: Pick<Session, "api" | "io" | "prover" | "progress">,
  namespaces: ReadonlyMap<string, Namespace>,
  mesh: Mesh,
): DriftLookup {
  const limit = pLimit(WORKLOADS_AT_A_TIME);
  const gaps = new Map<string, Gap>();
  const withoutTemplate = new Set<string>();
  let [asked, done] = [0, 0];

  function addGap(gap: Gap): undefined {
    gaps.set(`${gap.namespace} ${gap.verb} ${gap.resource} ${gap.message}`, gap);
  }

  /** Returns the answer to a question; `undefined` after a gap. */
  async function answerTo(workload: WorkloadRef, pod: V1Pod): Promise<V1Pod | undefined> {
    const answer = await prover.create(workload, pod);
    return answer.kind === "created" ? answer.pod : addGap(unansweredGap(workload, answer));
  }

  async function ofGroup(workload: Workload, group: PodGroup): Promise<ComparedGroup | undefined> {
    const question = await questionOf(workload, group);
    if (question === undefined) return undefined;
    const answer = await answerTo(workload, question.asked);
    if (answer === undefined) return undefined;
    const pods = [question.live, ...(await another(workload, group, question.live))];
    // The pods of a ReplicaSet are created alike; those of other kinds have a place of their own.
    const alike = pods.filter((pod) => pod === question.live || haveReplicaSet(pod, question.live));
    const compareAll = (second?: V1Pod) =>
      mergedDrift(
        alike.flatMap((pod) =>
          driftOf({
            live: fieldsOf(pod),
            asked: fieldsOf(question.asked),
            answer: fieldsOf(answer),
            second: second && fieldsOf(second),
          }),
        ),
      );
    const drift = compareAll();
    const labels = [question.asked, answer].map(({ metadata }) => metadata?.labels ?? {});
    const isForeign = drift.some(({ what }) => what !== "proxy-image");
    if (!isForeign || !mayCallOthers(mesh, namespaces.get(workload.namespace), labels)) {
      return { drift, pods: pods.map(fieldsOf) };
    }
    await io.sleep(BETWEEN_DRY_RUNS);
    const second = await answerTo(workload, question.asked);
    return second && { drift: compareAll(second), pods: pods.map(fieldsOf) };
  }

  /** Reads another pod of a group, which may be younger, or run other digests of its images. */
  async function another(
    { namespace }: Workload,
    { podNames }: PodGroup,
    first: V1Pod,
  ): Promise<readonly V1Pod[]> {
    const name = podNames.findLast((other) => other !== first.metadata?.name);
    const pod = name === undefined ? undefined : await readPod(api, namespace, name);
    return pod === undefined ? [] : [pod];
  }

  /** Reads the oldest pod of a group, or another one if it is gone. */
  async function questionOf(
    workload: Workload,
    { oldestPod, podNames }: PodGroup,
  ): Promise<PodQuestion | undefined> {
    const { namespace } = workload;
    const names = new Set([...(oldestPod === undefined ? [] : [oldestPod.name]), ...podNames]);
    for (const name of names) {
      const found = await readPodQuestion(api, namespace, name);
      switch (found.kind) {
        case "question":
          return found;
        case "gone":
          continue;
        case "no-template":
          withoutTemplate.add(found.owner);
          return undefined;
        case "unread":
          return addGap(gapOf(found.access, found.error));
      }
    }
    return addGap(goneGap(workload));
  }

  async function compare(workload: Workload): Promise<ComparedPods | undefined> {
    const groups = workload.pods.filter(hasSidecar);
    const found = await Promise.all(groups.map((group) => ofGroup(workload, group)));
    done += 1;
    // One event for each workload would be too many.
    if (done % 10 === 0 || done === asked) {
      progress.emit({
        type: "reading",
        what: `pods to compare: ${done} of ${count(asked, "workload")}`,
      });
    }
    const known = found.filter((group) => group !== undefined);
    if (known.length < found.length) return undefined;
    return {
      drift: mergedDrift(known.flatMap(({ drift }) => drift)),
      imageWarnings: movedTagWarnings(known.flatMap(({ pods }) => pods)),
    };
  }

  return {
    of: async (assessment) => {
      if (!hasComparedPods(assessment)) return undefined;
      asked += 1;
      return limit(() => compare(assessment.workload));
    },
    // The answers arrive in any order, but a report must not depend on it.
    gaps: () => [...gaps].sort(([a], [b]) => compareText(a, b)).map(([, gap]) => gap),
    notes: () => {
      if (withoutTemplate.size === 0) return [];
      const owners = [...withoutTemplate].sort();
      const which = listing(owners.slice(0, MOST_NAMED), owners.length);
      return [`drift is not shown for pods whose template cannot be read (${which})`];
    },
  };
}

/** True if the same ReplicaSet or ReplicationController created two pods. */
function haveReplicaSet(one: V1Pod, other: V1Pod): boolean {
  const [first, second] = [one, other].map(({ metadata }) =>
    metadata?.ownerReferences?.find(({ controller }) => controller),
  );
  return first?.kind.startsWith("Replica") === true && first.uid === second?.uid;
}

function fieldsOf(pod: V1Pod): Fields {
  return pod as unknown as Fields;
}

function unansweredGap(
  workload: WorkloadRef,
  answer: Exclude<CreatedPod, { readonly kind: "created" }>,
): Gap {
  const { namespace } = workload;
  const known = answer.kind === "unavailable" ? gapIn(namespace, answer) : undefined;
  return (
    known ?? {
      verb: "create",
      resource: "pods",
      namespace,
      reason: "refused",
      message: `pods could not be compared with new ones: ${answer.message}`,
      hint: istioUpgrade("explain", resourceName(workload), "--namespace", namespace),
    }
  );
}

function goneGap(workload: WorkloadRef): Gap {
  return {
    verb: "list",
    resource: "pods",
    namespace: workload.namespace,
    reason: "not-read",
    message: `the pods of ${resourceName(workload)} were replaced before they could be compared`,
    hint: "run the command again when its rollout has ended",
  };
}
