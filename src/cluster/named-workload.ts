import { isNotFound } from "../http/api-error.ts";
import type { Api } from "../http/api.ts";
import { listPath } from "../kubernetes/api-paths.ts";
import { isRestartable, type RestartableKind } from "../kubernetes/kinds.ts";
import { formatSelector } from "../kubernetes/selector.ts";
import { RESTARTED_AT, type Snapshot, type Workload, type WorkloadRef } from "../snapshot.ts";
import { isObject } from "../json-object.ts";
import type { ApiObject } from "./api-objects.ts";
import { argoWorkload, referencedDeployment } from "./argo-rollout.ts";
import { readControlPlane } from "./control-plane.ts";
import { Gaps } from "./gaps.ts";
import { readNamespaces } from "./namespaces.ts";
import { readSnapshot } from "./read.ts";
import { templateHash } from "./template-hash.ts";
import { workloadRecord } from "./workload-records.ts";
import { readPodsOf } from "./workloads.ts";

/**
 * Reads one workload with its pods, its namespace and the control plane.
 *
 * @returns a snapshot without the workload if it was deleted or recreated.
 */
export async function readWorkload(
  api: Api,
  ref: WorkloadRef,
  istioNamespace: string,
): Promise<Snapshot> {
  if (!isRestartable(ref.kind)) return readOther(api, ref, istioNamespace);
  const gaps = new Gaps(api);
  const [controlPlane, namespaces, found] = await Promise.all([
    readControlPlane(api, istioNamespace, gaps),
    readNamespaces(api, [ref.namespace], gaps),
    getWorkload(api, ref),
  ]);
  const selector = found?.rollout?.selector;
  const workload =
    found === undefined || selector === undefined
      ? undefined
      : await readPodsOf(api, found, formatSelector(selector), gaps);
  const workloads = workload === undefined ? [] : [workload];
  return { controlPlane, namespaces, workloads, gaps: gaps.result() };
}

/** Finds a workload of another kind among those of its namespace: only its pods show what it is. */
async function readOther(
  api: Api,
  { namespace, uid }: WorkloadRef,
  istioNamespace: string,
): Promise<Snapshot> {
  const snapshot = await readSnapshot(api, { istioNamespace, namespaces: [namespace] });
  return { ...snapshot, workloads: snapshot.workloads.filter((found) => found.uid === uid) };
}

/**
 * Gets one workload without its pods.
 *
 * @returns `undefined` if it was deleted, or recreated with another uid.
 */
export async function getWorkload(api: Api, ref: WorkloadRef): Promise<Workload | undefined> {
  if (!isRestartable(ref.kind)) return undefined;
  try {
    const workload = await getByName(api, ref.kind, ref.namespace, ref.name);
    return workload.uid === ref.uid ? workload : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function getByName(
  api: Api,
  kind: RestartableKind,
  namespace: string,
  name: string,
): Promise<Workload> {
  const path = `${listPath(kind, namespace)}/${name}`;
  const object = (await api.send({ method: "GET", path, kind })) as ApiObject;
  const own = { templateHash: templateHash(object), ...managersOf(object) };
  if (kind !== "Rollout") return { ...workloadRecord(kind, object), ...own };
  const base = referencedDeployment(object);
  if (base === undefined) return { ...argoWorkload(object, undefined), ...own };
  const referenced = await getByName(api, "Deployment", namespace, base);
  const hash = referenced.templateHash ?? own.templateHash;
  return { ...argoWorkload(object, referenced), ...own, templateHash: hash };
}

interface ManagedObject extends ApiObject {
  readonly metadata?: ApiObject["metadata"] & {
    readonly managedFields?: readonly ManagedFields[];
  };
}

interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly time?: string;
  readonly fieldsV1?: unknown;
}

/** Returns the field managers that apply an object (server-side apply), and those of its template. */
function managersOf({
  metadata,
}: ManagedObject): Required<Pick<Workload, "appliers" | "templateManagers">> {
  const entries = metadata?.managedFields ?? [];
  return {
    appliers: entries.flatMap(({ manager, operation }) =>
      operation === "Apply" && manager !== undefined ? [manager] : [],
    ),
    templateManagers: entries.flatMap(({ manager = "", subresource = "", time = "", fieldsV1 }) => {
      const template = fieldAt(fieldsV1, "f:spec", "f:template");
      // The time of a restart is in the template, or in the spec of an Argo Rollout.
      const restarted =
        fieldAt(fieldsV1, "f:spec", "f:restartAt") ??
        fieldAt(template, "f:metadata", "f:annotations", `f:${RESTARTED_AT}`);
      if (subresource !== "" || (template ?? restarted) === undefined) return [];
      return [{ name: manager, changedAt: time, restarted: restarted !== undefined }];
    }),
  };
}

function fieldAt(fields: unknown, ...path: readonly string[]): unknown {
  return path.reduce((at, key) => (isObject(at) ? at[key] : undefined), fields);
}
