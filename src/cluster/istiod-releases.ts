import type { V1ReplicaSet } from "@kubernetes/client-node";
import type { Api } from "../http/api.ts";
import { listAll } from "../http/pages.ts";
import { groupPath } from "../kubernetes/api-paths.ts";
import type { IstiodRelease } from "../snapshot.ts";
import { releaseRecord } from "./control-plane-records.ts";

/**
 * Reads the ReplicaSets of all istiods.
 *
 * @throws ApiError
 */
export async function listIstiodReleases(
  api: Api,
  istioNamespace: string,
): Promise<readonly IstiodRelease[]> {
  const found = await listAll<V1ReplicaSet>(api, {
    path: `${groupPath("apps/v1", istioNamespace)}/replicasets`,
    kind: "ReplicaSetList",
  });
  return found.flatMap((set) => releaseRecord(set) ?? []);
}
