import type { Namespace } from "../snapshot.ts";
import type { Api } from "../http/api.ts";
import { METADATA } from "./api-objects.ts";
import type { Gaps } from "./gaps.ts";
import { listAll } from "../http/pages.ts";
import { namespaceRecord } from "./records.ts";

/**
 * The labels of namespaces, by name; what could not be read is absent.
 *
 * @param names `undefined`: all of them.
 * @throws CannotRun where a named one does not exist.
 */
export async function readNamespaces(
  api: Api,
  names: readonly string[] | undefined,
  gaps: Gaps,
): Promise<ReadonlyMap<string, Namespace>> {
  const read =
    names === undefined
      ? await gaps.during("list namespaces", undefined, async (inconsistent) => {
          const list = { path: "/api/v1/namespaces", kind: "NamespaceList", item: METADATA };
          return (await listAll(api, { ...list, inconsistent })).map(namespaceRecord);
        })
      : await Promise.all(names.map((name) => readNamespace(api, name, gaps)));
  const records = (read ?? []).flatMap((namespace) => namespace ?? []);
  return new Map(records.map((record) => [record.name, record]));
}

/** A namespace that does not exist lists as empty, with 200: only asking for it tells. */
function readNamespace(api: Api, name: string, gaps: Gaps) {
  return gaps.during("get namespaces", name, async () => {
    const path = `/api/v1/namespaces/${name}`;
    const object = await api.send({ method: "GET", path, kind: "Namespace" });
    return namespaceRecord(object);
  });
}
