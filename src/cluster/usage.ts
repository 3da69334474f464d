import type { V1CronJob } from "@kubernetes/client-node";
import type { LabelledObject, TemplateOwner, UsageSnapshot } from "../snapshot.ts";
import { isNotFound } from "./api-error.ts";
import type { Api } from "./api.ts";
import { METADATA } from "./api-objects.ts";
import { Gaps } from "./gaps.ts";
import { listAll } from "./pages.ts";
import { readSnapshot } from "./read.ts";
import { templateRecord } from "./records.ts";

/**
 * Reads the whole cluster, for a revision is the whole cluster's.
 *
 * @throws CannotRun where nothing at all could be read.
 */
export async function readUsage(api: Api, istioNamespace: string): Promise<UsageSnapshot> {
  const gaps = new Gaps(api);
  const [snapshot, gateways, cronJobs] = await Promise.all([
    readSnapshot(api, { istioNamespace, namespaces: undefined }, gaps),
    readGateways(api, gaps),
    readCronJobs(api, gaps),
  ]);
  return { ...snapshot, gateways, cronJobs, gaps: gaps.result() };
}

const GATEWAY_GROUP = "/apis/gateway.networking.k8s.io";

/**
 * The group is asked for first: where it is not installed there are no Gateways, and a user without
 * the right to list them is told 403 all the same.
 */
function readGateways(api: Api, gaps: Gaps): Promise<readonly LabelledObject[] | undefined> {
  return gaps.during("list gateways.gateway.networking.k8s.io", undefined, async () => {
    const version = await servedVersion(api);
    if (version === undefined) return [];
    const items = await listAll(api, {
      path: `${GATEWAY_GROUP}/${version}/gateways`,
      kind: "PartialObjectMetadataList",
      metadataOnly: true,
      item: METADATA,
    });
    return items.map(({ metadata }) => ({
      namespace: metadata?.namespace ?? "",
      name: metadata?.name ?? "",
      labels: metadata?.labels ?? {},
    }));
  });
}

/** `undefined`: the group is not installed. */
async function servedVersion(api: Api): Promise<string | undefined> {
  try {
    const group = await api.send({ method: "GET", path: GATEWAY_GROUP, kind: "APIGroup" });
    const preferred = group["preferredVersion"] as { readonly version?: string } | undefined;
    return preferred?.version ?? "v1";
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Between their runs CronJobs have no pods: only their templates show what the next run wants. */
function readCronJobs(api: Api, gaps: Gaps): Promise<readonly TemplateOwner[] | undefined> {
  return gaps.during("list cronjobs.batch", undefined, async () => {
    const list = { path: "/apis/batch/v1/cronjobs", kind: "CronJobList" };
    return (await listAll<V1CronJob>(api, list)).map(({ metadata, spec }) => ({
      namespace: metadata?.namespace ?? "",
      kind: "CronJob",
      name: metadata?.name ?? "",
      template: templateRecord(spec?.jobTemplate.spec?.template),
    }));
  });
}
