import {
  argoRollout,
  daemonSet,
  deployment,
  type Manifest,
  statefulSet,
  type WorkloadOptions,
} from "../support/manifests.ts";
import { POD_BEHAVIOUR, type TestCluster } from "../support/test-cluster.ts";
import type { Workload } from "./world.ts";

/** A workload of a world in the cluster. */
export interface CreatedWorkload {
  readonly namespace: string;
  readonly name: string;
  readonly spec: Workload;
}

export function namespacesOf(workloads: readonly CreatedWorkload[]): readonly string[] {
  return [...new Set(workloads.map((one) => one.namespace))];
}

export async function createWorkload(cluster: TestCluster, one: CreatedWorkload): Promise<void> {
  await post(cluster, listPath(one), manifestOf(one));
}

export function objectPath(one: CreatedWorkload): string {
  return `${listPath(one)}/${one.name}`;
}

function listPath({ namespace: place, spec: { kind } }: CreatedWorkload): string {
  const group = kind === "Rollout" ? "argoproj.io/v1alpha1" : "apps/v1";
  return `/apis/${group}/namespaces/${place}/${kind.toLowerCase()}s`;
}

/** The label and its value by which a run with a selector selects workloads. */
export const WAVE = ["wave", "one"] as const;

function manifestOf({ name, spec }: CreatedWorkload): Manifest {
  const { kind, replicas, readyAfter, drain, failRestarted } = spec;
  const annotations = {
    ...(readyAfter !== undefined && { [POD_BEHAVIOUR.readyAfter]: `${readyAfter}s` }),
    ...(drain !== undefined && { [POD_BEHAVIOUR.drain]: `${drain}s` }),
    ...(failRestarted !== undefined && { [POD_BEHAVIOUR.failRestarted]: failRestarted }),
  };
  const options: WorkloadOptions = { replicas, annotations, spec: strategyOf(spec) };
  const manifest = BUILDERS[kind](name, options);
  return { ...manifest, metadata: { name, labels: { [WAVE[0]]: WAVE[1] } } };
}

const BUILDERS = {
  Deployment: deployment,
  StatefulSet: statefulSet,
  DaemonSet: daemonSet,
  Rollout: argoRollout,
} as const;

function strategyOf({ kind, strategy }: Workload): Readonly<Record<string, unknown>> {
  if (kind === "StatefulSet" && strategy === "Parallel") return { podManagementPolicy: strategy };
  if (kind !== "Deployment") return {};
  if (strategy === "Recreate") return { strategy: { type: strategy } };
  const rollingUpdate = { maxSurge: 0, maxUnavailable: 1 };
  return strategy === "NoSurge" ? { strategy: { type: "RollingUpdate", rollingUpdate } } : {};
}

/** Creates an object. Throws if the API server rejects it. */
export async function post(cluster: TestCluster, path: string, body: unknown): Promise<void> {
  const answer = await cluster.request("POST", path, { body });
  if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.body.message}`);
}
