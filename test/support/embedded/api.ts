import type { IncomingHttpHeaders } from "node:http";
import { isDeepStrictEqual } from "node:util";
import { type User, denial, mayDo, review } from "./access.ts";
import {
  type Kind,
  type KubeObject,
  apiVersion,
  findKind,
  isBuiltIn,
  isNamespaced,
  versionOf,
} from "./kinds.ts";
import { withQuotaStatus } from "./admission.ts";
import { discovery } from "./discovery.ts";
import { endpointSlices, fieldPredicate, labelPredicate, page } from "./lists.ts";
import { forbidden, noSuchPage, notFound, notImplemented } from "./refusal.ts";
import type { Store } from "./store.ts";
import { create, now, patched, remove, update } from "./write.ts";

export interface ApiRequest {
  readonly user: User;
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

interface Target {
  readonly kind: Kind;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

/** Kinds that can only be listed: slices are derived. */
const ONLY_LISTED = new Set(["EndpointSlice"]);
const PARAMETERS = new Set([
  "limit",
  "continue",
  "labelSelector",
  "fieldSelector",
  "dryRun",
  "fieldManager",
  // Every list has the newest version, so the parameter has no effect.
  "resourceVersion",
]);

/**
 * Returns the object that answers a request. Rejects a request that is not implemented with 501.
 */
export function answer(store: Store, request: ApiRequest): KubeObject {
  const { method, url, user, text } = request;
  const known = method === "GET" ? discovery(store, url.pathname) : undefined;
  if (known) return known;
  const target = targetOf(store, url.pathname);
  const { kind, namespace, name } = target;
  const verb = verbOf(method, target);
  // The API server treats a namespace as inside itself.
  const place = namespace ?? (kind.kind === "Namespace" ? name : undefined);
  const asked = { verb, group: kind.group, resource: kind.resource, namespace: place };
  if (!mayDo(user, asked)) throw forbidden(denial(user, asked))(kind, name);
  for (const parameter of url.searchParams.keys()) {
    if (!PARAMETERS.has(parameter)) throw notImplemented(`the parameter ${parameter}`);
  }
  const dryRun = url.searchParams.get("dryRun") === "All";
  switch (verb) {
    case "list":
      return list(store, target, request);
    case "create": {
      const body = JSON.parse(text);
      requireIdle(kind, body.spec);
      const metadata = { ...body.metadata, ...(namespace && { namespace }) };
      return (
        review(user, kind, body) ?? create(store, { ...body, kind: kind.kind, metadata }, dryRun)
      );
    }
    case "patch": {
      const before = find(store, target);
      const after = patched(before, request.headers["content-type"] ?? "", text);
      const manager = url.searchParams.get("fieldManager") ?? "unknown";
      const changed = !isDeepStrictEqual(after, before);
      return update(store, before, changed ? managedBy(after, manager) : after, dryRun);
    }
    case "delete": {
      const object = find(store, target);
      if (!dryRun) remove(store, object);
      return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" };
    }
    default:
      return find(store, target);
  }
}

/** Rejects an object that would create pods, if no controller here creates them. */
function requireIdle({ kind }: Kind, spec: KubeObject | undefined): void {
  const runs = ["CronJob", "Job"].includes(kind) && spec?.["suspend"] !== true;
  const scales = kind === "ReplicationController" && spec?.["replicas"] !== 0;
  if (runs || scales) throw notImplemented(`a running ${kind}`);
}

/** Sets the manager and time of the last write, without the managed fields. */
function managedBy(object: KubeObject, manager: string): KubeObject {
  const { managedFields = [], ...metadata } = object["metadata"];
  const others = managedFields.filter((entry: KubeObject) => entry["manager"] !== manager);
  const entry = { manager, operation: "Update", time: now() };
  return { ...object, metadata: { ...metadata, managedFields: [...others, entry] } };
}

function targetOf(store: Store, path: string): Target {
  const [root, ...rest] = path.split("/").slice(1).map(decodeURIComponent);
  const [group = "", version, ...steps] = root === "apis" ? rest : ["", ...rest];
  const inNamespace = steps[0] === "namespaces" && steps.length > 2;
  const [resource = "", name, subresource] = inNamespace ? steps.slice(2) : steps;
  const isServed = isBuiltIn(group) || store.installed.has(group);
  if (root === "apis" && !isServed) throw noSuchPage();
  const kind = findKind(group, resource);
  const isKnown = (root === "api" || root === "apis") && version === versionOf({ group });
  if (kind === undefined || !isKnown || subresource !== undefined) throw notImplemented(path);
  return { kind, namespace: inNamespace ? steps[1] : undefined, name };
}

function verbOf(method: string, { kind, namespace, name }: Target): string {
  const verbs: Readonly<Record<string, string>> =
    name === undefined
      ? { GET: "list", POST: "create" }
      : { GET: "get", PATCH: "patch", DELETE: "delete" };
  const verb = verbs[method];
  const placed = verb !== "create" || isNamespaced(kind) === (namespace !== undefined);
  if (verb === undefined || !placed || (ONLY_LISTED.has(kind.kind) && verb !== "list")) {
    throw notImplemented(`${method} of ${name === undefined ? kind.resource : `one ${kind.kind}`}`);
  }
  return verb;
}

function find(store: Store, { kind, namespace, name = "" }: Target): KubeObject {
  const found = store.get(kind.kind, namespace, name);
  if (found === undefined) throw notFound(kind, name);
  return found;
}

function list(store: Store, { kind, namespace }: Target, request: ApiRequest): KubeObject {
  const query = request.url.searchParams;
  const isSelected = labelPredicate(query.get("labelSelector") ?? "");
  const isDerived = kind.kind === "EndpointSlice";
  const all = isDerived ? endpointSlices(store, namespace) : store.list(kind.kind, namespace);
  const isMeant = fieldPredicate(query.get("fieldSelector") ?? "");
  const selected = all.filter((one) => isSelected(one.metadata.labels) && isMeant(one));
  const { items: found, metadata } = page(store, selected, query);
  const items =
    kind.kind === "ResourceQuota" ? found.map((one) => withQuotaStatus(store, one)) : found;
  if (wantsMetadata(request.headers.accept)) {
    const head = { kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1" };
    return { ...head, metadata, items: items.map((item) => ({ metadata: item.metadata })) };
  }
  // Items of a list have no kind of their own.
  const bare = items.map(({ kind: _kind, apiVersion: _apiVersion, ...rest }) => rest);
  return { kind: `${kind.kind}List`, apiVersion: apiVersion(kind), metadata, items: bare };
}

function wantsMetadata(accept = ""): boolean {
  const [, form] = /;as=([^;,]+)/.exec(accept) ?? [];
  if (form !== undefined && form !== "PartialObjectMetadataList") {
    throw notImplemented(`answers as ${form}`);
  }
  return form !== undefined;
}
