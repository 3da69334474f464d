import { apiVersion, type KubeObject } from "./kinds.ts";
import { type ApiRequest, requirePermission, targetOf, wantsMetadata } from "./api.ts";
import { fieldPredicate, labelPredicate } from "./lists.ts";
import { notImplemented } from "./refusal.ts";
import type { Store } from "./store.ts";

const PARAMETERS = new Set([
  "watch",
  "labelSelector",
  "fieldSelector",
  "resourceVersion",
  "timeoutSeconds",
  "allowWatchBookmarks",
]);

/** True for a watch. One that asks for a list as events is rejected as an unknown parameter. */
export function isWatch({ searchParams }: URL): boolean {
  return searchParams.get("watch") === "true" && !searchParams.has("sendInitialEvents");
}

/** The longest delay of a timer, in milliseconds. */
const FOREVER = 2 ** 31 - 1;

/** Returns the milliseconds until the API server ends a watch. */
export function durationOfWatch({ searchParams }: URL): number {
  const seconds = Number(searchParams.get("timeoutSeconds") ?? 0);
  return seconds > 0 ? seconds * 1000 : FOREVER;
}

/**
 * Opens a watch. As in Kubernetes, one without a `resourceVersion` begins with all objects. One from a
 * version sends the objects that have changed since.
 *
 * @returns a function that ends it.
 * @throws Refusal if the user is not allowed to watch.
 */
export function openWatch(
  store: Store,
  request: ApiRequest,
  send: (event: KubeObject) => void,
): () => void {
  const { url, user, headers } = request;
  const target = targetOf(store, url.pathname);
  const { kind, namespace } = target;
  requirePermission(user, "watch", target);
  for (const parameter of url.searchParams.keys()) {
    if (!PARAMETERS.has(parameter)) throw notImplemented(`the parameter ${parameter}`);
  }
  const isLabelled = labelPredicate(url.searchParams.get("labelSelector") ?? "");
  const isMeant = fieldPredicate(url.searchParams.get("fieldSelector") ?? "");
  const isSelected = (object: KubeObject) =>
    object["kind"] === kind.kind &&
    (namespace === undefined || object["metadata"].namespace === namespace) &&
    isLabelled(object["metadata"].labels) &&
    isMeant(object);
  const bare = wantsMetadata(headers.accept, "PartialObjectMetadata");
  const formOf = (object: KubeObject) =>
    bare
      ? { ...METADATA, metadata: object["metadata"] }
      : { apiVersion: apiVersion(kind), ...object };
  const known = new Set<string>();

  const selected = store.list(kind.kind, namespace).filter(isSelected);
  const since = Number(url.searchParams.get("resourceVersion") ?? 0);
  for (const object of selected) {
    const isNew = Number(object["metadata"].resourceVersion) > since;
    if (since > 0) known.add(object["metadata"].uid);
    if (isNew) notice(object);
  }
  return store.onChange(notice);

  function notice(object: KubeObject): void {
    const { uid, name } = object["metadata"];
    const isThere = store.get(kind.kind, object["metadata"].namespace, name) === object;
    const matches = isThere && isSelected(object);
    if (matches) {
      send({ type: known.has(uid) ? "MODIFIED" : "ADDED", object: formOf(object) });
      known.add(uid);
    } else if (known.delete(uid)) {
      send({ type: "DELETED", object: formOf(object) });
    }
  }
}

const METADATA = { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1" };
