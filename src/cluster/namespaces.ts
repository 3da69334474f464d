import type { Api } from "../http/api.ts";
import { listAll } from "../http/pages.ts";
import type { Namespace } from "../snapshot.ts";
import { relevantAnnotations } from "./annotations.ts";
import { type ApiObject, METADATA } from "./api-objects.ts";
import type { Gaps } from "./gaps.ts";

/**
 * Reads namespaces with their labels.
 *
 * @param names `undefined`: all namespaces.
 * @returns the namespaces that could be read, by name.
 * @throws CannotRun if one of `names` does not exist.
 */
export async function readNamespaces(
  api: Api,
  names: readonly string[] | undefined,
  gaps: Gaps,
): Promise<ReadonlyMap<string, Namespace>> {
  const read =
    names === undefined
      ? await listNamespaces(api, gaps)
      : await Promise.all(names.map((name) => readNamespace(api, name, gaps)));
  const records = (read ?? []).flatMap((namespace) => namespace ?? []);
  return new Map(records.map((record) => [record.name, record]));
}

function listNamespaces(api: Api, gaps: Gaps): Promise<readonly Namespace[] | undefined> {
  return gaps.during(
    { verb: "list", resource: "namespaces", namespace: undefined },
    async (inconsistent) => {
      const list = { path: "/api/v1/namespaces", kind: "NamespaceList", item: METADATA };
      return (await listAll(api, { ...list, inconsistent })).map(namespaceRecord);
    },
  );
}

/**
 * Gets one namespace, to find out if it exists: listing the objects of a missing namespace succeeds
 * with an empty list.
 */
function readNamespace(api: Api, name: string, gaps: Gaps): Promise<Namespace | undefined> {
  return gaps.during({ verb: "get", resource: "namespaces", namespace: name }, async () => {
    const path = `/api/v1/namespaces/${name}`;
    return namespaceRecord(await api.send({ method: "GET", path, kind: "Namespace" }));
  });
}

export function namespaceRecord({ metadata }: ApiObject): Namespace {
  return {
    name: metadata?.name ?? "",
    labels: metadata?.labels ?? {},
    annotations: relevantAnnotations(metadata?.annotations),
  };
}
