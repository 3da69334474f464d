import type { Workload } from "../snapshot.ts";
import type { Api } from "../http/api.ts";
import { DEPLOYMENT, OWNED } from "./api-objects.ts";
import { type ApiRollout, argoWorkload, referencedDeployment } from "./argo-rollout.ts";
import type { Gaps } from "./gaps.ts";
import { listAll, listPages } from "../http/pages.ts";
import { addController, type NamespaceBatch } from "./namespace-batch.ts";
import { listPath, groupPath } from "../kubernetes/api-paths.ts";
import { workloadRecord } from "./workload-records.ts";
import type { RestartableObject } from "./rollout-record.ts";
import type { Owner } from "./pods-by-owner.ts";

/** Owners that most clusters do not have. They are listed once, when the first pod needs them. */
export interface OnDemandOwners {
  /** The controllers of Jobs, by the uid of the Job; empty if no pod of the batch needs them. */
  jobControllers(batch: NamespaceBatch): Promise<ReadonlyMap<string, Owner>>;
  /** The Argo Rollouts of the batch's namespace; none if no ReplicaSet there belongs to one. */
  rollouts(batch: NamespaceBatch): Promise<readonly Workload[]>;
}

/**
 * Creates the lookup of owners, which caches its lists.
 *
 * @param scope the namespace to list; `undefined`: the whole cluster.
 * @param isNarrowed true if batches may lack some of the Deployments.
 */
export function createOnDemandOwners(
  api: Api,
  scope: string | undefined,
  gaps: Gaps,
  isNarrowed: boolean,
): OnDemandOwners {
  let jobs: Promise<ReadonlyMap<string, Owner>> | undefined;
  let rollouts: Promise<readonly ApiRollout[]> | undefined;
  let deployments: Promise<readonly Workload[]> | undefined;

  return {
    jobControllers: async ({ podsByOwner }) => {
      const isNeeded = [...podsByOwner.values()].some(({ owner }) => owner.kind === "Job");
      if (!isNeeded) return new Map();
      return (jobs ??= listJobs(api, scope, gaps));
    },
    rollouts: async ({ namespace, workloads, controllers }) => {
      const known = new Set(workloads.map(({ uid }) => uid));
      const isNeeded = [...controllers.values()].some(
        ({ kind, uid }) => kind === "Rollout" && !known.has(uid),
      );
      if (!isNeeded) return [];
      const all = await (rollouts ??= listRollouts(api, scope, gaps));
      const here = all.filter(({ metadata }) => metadata?.namespace === namespace);
      const isReferring = here.some((object) => referencedDeployment(object) !== undefined);
      // The label selector may not match the Deployment that a Rollout takes its template from.
      const candidates =
        isReferring && isNarrowed
          ? await (deployments ??= listDeployments(api, scope, gaps))
          : workloads;
      return here.map((object) => argoWorkload(object, findReferenced(object, candidates)));
    },
  };
}

/** Finds the Deployment whose template a Rollout uses. */
function findReferenced(object: ApiRollout, workloads: readonly Workload[]): Workload | undefined {
  return workloads.find(
    ({ kind, namespace, name }) =>
      kind === "Deployment" &&
      namespace === object.metadata?.namespace &&
      name === referencedDeployment(object),
  );
}

async function listJobs(
  api: Api,
  scope: string | undefined,
  gaps: Gaps,
): Promise<ReadonlyMap<string, Owner>> {
  const controllers = new Map<string, Owner>();
  await gaps.during(
    { verb: "list", resource: "jobs.batch", namespace: scope },
    async (inconsistent) => {
      const path = `${groupPath("batch/v1", scope)}/jobs`;
      const list = { path, kind: "JobList", item: OWNED, metadataOnly: true, inconsistent };
      for await (const page of listPages(api, list)) {
        for (const job of page) addController(controllers, job);
      }
    },
  );
  return controllers;
}

async function listRollouts(
  api: Api,
  scope: string | undefined,
  gaps: Gaps,
): Promise<readonly ApiRollout[]> {
  const read = await gaps.during(
    { verb: "list", resource: "rollouts.argoproj.io", namespace: scope },
    (inconsistent) => {
      const list = { path: listPath("Rollout", scope), kind: "RolloutList", inconsistent };
      return listAll<ApiRollout>(api, list);
    },
  );
  return read ?? [];
}

async function listDeployments(
  api: Api,
  scope: string | undefined,
  gaps: Gaps,
): Promise<readonly Workload[]> {
  const read = await gaps.during(
    { verb: "list", resource: "deployments.apps", namespace: scope },
    (inconsistent) => {
      const path = listPath("Deployment", scope);
      const list = { path, kind: "DeploymentList", item: DEPLOYMENT, inconsistent };
      return listAll<RestartableObject>(api, list);
    },
  );
  return (read ?? []).map((object) => workloadRecord("Deployment", object));
}
