import type { IncomingHttpHeaders } from "node:http";
import { isDeepStrictEqual } from "node:util";
import { type User, denial, mayDo, review } from "./access.ts";
import {
  EVENTS_GROUP,
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
import { acceptedEvent, newForm } from "./events.ts";
import { validateLease } from "./leases.ts";
import { endpointSlices, fieldPredicate, labelPredicate, page } from "./lists.ts";
import { managedBy, TEST_CLIENT } from "./managed-fields.ts";
import { forbidden, noSuchPage, notFound, notImplemented } from "./refusal.ts";
import type { Store } from "./store.ts";
import { create, now, patched, remove, setStatus, update } from "./write.ts";

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
  /** True for the status of a pod, which stays as it was patched. */
  readonly isStatus?: boolean;
}

/** Kinds that can only be listed: slices are derived. */
const ONLY_LISTED = new Set(["EndpointSlice"]);
/** Kinds whose status can be patched on its own. */
const STATUS_KINDS = new Set(["Node", "Pod"]);
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
  const { kind, namespace } = target;
  const verb = verbOf(method, target);
  requirePermission(user, verb, target);
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
      if (kind.kind === "Lease") validateLease(body);
      const metadata = { ...body.metadata, ...(namespace && { namespace }) };
      const object = { ...body, kind: kind.kind, metadata };
      if (kind.group === EVENTS_GROUP) return newForm(create(store, acceptedEvent(object), dryRun));
      return review(user, kind, body) ?? create(store, object, dryRun);
    }
    case "patch": {
      const before = find(store, target);
      const after = patched(before, request.headers["content-type"] ?? "", text);
      if (kind.kind === "Lease") validateLease(after);
      if (target.isStatus) {
        setStatus(store, before, { ...after["status"], isFixed: true });
        return find(store, target);
      }
      const manager = url.searchParams.get("fieldManager") ?? TEST_CLIENT;
      const changed = !isDeepStrictEqual(after, before);
      return update(
        store,
        before,
        changed ? managedBy(before, after, manager, now()) : after,
        dryRun,
      );
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

/** @throws Refusal if RBAC does not allow the verb. */
export function requirePermission(
  user: User,
  verb: string,
  { kind, namespace, name }: Target,
): void {
  // The API server treats a namespace as inside itself.
  const place = namespace ?? (kind.kind === "Namespace" ? name : undefined);
  const asked = { verb, group: kind.group, resource: kind.resource, namespace: place, name };
  if (!mayDo(user, asked)) throw forbidden(denial(user, asked))(kind, name);
}

/** Rejects an object that would create pods, if no controller here creates them. */
function requireIdle({ kind }: Kind, spec: KubeObject | undefined): void {
  const runs = ["CronJob", "Job"].includes(kind) && spec?.["suspend"] !== true;
  const scales = kind === "ReplicationController" && spec?.["replicas"] !== 0;
  if (runs || scales) throw notImplemented(`a running ${kind}`);
}

export function targetOf(store: Store, path: string): Target {
  const [root, ...rest] = path.split("/").slice(1).map(decodeURIComponent);
  const [group = "", version, ...steps] = root === "apis" ? rest : ["", ...rest];
  const inNamespace = steps[0] === "namespaces" && steps.length > 2;
  const [resource = "", name, subresource] = inNamespace ? steps.slice(2) : steps;
  const isServed = isBuiltIn(group) || store.installed.has(group);
  if (root === "apis" && !isServed) throw noSuchPage();
  const kind = findKind(group, resource);
  const isKnown = (root === "api" || root === "apis") && version === versionOf({ group });
  const isStatus = subresource === "status" && STATUS_KINDS.has(kind?.kind ?? "");
  if (kind === undefined || !isKnown || (subresource !== undefined && !isStatus)) {
    throw notImplemented(path);
  }
  return { kind, namespace: inNamespace ? steps[1] : undefined, name, isStatus };
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
  const { items: stored, metadata } = page(store, selected, query);
  const found = kind.group === EVENTS_GROUP ? stored.map(newForm) : stored;
  const items =
    kind.kind === "ResourceQuota" ? found.map((one) => withQuotaStatus(store, one)) : found;
  if (wantsMetadata(request.headers.accept, "PartialObjectMetadataList")) {
    const head = { kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1" };
    return { ...head, metadata, items: items.map((item) => ({ metadata: item.metadata })) };
  }
  // Items of a list have no kind of their own.
  const bare = items.map(({ kind: _kind, apiVersion: _apiVersion, ...rest }) => rest);
  return { kind: `${kind.kind}List`, apiVersion: apiVersion(kind), metadata, items: bare };
}

/** True if a request asks for metadata only, in the form that the answer has. */
export function wantsMetadata(accept: string | undefined, metadataForm: string): boolean {
  const [, form] = /;as=([^;,]+)/.exec(accept ?? "") ?? [];
  if (form !== undefined && form !== metadataForm) throw notImplemented(`answers as ${form}`);
  return form !== undefined;
}
