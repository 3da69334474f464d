import { setTimeout as sleep } from "node:timers/promises";
import { POD_BEHAVIOUR, type TestCluster } from "../support/test-cluster.ts";
import type { ControlPlane } from "./created-world.ts";
import { type CreatedWorkload, createWorkload, objectPath, WAVE } from "./created-workload.ts";
import { observeWorkloads } from "./observed-workload.ts";
import { type Change, REVISIONS, TAG, WIDE_CHANGES } from "./world.ts";

/** A change that was made. */
export interface MadeChange {
  readonly kind: Change["kind"];
  /** The namespace that it is about; absent for a change of the control plane. */
  readonly namespace?: string;
  /** The workload that it is about; absent for a change of a namespace. */
  readonly name?: string;
  /** The time of the first request, and of the last answer, in milliseconds since the epoch. */
  readonly begun: number;
  readonly ended: number;
}

/** Makes all changes at their times, until the signal fires. */
export async function makeChanges(
  cluster: TestCluster,
  controlPlane: ControlPlane,
  workloads: readonly CreatedWorkload[],
  changes: readonly Change[],
  stop: AbortSignal,
): Promise<readonly MadeChange[]> {
  const start = Date.now();
  const made: MadeChange[] = [];
  for (const change of changes) {
    const pause = Math.max(0, start + change.at - Date.now());
    await sleep(pause, undefined, { signal: stop }).catch(() => undefined);
    if (stop.aborted) break;
    const subject = workloads[change.workload % workloads.length];
    if (subject === undefined) break;
    const begun = Date.now();
    await make(cluster, controlPlane, subject, change);
    made.push({ kind: change.kind, ...subjectOf(change, subject), begun, ended: Date.now() });
  }
  return made;
}

/** The part of the cluster that a change is about. */
function subjectOf({ kind }: Change, { namespace, name }: CreatedWorkload) {
  if (kind === "move-image" || kind === "move-tag") return {};
  return (WIDE_CHANGES as readonly string[]).includes(kind) ? { namespace } : { namespace, name };
}

async function make(
  cluster: TestCluster,
  controlPlane: ControlPlane,
  subject: CreatedWorkload,
  { kind, value }: Change,
): Promise<void> {
  const { namespace, spec } = subject;
  const path = objectPath(subject);
  const merge = async (target: string, body: unknown) => {
    const contentType = "application/merge-patch+json";
    await cluster.request("PATCH", `${target}?fieldManager=team`, { body, contentType });
  };
  const annotate = (annotations: Readonly<Record<string, string | null>>) =>
    merge(path, { spec: { template: { metadata: { annotations } } } });
  const inject = (label: string | null) =>
    merge(path, { spec: { template: { metadata: { labels: { [INJECT]: label } } } } });
  const labelNamespace = (label: string | null) =>
    merge(`/api/v1/namespaces/${namespace}`, { metadata: { labels: { "istio.io/rev": label } } });
  const revision = REVISIONS[value % REVISIONS.length] ?? REVISIONS[0];
  switch (kind) {
    case "scale":
      if (spec.kind === "DaemonSet") return;
      return merge(path, { spec: { replicas: value % (MOST_REPLICAS + 1) } });
    case "pause":
    case "resume":
      if (spec.kind !== "Deployment" && spec.kind !== "Rollout") return;
      return merge(path, { spec: { paused: kind === "pause" } });
    case "deploy":
      return annotate({ "example.com/build": String(value) });
    case "break":
      return annotate({ [POD_BEHAVIOUR.fail]: FAILURES[value % FAILURES.length] ?? "Unready" });
    case "repair":
      return annotate({ [POD_BEHAVIOUR.fail]: null, [POD_BEHAVIOUR.failRestarted]: null });
    case "delete":
      return void (await cluster.request("DELETE", path));
    case "recreate":
      await cluster.request("DELETE", path);
      // Somebody else may have created it in the meantime.
      return createWorkload(cluster, subject).catch(() => undefined);
    case "relabel":
      return merge(path, {
        metadata: { labels: { [WAVE[0]]: value % 2 === 0 ? "two" : WAVE[1] } },
      });
    case "undo":
      return spec.kind === "Rollout"
        ? merge(path, { spec: { restartAt: null } })
        : annotate({ [RESTARTED_AT]: null });
    case "restart": {
      const at = new Date().toISOString().replace(/\.\d+/, "");
      return spec.kind === "Rollout"
        ? merge(path, { spec: { restartAt: at } })
        : annotate({ [RESTARTED_AT]: at });
    }
    case "kill-pods":
      return killPods(cluster, subject, value);
    case "opt-out":
      return inject("false");
    case "opt-in":
      return inject(null);
    case "on-delete":
      if (spec.kind !== "StatefulSet" && spec.kind !== "DaemonSet") return;
      return merge(path, { spec: { updateStrategy: { type: "OnDelete", rollingUpdate: null } } });
    case "move-image":
      return controlPlane.moveImage(revision);
    case "move-tag":
      return cluster.setTag(TAG, revision);
    case "move-namespace":
      return labelNamespace(revision);
    case "leave-mesh":
      return labelNamespace(null);
  }
}

/** The highest number of replicas that a change sets. */
export const MOST_REPLICAS = 4;

const INJECT = "sidecar.istio.io/inject";
const RESTARTED_AT = "kubectl.kubernetes.io/restartedAt";
const FAILURES = ["CrashLoopBackOff", "ErrImagePull", "Unready", "Stumble"] as const;

/** Kills one pod, or all pods if the value is even. */
async function killPods(
  cluster: TestCluster,
  subject: CreatedWorkload,
  value: number,
): Promise<void> {
  const [found] = await observeWorkloads(cluster, [subject]);
  const pods = found?.pods ?? [];
  const killed = value % 2 === 0 ? pods : pods.slice(0, 1);
  for (const { name } of killed) {
    await cluster.request("DELETE", `/api/v1/namespaces/${subject.namespace}/pods/${name}`);
  }
}
