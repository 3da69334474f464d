import type { V1CronJob } from "@kubernetes/client-node";
import type { LabelledObject, TemplateOwner, UsageSnapshot } from "../snapshot.ts";
import { ApiError } from "../http/api-error.ts";
import type { Api } from "../http/api.ts";
import { METADATA } from "./api-objects.ts";
import { Gaps } from "./gaps.ts";
import { listAll } from "../http/pages.ts";
import { readSnapshot } from "./read.ts";
import { templateRecord } from "./workload-records.ts";

/**
 * Reads the whole cluster, for a revision is the whole cluster's.
 *
 * @throws CannotRun where nothing at all could be read.
 */
export async function readUsageSnapshot(api: Api, istioNamespace: string): Promise<UsageSnapshot> {
  const gaps = new Gaps(api, { isNarrowable: false });
  const [snapshot, gateways, cronJobs] = await Promise.all([
    readSnapshot(api, { istioNamespace, namespaces: undefined }, gaps),
    readGateways(api, gaps),
    readCronJobs(api, gaps),
  ]);
  return { ...snapshot, gateways, cronJobs, gaps: gaps.result() };
}

const GATEWAY_GROUP = "gateway.networking.k8s.io";

/**
 * Where the group is not installed there are no Gateways; a user without the right to list them is
 * told 403 all the same.
 */
function readGateways(api: Api, gaps: Gaps): Promise<readonly LabelledObject[] | undefined> {
  return gaps.during(`list gateways.${GATEWAY_GROUP}`, undefined, async (inconsistent) => {
    const version = await servedVersion(api);
    if (version === undefined) return [];
    const items = await listAll(api, {
      path: `/apis/${GATEWAY_GROUP}/${version}/gateways`,
      kind: "PartialObjectMetadataList",
      metadataOnly: true,
      item: METADATA,
      inconsistent,
    });
    return items.map(({ metadata }) => ({
      namespace: metadata?.namespace ?? "",
      name: metadata?.name ?? "",
      labels: metadata?.labels ?? {},
    }));
  });
}

interface ApiGroup {
  readonly name?: string;
  readonly preferredVersion?: { readonly version?: string };
}

/**
 * `undefined`: the group is not installed. All groups are asked for, not this one: a 404 from
 * anybody on the way would look the same as its absence.
 */
async function servedVersion(api: Api): Promise<string | undefined> {
  const { groups } = await api.send({ method: "GET", path: "/apis", kind: "APIGroupList" });
  if (!Array.isArray(groups)) {
    throw new ApiError("/apis answered without groups", { status: 0, reason: "malformed" });
  }
  const group = (groups as readonly ApiGroup[]).find(({ name }) => name === GATEWAY_GROUP);
  return group && (group.preferredVersion?.version ?? "v1");
}

/** Between their runs CronJobs have no pods: only their templates show what the next run wants. */
function readCronJobs(api: Api, gaps: Gaps): Promise<readonly TemplateOwner[] | undefined> {
  return gaps.during("list cronjobs.batch", undefined, async (inconsistent) => {
    const list = { path: "/apis/batch/v1/cronjobs", kind: "CronJobList", inconsistent };
    return (await listAll<V1CronJob>(api, list)).map(({ metadata, spec }) => ({
      namespace: metadata?.namespace ?? "",
      kind: "CronJob",
      name: metadata?.name ?? "",
      template: templateRecord(spec?.jobTemplate.spec?.template),
    }));
  });
}
