import type { V1Container, V1Pod, V1ResourceQuota } from "@kubernetes/client-node";
import { formatSelector } from "../kubernetes/selector.ts";
import type { LabelSelector, PodNeeds, Quota } from "../snapshot.ts";
import type { Api } from "../http/api.ts";
import { listAll } from "../http/pages.ts";
import { readQuantity } from "../kubernetes/quantity.ts";

/**
 * The quotas of a namespace that count every pod; those with a scope count only some.
 *
 * @throws ApiError where they may not be read.
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
 * What one pod of a workload takes of a quota, its sidecar included: by a pod that is there, since
 * the template does not know what injection adds. `undefined` where there is none.
 *
 * @throws ApiError
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

/** Native sidecars run beside the others; what other init containers ask for is given back. */
function needsOf({ spec }: V1Pod): PodNeeds {
  const beside = (spec?.initContainers ?? []).filter(
    ({ restartPolicy }) => restartPolicy === "Always",
  );
  const containers = [...(spec?.containers ?? []), ...beside];
  const sum = (part: "requests" | "limits", resource: string) =>
    containers.reduce((total, { resources }: V1Container) => {
      const asked = resources?.[part]?.[resource] ?? resources?.limits?.[resource] ?? "0";
      return total + (readQuantity(asked) ?? 0);
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
