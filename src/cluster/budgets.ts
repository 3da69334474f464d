import type { V1PodDisruptionBudget } from "@kubernetes/client-node";
import type { Api } from "../http/api.ts";
import { listAll } from "../http/pages.ts";
import { groupPath } from "../kubernetes/api-paths.ts";
import { completeSelector } from "../kubernetes/selector.ts";
import type { Budget } from "../snapshot.ts";

/**
 * Lists the PodDisruptionBudgets of a namespace. A budget without a selector selects no pod.
 *
 * @throws ApiError if they could not be read.
 */
export async function listBudgets(api: Api, namespace: string): Promise<readonly Budget[]> {
  const path = `${groupPath("policy/v1", namespace)}/poddisruptionbudgets`;
  const budgets = await listAll<V1PodDisruptionBudget>(api, {
    path,
    kind: "PodDisruptionBudgetList",
  });
  return budgets.flatMap(({ metadata, spec, status }) =>
    spec?.selector === undefined
      ? []
      : [
          {
            name: metadata?.name ?? "",
            selector: completeSelector(spec.selector as Parameters<typeof completeSelector>[0]),
            allowed: status?.disruptionsAllowed ?? 0,
          },
        ],
  );
}
