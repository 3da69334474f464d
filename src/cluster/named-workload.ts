import { isRestartable, type RestartableKind } from "../kubernetes/kinds.ts";
import { formatSelector } from "../kubernetes/selector.ts";
import type { Snapshot, Workload, WorkloadRef } from "../snapshot.ts";
import { isNotFound } from "../http/api-error.ts";
import type { ApiObject } from "./api-objects.ts";
import type { Api } from "../http/api.ts";
import { appliersOf } from "./appliers.ts";
import { argoWorkload, referencedDeployment } from "./argo-rollout.ts";
import { readControlPlane } from "./control-plane.ts";
import { Gaps } from "./gaps.ts";
import { readNamespaces } from "./namespaces.ts";
import { listPath } from "../kubernetes/api-paths.ts";
import { workloadRecord } from "./workload-records.ts";
import { templateHash } from "./template-hash.ts";
import { readPodsOf } from "./workloads.ts";

/**
 * Reads one workload anew, with its pods and the state of the injectors.
 *
 * @returns a snapshot without the workload where it is gone, or is another one by uid.
 */
export async function readWorkload(
  api: Api,
  ref: WorkloadRef,
  istioNamespace: string,
): Promise<Snapshot> {
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

/** One workload without its pods; `undefined` where it is gone, or is another one by uid. */
export async function getWorkload(api: Api, ref: WorkloadRef): Promise<Workload | undefined> {
  if (!isRestartable(ref.kind)) return undefined;
  try {
    const workload = await findWorkload(api, ref.kind, ref.namespace, ref.name);
    return workload.uid === ref.uid ? workload : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function findWorkload(
  api: Api,
  kind: RestartableKind,
  namespace: string,
  name: string,
): Promise<Workload> {
  const path = `${listPath(kind, namespace)}/${name}`;
  const object = (await api.send({ method: "GET", path, kind })) as ApiObject;
  const own = { templateHash: templateHash(object), appliers: appliersOf(object) };
  if (kind !== "Rollout") return { ...workloadRecord(kind, object), ...own };
  const base = referencedDeployment(object);
  if (base === undefined) return { ...argoWorkload(object, undefined), ...own };
  const referred = await findWorkload(api, "Deployment", namespace, base);
  const hash = referred.templateHash ?? own.templateHash;
  return { ...argoWorkload(object, referred), ...own, templateHash: hash };
}
