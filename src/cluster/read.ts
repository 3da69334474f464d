import {
  apiOf,
  BUILT_IN_KINDS,
  type BuiltInKind,
  isRestartable,
  type RestartableKind,
} from "../mesh/kinds.ts";
import { formatSelector } from "../mesh/selector.ts";
import type { Namespace, Snapshot, Workload, WorkloadRef } from "../snapshot.ts";
import { isNotFound } from "./api-error.ts";
import type { Api } from "./api.ts";
import {
  type ApiObject,
  DAEMON_SET,
  DEPLOYMENT,
  METADATA,
  POD,
  STATEFUL_SET,
} from "./api-objects.ts";
import { appliersOf } from "./appliers.ts";
import { type ApiRollout, argoWorkload, referredDeployment } from "./argo-rollout.ts";
import { readControlPlane } from "./control-plane.ts";
import { Gaps } from "./gaps.ts";
import { gatherWorkloads } from "./owners.ts";
import { listAll, listPages } from "./pages.ts";
import type { Type } from "./protobuf.ts";
import { namespaceRecord, workloadRecord } from "./records.ts";
import type { RestartableObject } from "./rollout-record.ts";
import { controllerOf, type Owner, type Tally, tallyPods } from "./tally.ts";
import { templateHash } from "./template-hash.ts";

export interface ReadScope {
  readonly istioNamespace: string;
  /** `undefined`: all of the cluster. */
  readonly namespaces: readonly string[] | undefined;
  /** Of the workloads' own labels; a bare pod's, too. */
  readonly labelSelector?: string | undefined;
}

/**
 * Reads everything that a check decides upon, straight from the API server. What cannot be read
 * becomes a gap, and the rest goes on.
 *
 * @throws CannotRun where nothing at all could be read, or a namespace in scope does not exist.
 */
export async function readSnapshot(
  api: Api,
  scope: ReadScope,
  gaps: Gaps = new Gaps(api),
): Promise<Snapshot> {
  const places = scope.namespaces ?? [undefined];
  const [controlPlane, namespaces, ...parts] = await Promise.all([
    readControlPlane(api, scope.istioNamespace, gaps),
    readNamespaces(api, scope.namespaces, gaps),
    ...places.map((namespace) => readWorkloads(api, namespace, gaps, scope.labelSelector)),
  ]);
  return { controlPlane, namespaces, workloads: parts.flat(), gaps: gaps.result() };
}

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
  const [controlPlane, namespaces, workload] = await Promise.all([
    readControlPlane(api, istioNamespace, gaps),
    readNamespaces(api, [ref.namespace], gaps),
    getWorkload(api, ref),
  ]);
  const selector = workload?.rollout?.selector;
  const workloads =
    workload === undefined || selector === undefined
      ? []
      : await readPodsOf(api, ref.namespace, [workload], gaps, formatSelector(selector));
  return {
    controlPlane,
    namespaces,
    workloads: workloads.filter(({ uid }) => uid === ref.uid),
    gaps: gaps.result(),
  };
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
  const base = referredDeployment(object);
  if (base === undefined) return { ...argoWorkload(object, undefined), ...own };
  const referred = await findWorkload(api, "Deployment", namespace, base);
  const hash = referred.templateHash ?? own.templateHash;
  return { ...argoWorkload(object, referred), ...own, templateHash: hash };
}

async function readNamespaces(
  api: Api,
  names: readonly string[] | undefined,
  gaps: Gaps,
): Promise<ReadonlyMap<string, Namespace>> {
  const read =
    names === undefined
      ? await gaps.during("list namespaces", undefined, async (inconsistent) => {
          const list = { path: "/api/v1/namespaces", kind: "NamespaceList", item: METADATA };
          return (await listAll(api, { ...list, inconsistent })).map(namespaceRecord);
        })
      : await Promise.all(names.map((name) => readNamespace(api, name, gaps)));
  const records = (read ?? []).flatMap((namespace) => namespace ?? []);
  return new Map(records.map((record) => [record.name, record]));
}

