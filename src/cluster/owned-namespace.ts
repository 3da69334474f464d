import type { V1Namespace, V1ObjectMeta } from "@kubernetes/client-node";
import { isNotFound } from "../http/api-error.ts";
import type { Api } from "../http/api.ts";
import { isObject, parseObject } from "../json-object.ts";
import type { OwnedNamespace } from "../snapshot.ts";
import { namespaceRecord } from "./namespaces.ts";

/** The annotation in which `kubectl apply` keeps what it applied. */
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * Reads a namespace with the owners of its labels.
 *
 * @returns `undefined` if it does not exist.
 * @throws ApiError
 */
export async function readOwnedNamespace(
  api: Api,
  name: string,
): Promise<OwnedNamespace | undefined> {
  try {
    const path = `/api/v1/namespaces/${name}`;
    return ownedNamespace(await api.send({ method: "GET", path, kind: "Namespace" }));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function ownedNamespace({ metadata = {} }: V1Namespace): OwnedNamespace {
  return {
    ...namespaceRecord({ metadata }),
    uid: metadata.uid ?? "",
    resourceVersion: metadata.resourceVersion ?? "",
    labelManagers: labelManagers(metadata),
    appliedLabels: appliedLabels(metadata.annotations?.[LAST_APPLIED]),
  };
}

/** Source: k8s.io/apimachinery `pkg/apis/meta/v1`, `FieldsV1`: each label is a field `f:KEY`. */
function labelManagers({ managedFields = [] }: V1ObjectMeta): OwnedNamespace["labelManagers"] {
  const managers = new Map<string, readonly string[]>();
  for (const { manager, fieldsV1 } of managedFields) {
    const metadata = isObject(fieldsV1) ? fieldsV1["f:metadata"] : undefined;
    const labels = isObject(metadata) ? metadata["f:labels"] : undefined;
    if (manager === undefined || !isObject(labels)) continue;
    for (const field of Object.keys(labels)) {
      const key = field.replace(/^f:/, "");
      managers.set(key, [...new Set([...(managers.get(key) ?? []), manager])]);
    }
  }
  return managers;
}

function appliedLabels(applied: string | undefined): readonly string[] {
  const metadata = parseObject(applied)?.["metadata"];
  const labels = isObject(metadata) ? metadata["labels"] : undefined;
  return isObject(labels) ? Object.keys(labels) : [];
}
