import type { Api } from "./api.ts";

/** Any Kubernetes object. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

/**
 * Applies objects server-side with one field manager: first the definitions of types, then the
 * other objects in parallel.
 */
export async function applyObjects(api: Api, objects: readonly KubernetesObject[]): Promise<void> {
  const first = new Set(["CustomResourceDefinition", "Namespace"]);
  const apply = (object: KubernetesObject) => applyObject(api, object);
  await Promise.all(objects.filter((object) => first.has(object.kind)).map(apply));
  await Promise.all(objects.filter((object) => !first.has(object.kind)).map(apply));
}

/** Deletes objects and ignores objects that do not exist. */
export async function deleteObjects(api: Api, objects: readonly KubernetesObject[]): Promise<void> {
  await Promise.all(
    objects.map(async (object) => {
      const body = { propagationPolicy: "Background" };
      const { status, body: answer } = await api.request("DELETE", pathOf(object), { body });
      if (status >= 300 && status !== 404)
        throw new Error(`DELETE ${pathOf(object)}: ${status} ${answer.message ?? answer}`);
    }),
  );
}

async function applyObject(api: Api, object: KubernetesObject): Promise<void> {
  const path = `${pathOf(object)}?fieldManager=istio-upgrade-testbed&force=true`;
  const answer = await api.request("PATCH", path, {
    body: object,
    contentType: "application/apply-patch+yaml",
  });
  if (answer.status >= 300)
    throw new Error(`PATCH ${path}: ${answer.status} ${answer.body.message ?? answer.body}`);
}

/** Returns the path of an object, such as `/apis/apps/v1/namespaces/shop/deployments/web`. */
export function pathOf({ apiVersion, kind, metadata }: KubernetesObject): string {
  const group = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const namespace = metadata.namespace === undefined ? "" : `/namespaces/${metadata.namespace}`;
  return `${group}${namespace}/${plural(kind.toLowerCase())}/${metadata.name}`;
}

function plural(kind: string): string {
  if (kind.endsWith("y")) return `${kind.slice(0, -1)}ies`;
  return kind.endsWith("s") ? `${kind}es` : `${kind}s`;
}