/** A namespace that does not exist lists as empty, with 200: only asking for it tells. */
function readNamespace(api: Api, name: string, gaps: Gaps) {
  return gaps.during("get namespaces", name, async () => {
    const path = `/api/v1/namespaces/${name}`;
    const object = await api.send({ method: "GET", path, kind: "Namespace" });
    return namespaceRecord(object as ApiObject);
  });
}

async function readWorkloads(
  api: Api,
  namespace: string | undefined,
  gaps: Gaps,
  labelSelector: string | undefined,
): Promise<readonly Workload[]> {
  const lists = BUILT_IN_KINDS.map((kind) =>
    readBuiltIn(api, kind, namespace, gaps, labelSelector),
  );
  const workloads = await readPodsOf(
    api,
    namespace,
    Promise.all(lists).then((all) => all.flat()),
    gaps,
    undefined,
    labelSelector !== undefined,
  );
  // Pods do not say what labels their workload has, so that all of them are read: whose workload
  // the server did not list was not selected.
  return labelSelector === undefined
    ? workloads
    : workloads.filter(({ kind, rollout }) => !isRestartable(kind) || rollout !== undefined);
}

async function readBuiltIn(
  api: Api,
  kind: BuiltInKind,
  namespace: string | undefined,
  gaps: Gaps,
  labelSelector: string | undefined,
): Promise<readonly Workload[]> {
  const what = `list ${apiOf(kind).resource}.apps`;
  const read = await gaps.during(what, namespace, async (inconsistent) => {
    const records: Workload[] = [];
    const list = {
      path: listPath(kind, namespace),
      kind: `${kind}List`,
      item: ITEMS[kind],
      labelSelector,
      inconsistent,
    };
    for await (const page of listPages<RestartableObject>(api, list)) {
      for (const item of page) records.push(workloadRecord(kind, item));
    }
    return records;
  });
  return read ?? [];
}

/**
 * @param labelSelector of the pods and their ReplicaSets.
 * @param narrowed whether some of the workloads may have been left out of their lists.
 */
async function readPodsOf(
  api: Api,
  namespace: string | undefined,
  workloads: readonly Workload[] | Promise<readonly Workload[]>,
  gaps: Gaps,
  labelSelector?: string,
  narrowed = false,
): Promise<readonly Workload[]> {
  const [builtIn, replicaSets, tallies] = await Promise.all([
    workloads,
    readControllers(api, namespace, "replicasets", "apps/v1", gaps, labelSelector),
    gaps.during("list pods", namespace, async (inconsistent) => {
      const found = new Map<string, Tally>();
      const list = { ...podList(namespace), labelSelector, inconsistent };
      for await (const page of listPages(api, list)) {
        tallyPods(found, page);
      }
      return found;
    }),
  ]);
  // Without its pods nothing can be said of a workload; the gap says so.
  if (tallies === undefined) return [];
  if (replicaSets === undefined) return gatherWithoutReplicaSets(builtIn, tallies);
  const ownedByJobs = [...tallies.values()].some(({ owner }) => owner.kind === "Job");
  const jobs = ownedByJobs
    ? await readControllers(api, namespace, "jobs", "batch/v1", gaps, undefined)
    : undefined;
  const rollouts = await readRollouts(
    api,
    namespace,
    builtIn,
    replicaSets.values(),
    gaps,
    narrowed,
  );
  const listed = [...builtIn, ...rollouts];
  return gatherWorkloads(listed, tallies.values(), (uid) => replicaSets.get(uid) ?? jobs?.get(uid));
}

/**
 * Whose pods those of ReplicaSets are cannot be told: a Deployment would seem to have none. The gap
 * says so, and the rest goes on.
 */
