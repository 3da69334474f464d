import { apiOf, type RestartableKind } from "./kinds.ts";

/**
 * Returns the path of an API group and version, such as `/apis/apps/v1/namespaces/shop`.
 *
 * @param namespace `undefined`: the whole cluster.
 */
export function groupPath(group: string, namespace: string | undefined): string {
  const root = group === "v1" ? "/api/v1" : `/apis/${group}`;
  return namespace === undefined ? root : `${root}/namespaces/${namespace}`;
}

/** Returns the path of a kind's list, such as `/apis/apps/v1/namespaces/shop/deployments`. */
export function listPath(kind: RestartableKind, namespace: string | undefined): string {
  const { api, resource } = apiOf(kind);
  return `${groupPath(api, namespace)}/${resource}`;
}
