import type { V1Container, V1Pod, V1ResourceQuota } from "@kubernetes/client-node";
import type { Api } from "../http/api.ts";
import { listAll } from "../http/pages.ts";
import { readQuantity } from "../kubernetes/quantity.ts";
import { formatSelector } from "../kubernetes/selector.ts";
import type { LabelSelector, PodNeeds, Quota } from "../snapshot.ts";

/**
 * Lists the quotas of a namespace that count every pod. Quotas with a scope are left out, because
 * they count only some pods.
 *
 * @throws ApiError if the quotas could not be read.
 */
export async function listQuotas(
  api: Api,
  namespace: string,
  inconsistent?: () => void,
): Promise<readonly Quota[]> {
  const quotas = await listAll<V1ResourceQuota>(api, {
    path: `/api/v1/namespaces/${namespace}/resourcequotas`,
    kind: "ResourceQuotaList",
    inconsistent,
  });
  return quotas
    .filter(({ spec }) => spec?.scopeSelector === undefined && (spec?.scopes ?? []).length === 0)
    .map(({ metadata, status }) => ({
      name: metadata?.name ?? "",
      room: Object.fromEntries(
        Object.entries(status?.hard ?? {}).flatMap(([resource, hard]) => {
          const [limit, used] = [readQuantity(hard), readQuantity(status?.used?.[resource] ?? "0")];
          return limit === undefined || used === undefined ? [] : [[resource, limit - used]];
        }),
      ),
    }));
}

/**
 * Reads how much of a quota one pod of a workload takes, including its sidecar. The amount is that of
 * an existing pod, because the template lacks what injection adds.
 *
 * @returns `undefined` if the workload has no pods.
 * @throws ApiError if the pods could not be read.
 */
export async function readPodNeeds(
  api: Api,
  namespace: string,
  selector: LabelSelector,
): Promise<PodNeeds | undefined> {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const labelSelector = formatSelector(selector);
  const [pod] = await listAll<V1Pod>(api, { path, kind: "PodList", labelSelector });
  return pod && needsOf(pod);
}

/** Sums the requests of the containers that run at the same time, native sidecars included. */
function needsOf({ spec }: V1Pod): PodNeeds {
  const nativeSidecars = (spec?.initContainers ?? []).filter(
    ({ restartPolicy }) => restartPolicy === "Always",
  );
  const containers = [...(spec?.containers ?? []), ...nativeSidecars];
  const sum = (part: "requests" | "limits", resource: string) =>
    containers.reduce((total, { resources }: V1Container) => {
      const quantity = resources?.[part]?.[resource] ?? resources?.limits?.[resource] ?? "0";
      return total + (readQuantity(quantity) ?? 0);
    }, 0);
  const [cpu, memory] = [sum("requests", "cpu"), sum("requests", "memory")];
  return {
    pods: 1,
    "count/pods": 1,
    cpu,
    memory,
    "requests.cpu": cpu,
    "requests.memory": memory,
    "limits.cpu": sum("limits", "cpu"),
    "limits.memory": sum("limits", "memory"),
  };
}
