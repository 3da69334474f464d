import type { Api } from "../http/api.ts";
import { listAll } from "../http/pages.ts";
import { groupPath } from "../kubernetes/api-paths.ts";

/** A kind, with its group and version, such as `apps/v1`, and its resource. */
export interface NamedApi {
  readonly kind: string;
  readonly group: string;
  readonly resource: string;
}

export const PODS: NamedApi = { kind: "Pod", group: "v1", resource: "pods" };

/**
 * Reads one object by a list, which needs no permission besides those of the other commands.
 *
 * @returns `undefined` if it does not exist.
 * @throws ApiError
 */
export async function readByName<Item extends object>(
  api: Api,
  { kind, group, resource }: NamedApi,
  namespace: string,
  name: string,
): Promise<Item | undefined> {
  const [found] = await listAll<Item>(api, {
    path: `${groupPath(group, namespace)}/${resource}`,
    kind: `${kind}List`,
    fieldSelector: `metadata.name=${name}`,
  });
  return found;
}
