import { apiOf, type RestartableKind } from "./kinds.ts";

/** `/apis/apps/v1/namespaces/shop`, or without the namespace for the whole cluster. */
export function pathOf(group: string, namespace: string | undefined): string {
  const root = group === "v1" ? "/api/v1" : `/apis/${group}`;
  return namespace === undefined ? root : `${root}/namespaces/${namespace}`;
}

/** `/apis/apps/v1/namespaces/shop/deployments` */
export function listPath(kind: RestartableKind, namespace: string | undefined): string {
  const { api, resource } = apiOf(kind);
  return `${pathOf(api, namespace)}/${resource}`;
}