function gatherWithoutReplicaSets(
  listed: readonly Workload[],
  tallies: ReadonlyMap<string, Tally>,
): readonly Workload[] {
  return gatherWorkloads(
    listed.filter(({ kind }) => kind !== "Deployment" && kind !== "Rollout"),
    [...tallies.values()].filter(({ owner }) => owner.kind !== "ReplicaSet"),
    () => undefined,
  );
}

/**
 * Rollouts are asked for only where a ReplicaSet belongs to one: most clusters have none, and those
 * without pods are of no interest.
 */
async function readRollouts(
  api: Api,
  namespace: string | undefined,
  listed: readonly Workload[],
  owners: Iterable<Owner>,
  gaps: Gaps,
  narrowed: boolean,
): Promise<readonly Workload[]> {
  const isNeeded = [...owners].some(
    ({ kind, uid }) => kind === "Rollout" && !listed.some((workload) => workload.uid === uid),
  );
  if (!isNeeded) return [];
  const read = await gaps.during("list rollouts.argoproj.io", namespace, async (inconsistent) => {
    const list = { path: listPath("Rollout", namespace), kind: "RolloutList", inconsistent };
    const objects = await listAll<ApiRollout>(api, list);
    // A Rollout may take its template from a Deployment that was not selected itself.
    const isReferring = objects.some((object) => referredDeployment(object) !== undefined);
    const deployments =
      narrowed && isReferring
        ? await readBuiltIn(api, "Deployment", namespace, gaps, undefined)
        : listed;
    return objects.map((object) =>
      argoWorkload(
        object,
        deployments.find(
          ({ kind, namespace: place, name }) =>
            kind === "Deployment" &&
            place === object.metadata?.namespace &&
            name === referredDeployment(object),
        ),
      ),
    );
  });
  return read ?? [];
}

const ITEMS: Readonly<Record<BuiltInKind, Type<RestartableObject>>> = {
  Deployment: DEPLOYMENT,
  StatefulSet: STATEFUL_SET,
  DaemonSet: DAEMON_SET,
};

/** Who controls the ReplicaSets, or the Jobs: only their metadata is asked for. */
async function readControllers(
  api: Api,
  namespace: string | undefined,
  resource: "replicasets" | "jobs",
  group: string,
  gaps: Gaps,
  labelSelector: string | undefined,
): Promise<ReadonlyMap<string, Owner> | undefined> {
  const list = {
    path: `${pathOf(group, namespace)}/${resource}`,
    kind: "PartialObjectMetadataList",
    item: METADATA,
    metadataOnly: true,
    labelSelector,
  };
  const [groupName] = group.split("/");
  return gaps.during(`list ${resource}.${groupName}`, namespace, async (inconsistent) => {
    const controllers = new Map<string, Owner>();
    // Old ReplicaSets can outnumber the pods: those of one Deployment share its record.
    const byUid = new Map<string, Owner>();
    for await (const page of listPages(api, { ...list, inconsistent })) {
      for (const { metadata } of page) {
        const controller = controllerOf(metadata?.ownerReferences);
        if (controller === undefined) continue;
        const known = byUid.get(controller.uid) ?? controller;
        byUid.set(known.uid, known);
        controllers.set(metadata?.uid ?? "", known);
      }
    }
    return controllers;
  });
}

function podList(namespace: string | undefined) {
  return { path: `${pathOf("v1", namespace)}/pods`, kind: "PodList", item: POD };
}

function listPath(kind: RestartableKind, namespace: string | undefined): string {
  const { api, resource } = apiOf(kind);
  return `${pathOf(api, namespace)}/${resource}`;
}

/** `/apis/apps/v1/namespaces/shop`, or without the namespace for the whole cluster. */
function pathOf(group: string, namespace: string | undefined): string {
  const root = group === "v1" ? "/api/v1" : `/apis/${group}`;
  return namespace === undefined ? root : `${root}/namespaces/${namespace}`;
}
