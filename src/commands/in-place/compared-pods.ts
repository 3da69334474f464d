import type { V1ObjectMeta, V1Pod } from "@kubernetes/client-node";
import { readQuestionOf } from "../../cluster/pod-question.ts";
import { uninjectedPod } from "../../cluster/uninjected-pod.ts";
import { type Fields, fieldsIn, laterKeys } from "../../mesh/comparable-pod.ts";
import { type Drift, driftOf } from "../../mesh/drift.ts";
import type { Mesh } from "../../mesh/mesh.ts";
import { mayCallOthers } from "../../mesh/other-webhooks.ts";
import type { Namespace, WorkloadRef } from "../../snapshot.ts";
import type { Session } from "../session.ts";

/** Finds the differences between a live pod and the pod that injection would give in its place. */
export type PodComparison = (
  workload: WorkloadRef,
  live: V1Pod,
) => Promise<readonly Drift[] | undefined>;

/**
 * Variables that injection derives from the name of a pod without a controller. The API server allows no
 * second pod with its name, not even in a dry run.
 */
const OF_NAME = /\.env\[ISTIO_META_(?:OWNER|WORKLOAD_NAME)\]$/;

/** A webhook may write the time in whole seconds. */
const BETWEEN_DRY_RUNS = 1100;

/**
 * Creates a comparison, which asks the API server for a dry run. The pods of one ReplicaSet share it. A
 * pod without a template of its own is compared as it was before injection.
 */
export function createPodComparison(
  { api, io, prover }: Pick<Session, "api" | "io" | "prover">,
  namespace: Namespace | undefined,
  mesh: Mesh,
): PodComparison {
  const answers = new Map<string, Promise<V1Pod | undefined>>();

  /** Returns the answer to a question; `undefined` if there is none. */
  function ask(workload: WorkloadRef, asked: V1Pod, time: 1 | 2): Promise<V1Pod | undefined> {
    const key = `${time} ${JSON.stringify(asked)}`;
    const known = answers.get(key);
    if (known !== undefined) return known;
    const answer = prover
      .create(workload, asked)
      .then((created) => (created.kind === "created" ? created.pod : undefined));
    answers.set(key, answer);
    return answer;
  }

  return async (workload, live) => {
    const question = await readQuestionOf(api, live);
    if (question.kind === "gone" || question.kind === "unread") return undefined;
    const isSample = question.kind === "no-template";
    const asked = isSample ? withoutLaterKeys(live) : question.asked;
    const answer = await ask(workload, asked, 1);
    if (answer === undefined) return undefined;
    const compare = (second?: V1Pod) =>
      driftOf({
        live: fieldsOf(live),
        asked: fieldsOf(asked),
        answer: fieldsOf(answer),
        second: second && fieldsOf(second),
      }).filter(({ path }) => !isSample || !OF_NAME.test(path));
    const drift = compare();
    const labels = [asked, answer].map(({ metadata }) => metadata?.labels ?? {});
    const isForeign = drift.some(({ what }) => what !== "proxy-image");
    if (!isForeign || !mayCallOthers(mesh, namespace, labels)) return drift;
    await io.sleep(BETWEEN_DRY_RUNS);
    const second = await ask(workload, asked, 2);
    return second && compare(second);
  };
}

/** Returns a pod as it was created, before injection and before others added labels and annotations. */
function withoutLaterKeys(live: V1Pod): V1Pod {
  const pod = uninjectedPod(live);
  const metadata: V1ObjectMeta = pod.metadata ?? {};
  const later = laterKeys(fieldsIn(fieldsOf(live), "metadata"));
  const kept = (values: Readonly<Record<string, string>> = {}, added: ReadonlySet<string>) =>
    Object.fromEntries(Object.entries(values).filter(([key]) => !added.has(key)));
  metadata.labels = kept(metadata.labels, later.labels);
  metadata.annotations = kept(metadata.annotations, later.annotations);
  pod.metadata = metadata;
  return pod;
}

function fieldsOf(pod: V1Pod): Fields {
  return pod as unknown as Fields;
}
