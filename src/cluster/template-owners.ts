import type { V1CronJob } from "@kubernetes/client-node";
import type { Api } from "../http/api.ts";
import { listAll, listPages } from "../http/pages.ts";
import type { Type } from "../http/protobuf/protobuf.ts";
import { groupPath } from "../kubernetes/api-paths.ts";
import type { TemplateOwner, Workload } from "../snapshot.ts";
import {
  type ApiOwned,
  type ApiTemplated,
  JOB,
  OWNED,
  REPLICA_SET,
  REPLICATION_CONTROLLER,
} from "./api-objects.ts";
import type { Gaps } from "./gaps.ts";
import { controllerOf } from "./pods-by-owner.ts";
import { templateRecord } from "./workload-records.ts";

/**
 * Lists the objects that may create pods from a template of their own, but are not listed as
 * workloads unless they have pods: CronJobs, Jobs that have not finished, ReplicationControllers, and
 * ReplicaSets without a listed owner. A list that cannot be read becomes a gap.
 *
 * @param workloads the listed workloads, which own the other ReplicaSets.
 */
export async function readTemplateOwners(
  api: Api,
  workloads: Promise<readonly Workload[]>,
  gaps: Gaps,
): Promise<readonly TemplateOwner[]> {
  const lists = await Promise.all([
    readCronJobs(api, gaps),
    readJobs(api, gaps),
    readReplicationControllers(api, gaps),
    readReplicaSets(api, workloads, gaps),
  ]);
  return lists.flat();
}

async function readCronJobs(api: Api, gaps: Gaps): Promise<readonly TemplateOwner[]> {
  const read = await gaps.during(
    { verb: "list", resource: "cronjobs.batch", namespace: undefined },
    async (inconsistent) => {
      const list = { path: "/apis/batch/v1/cronjobs", kind: "CronJobList", inconsistent };
      return (await listAll<V1CronJob>(api, list)).map(({ metadata, spec }) => ({
        namespace: metadata?.namespace ?? "",
        kind: "CronJob",
        name: metadata?.name ?? "",
        template: templateRecord(spec?.jobTemplate.spec?.template),
      }));
    },
  );
  return read ?? [];
}

/** Lists the Jobs that may still create pods, including suspended Jobs. */
function readJobs(api: Api, gaps: Gaps): Promise<readonly TemplateOwner[]> {
  return listTemplated(api, gaps, {
    resource: "jobs.batch",
    path: `${groupPath("batch/v1", undefined)}/jobs`,
    kind: "Job",
    item: JOB,
    isNeeded: (job) => !hasFinished(job),
  });
}

/** Rule: Kubernetes `pkg/controller/job/util/utils.go`, `FinishedCondition`. */
function hasFinished({ status }: ApiTemplated): boolean {
  return (status?.conditions ?? []).some(
    ({ type, status: value }) => value === "True" && (type === "Complete" || type === "Failed"),
  );
}

function readReplicationControllers(api: Api, gaps: Gaps): Promise<readonly TemplateOwner[]> {
  return listTemplated(api, gaps, {
    resource: "replicationcontrollers",
    path: `${groupPath("v1", undefined)}/replicationcontrollers`,
    kind: "ReplicationController",
    item: REPLICATION_CONTROLLER,
    isNeeded: () => true,
  });
}

/**
 * Lists the ReplicaSets whose owner is not listed. Reads the templates only in the namespaces that
 * have such ReplicaSets: old ReplicaSets of Deployments can outnumber the pods.
 */
async function readReplicaSets(
  api: Api,
  workloads: Promise<readonly Workload[]>,
  gaps: Gaps,
): Promise<readonly TemplateOwner[]> {
  const listed = new Set((await workloads).map(({ uid }) => uid));
  const isNeeded = ({ metadata }: ApiOwned) => {
    const controller = controllerOf(metadata?.ownerReferences);
    return controller === undefined || !listed.has(controller.uid);
  };
  const namespaces = new Set<string>();
  await gaps.during(
    { verb: "list", resource: REPLICA_SETS, namespace: undefined },
    async (inconsistent) => {
      const pages = listPages(api, {
        path: `${groupPath("apps/v1", undefined)}/replicasets`,
        kind: "ReplicaSetList",
        item: OWNED,
        metadataOnly: true,
        inconsistent,
      });
      for await (const page of pages) {
        for (const replicaSet of page) {
          if (isNeeded(replicaSet)) namespaces.add(replicaSet.metadata?.namespace ?? "");
        }
      }
    },
  );
  const lists = [...namespaces].map((namespace) =>
    listTemplated(api, gaps, {
      resource: REPLICA_SETS,
      namespace,
      path: `${groupPath("apps/v1", namespace)}/replicasets`,
      kind: "ReplicaSet",
      item: REPLICA_SET,
      isNeeded,
    }),
  );
  return (await Promise.all(lists)).flat();
}

const REPLICA_SETS = "replicasets.apps";

interface TemplatedList {
  readonly resource: string;
  /** Absent for the whole cluster. */
  readonly namespace?: string;
  readonly path: string;
  readonly kind: string;
  readonly item: Type<ApiTemplated>;
  readonly isNeeded: (object: ApiTemplated) => boolean;
}

/** Lists objects that have a pod template. Returns only what was read before an error. */
async function listTemplated(
  api: Api,
  gaps: Gaps,
  { resource, namespace, path, kind, item, isNeeded }: TemplatedList,
): Promise<readonly TemplateOwner[]> {
  const found: TemplateOwner[] = [];
  await gaps.during({ verb: "list", resource, namespace }, async (inconsistent) => {
    const list = { path, kind: `${kind}List`, item, inconsistent };
    for await (const page of listPages(api, list)) {
      for (const object of page) {
        if (!isNeeded(object)) continue;
        const { metadata, spec } = object;
        found.push({
          namespace: metadata?.namespace ?? "",
          kind,
          name: metadata?.name ?? "",
          template: templateRecord(spec?.template),
        });
      }
    }
  });
  return found;
}
