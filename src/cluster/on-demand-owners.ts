import type { Workload } from "../snapshot.ts";
import type { Api } from "../http/api.ts";
import { DEPLOYMENT, OWNED } from "./api-objects.ts";
import { type ApiRollout, argoWorkload, referencedDeployment } from "./argo-rollout.ts";
import type { Gaps } from "./gaps.ts";
import { listAll, listPages } from "../http/pages.ts";
import { addController, type NamespaceBatch } from "./namespace-batch.ts";
import { listPath, pathOf } from "../kubernetes/api-paths.ts";
import { workloadRecord } from "./records.ts";
import type { RestartableObject } from "./rollout-record.ts";
import type { Owner } from "./pods-by-owner.ts";

/** Owners that most clusters have none of: they are asked for once, where a pod belongs to one. */
export interface OnDemandOwners {
  /** Who controls the Jobs that a part's pods belong to, by the uid of the Job. */
  jobs(part: NamespaceBatch): Promise<ReadonlyMap<string, Owner>>;
  /** Argo Rollouts of a part's namespace, where a ReplicaSet there belongs to one. */
  rollouts(namespace: string, part: NamespaceBatch): Promise<readonly Workload[]>;
}

/**
 * @param place `undefined`: the whole cluster.
 * @param isNarrowed whether parts may lack some of the Deployments.
 */
export function createOnDemandOwners(
  api: Api,
  place: string | undefined,
  gaps: Gaps,
  isNarrowed: boolean,
): OnDemandOwners {
  let jobs: Promise<ReadonlyMap<string, Owner>> | undefined;
  let rollouts: Promise<readonly ApiRollout[]> | undefined;
  let unlisted: Promise<readonly Workload[]> | undefined;

  return {
    jobs: async ({ podsByOwner: tallies }) => {
      const isNeeded = [...tallies.values()].some(({ owner }) => owner.kind === "Job");
      if (!isNeeded) return new Map();
      return (jobs ??= listJobs(api, place, gaps));
    },
    rollouts: async (namespace, { workloads, controllers }) => {
      const known = new Set(workloads.map(({ uid }) => uid));
      const isNeeded = [...controllers.values()].some(
        ({ kind, uid }) => kind === "Rollout" && !known.has(uid),
      );
      if (!isNeeded) return [];
      const all = await (rollouts ??= listRollouts(api, place, gaps));
      const here = all.filter(({ metadata }) => metadata?.namespace === namespace);
      // One may take its template from a Deployment that was not selected itself.
      const isReferring = here.some((object) => referencedDeployment(object) !== undefined);
      const bases =
        isReferring && isNarrowed
          ? await (unlisted ??= listDeployments(api, place, gaps))
          : workloads;
      return here.map((object) => argoWorkload(object, baseOf(object, bases)));
    },
  };
}

function baseOf(object: ApiRollout, workloads: readonly Workload[]): Workload | undefined {
  return workloads.find(
    ({ kind, namespace, name }) =>
      kind === "Deployment" &&
      namespace === object.metadata?.namespace &&
      name === referencedDeployment(object),
  );
}

async function listJobs(
  api: Api,
  place: string | undefined,
  gaps: Gaps,
): Promise<ReadonlyMap<string, Owner>> {
  const controllers = new Map<string, Owner>();
  await gaps.during("list jobs.batch", place, async (inconsistent) => {
    const path = `${pathOf("batch/v1", place)}/jobs`;
    const list = { path, kind: "JobList", item: OWNED, metadataOnly: true, inconsistent };
    for await (const page of listPages(api, list)) {
      for (const job of page) addController(controllers, job);
    }
  });
  return controllers;
}

async function listRollouts(
  api: Api,
  place: string | undefined,
  gaps: Gaps,
): Promise<readonly ApiRollout[]> {
  const read = await gaps.during("list rollouts.argoproj.io", place, (inconsistent) => {
    const list = { path: listPath("Rollout", place), kind: "RolloutList", inconsistent };
    return listAll<ApiRollout>(api, list);
  });
  return read ?? [];
}

async function listDeployments(
  api: Api,
  place: string | undefined,
  gaps: Gaps,
): Promise<readonly Workload[]> {
  const read = await gaps.during("list deployments.apps", place, (inconsistent) => {
    const path = listPath("Deployment", place);
    const list = { path, kind: "DeploymentList", item: DEPLOYMENT, inconsistent };
    return listAll<RestartableObject>(api, list);
  });
  return (read ?? []).map((object) => workloadRecord("Deployment", object));
}
