import type { V1Node } from "@kubernetes/client-node";
import type { Api } from "../http/api.ts";
import type { ImageNode } from "../sidecar-pod.ts";
import { listAll } from "../http/pages.ts";

/**
 * Reads a node with its images, by a list, which needs no permission besides `list`.
 *
 * @returns `undefined` if it does not exist.
 * @throws ApiError
 */
export async function readImageNode(api: Api, name: string): Promise<ImageNode | undefined> {
  const fieldSelector = `metadata.name=${name}`;
  const list = { path: "/api/v1/nodes", kind: "NodeList", fieldSelector };
  const [node] = await listAll<V1Node>(api, list);
  if (node === undefined) return undefined;
  const { spec, status } = node;
  return {
    name,
    version: status?.nodeInfo?.kubeletVersion ?? "",
    images: (status?.images ?? []).map(({ names }) => names ?? []),
    taints: (spec?.taints ?? []).map(({ key, value, effect }) => ({ key, value, effect })),
  };
}
