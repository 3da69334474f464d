import type { V1PersistentVolumeClaim } from "@kubernetes/client-node";
import { isNotFound } from "../http/api-error.ts";
import type { Api } from "../http/api.ts";
import type { Claim } from "../snapshot.ts";

/**
 * Gets a PersistentVolumeClaim; `undefined` if it does not exist.
 *
 * @throws ApiError if it could not be read.
 */
export async function getClaim(
  api: Api,
  namespace: string,
  name: string,
): Promise<Claim | undefined> {
  const path = `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${name}`;
  try {
    const { spec }: V1PersistentVolumeClaim = await api.send({
      method: "GET",
      path,
      kind: "PersistentVolumeClaim",
    });
    return { name, accessModes: spec?.accessModes ?? [] };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
