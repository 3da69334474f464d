import { KINDS, type KubeObject, apiVersion, isBuiltIn, isNamespaced } from "./kinds.ts";
import type { Store } from "./store.ts";

/** Returns the answer to a discovery request; `undefined` for any other path. */
export function discovery(store: Store, path: string): KubeObject | undefined {
  if (path === "/api") return { kind: "APIVersions", versions: ["v1"] };
  if (path === "/apis") return { kind: "APIGroupList", apiVersion: "v1", groups: groups(store) };
  const [, groupVersion] = /^\/api(?:s)?\/((?:[\w.]+\/)?v\w+)$/.exec(path) ?? [];
  const kinds = KINDS.filter(
    (kind) => apiVersion(kind) === groupVersion && isServed(store, kind.group),
  );
  if (groupVersion === undefined || kinds.length === 0) return undefined;
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion,
    resources: kinds.map((kind) => ({
      name: kind.resource,
      singularName: kind.kind.toLowerCase(),
      namespaced: isNamespaced(kind),
      kind: kind.kind,
      verbs: ["get", "list", "watch"],
    })),
  };
}

function groups(store: Store): readonly KubeObject[] {
  const versions = new Map(
    KINDS.filter(({ group }) => group !== "" && isServed(store, group)).map((kind) => [
      kind.group,
      apiVersion(kind),
    ]),
  );
  return [...versions].map(([name, groupVersion]) => {
    const version = { groupVersion, version: groupVersion.split("/")[1] };
    return { name, versions: [version], preferredVersion: version };
  });
}

function isServed({ installed }: Store, group: string): boolean {
  return isBuiltIn(group) || installed.has(group);
}
