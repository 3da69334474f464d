import type { V1CronJob, V1PodTemplateSpec, V1ReplicaSet } from "@kubernetes/client-node";
import { ApiError } from "../http/api-error.ts";
import type { Api } from "../http/api.ts";
import { knownApiOf } from "../kubernetes/kinds.ts";
import type { PodTemplate, Workload, WorkloadRef } from "../snapshot.ts";
import { relevantAnnotations } from "./annotations.ts";
import { readByName } from "./read-by-name.ts";
import { controllerField, templateRecord } from "./workload-records.ts";

/** The kinds that have a pod template, and that are not listed as workloads. */
const UNLISTED: ReadonlySet<string> = new Set([
  "ReplicaSet",
  "ReplicationController",
  "Job",
  "CronJob",
]);

/** True if a workload has a pod template that is not read with the workload. */
export function hasUnreadTemplate({ kind }: Pick<WorkloadRef, "kind">): boolean {
  return UNLISTED.has(kind);
}

/**
 * Reads the pod template of a ReplicaSet, a Job or a CronJob.
 *
 * @returns `undefined` if the kind has none, or if it could not be read.
 */
export async function readOwnerTemplate(
  api: Api,
  workload: WorkloadRef,
): Promise<V1PodTemplateSpec | undefined> {
  const owner = await readOwner(api, workload);
  return owner?.metadata?.uid === workload.uid ? templateOf(owner) : undefined;
}

/**
 * Reads an owner of a kind that is listed only through its pods, such as a CronJob while no Job of it
 * runs.
 *
 * @returns `undefined` for other kinds, and for an owner that does not exist or could not be read.
 */
export async function readIdleOwner(
  api: Api,
  { kind, namespace, name }: Omit<WorkloadRef, "uid">,
): Promise<Workload | undefined> {
  const owner = await readOwner(api, { kind, namespace, name });
  if (owner === undefined) return undefined;
  const { metadata } = owner;
  return {
    namespace,
    kind,
    name,
    uid: metadata?.uid ?? "",
    isIdle: true,
    ...controllerField(metadata?.ownerReferences),
    labels: metadata?.labels ?? {},
    annotations: relevantAnnotations(metadata?.annotations),
    template: templateRecord(templateOf(owner)),
    rollout: undefined,
    pods: [],
    terminating: 0,
    terminatingPods: [],
  };
}

type Owner = V1ReplicaSet | V1CronJob;

async function readOwner(
  api: Api,
  { kind, namespace, name }: Omit<WorkloadRef, "uid">,
): Promise<Owner | undefined> {
  const known = hasUnreadTemplate({ kind }) ? knownApiOf(kind) : undefined;
  if (known === undefined) return undefined;
  try {
    return await readByName<Owner>(api, { kind, ...known }, namespace, name);
  } catch (error) {
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}

function templateOf({ spec }: Owner): V1PodTemplateSpec | undefined {
  if (spec === undefined) return undefined;
  return "jobTemplate" in spec ? spec.jobTemplate.spec?.template : spec.template;
}

/** Finds the pod template of a workload that is listed without it; `undefined` if it is unread. */
export type TemplateLookup = (workload: WorkloadRef) => Promise<PodTemplate | undefined>;

export function createTemplateLookup(api: Api): TemplateLookup {
  return async (workload) => {
    const template = await readOwnerTemplate(api, workload);
    return template && templateRecord(template);
  };
}
