import { randomInt, randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { admit, admitChange, rewritten } from "./admission.ts";
import { injected } from "./istio.ts";
import { ARGO, type KubeObject, apiVersion, kindNamed } from "./kinds.ts";
import { managedBy, TEST_CLIENT } from "./managed-fields.ts";
import {
  alreadyExists,
  conflict,
  failedPatch,
  notFound,
  notImplemented,
  otherUid,
} from "./refusal.ts";
import type { Store } from "./store.ts";

/** Writes as a real API server does: with validation, defaults, injection and generations. */

const ROLLING = { type: "RollingUpdate" };
const DEFAULTS: Readonly<Record<string, KubeObject>> = {
  Deployment: {
    replicas: 1,
    progressDeadlineSeconds: 600,
    strategy: { ...ROLLING, rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
  },
  ReplicaSet: { replicas: 1 },
  StatefulSet: { replicas: 1, updateStrategy: { ...ROLLING, rollingUpdate: { partition: 0 } } },
  DaemonSet: { updateStrategy: { ...ROLLING, rollingUpdate: { maxUnavailable: 1 } } },
};

export function create(store: Store, body: KubeObject, dryRun = false): KubeObject {
  const kind = kindNamed(body.kind);
  const {
    namespace,
    generateName,
    name = `${generateName?.slice(0, 58)}${suffix()}`,
  } = body.metadata;
  if (namespace !== undefined && !store.get("Namespace", undefined, namespace)) {
    throw notFound(kindNamed("Namespace"), namespace);
  }
  if (store.get(body.kind, namespace, name)) {
    if (body.metadata.name === undefined) return create(store, body, dryRun);
    throw alreadyExists(kind, name);
  }
  const object = withDefaults({
    ...body,
    apiVersion: apiVersion(kind),
    metadata: {
      ...body.metadata,
      name,
      uid: randomUUID(),
      creationTimestamp: now(),
      ...((kind.group === "apps" || kind.group === ARGO || body.kind === "Pod") && {
        generation: 1,
      }),
    },
    ...(body.spec && body.kind !== "Lease" && { status: {} }),
  });
  if (body.kind === "CustomResourceDefinition") store.installed.add(object.spec.group);
  const admitted =
    body.kind === "Pod"
      ? rewritten(store, injected(store, object))
      : managedBy({}, object, TEST_CLIENT, now());
  if (body.kind === "Pod") admit(store, admitted);
  return dryRun ? admitted : store.put(admitted);
}

/** Stores `after`, which was made from the stored object `before`. */
export function update(
  store: Store,
  before: KubeObject,
  after: KubeObject,
  dryRun = false,
): KubeObject {
  const { name, uid, resourceVersion, generation } = before.metadata;
  const sent = after.metadata;
  const kind = kindNamed(before.kind);
  if (sent.uid !== uid) throw otherUid(kind, name);
  if (sent.resourceVersion !== resourceVersion) throw conflict(kind, name);
  const object = withDefaults({ ...after, ...(before.status && { status: before.status }) });
  if (isDeepStrictEqual(object, before)) return before;
  if (generation !== undefined && !isDeepStrictEqual(object.spec, before.spec)) {
    object.metadata = { ...object.metadata, generation: generation + 1 };
  }
  if (!isDeepStrictEqual(object.spec, before.spec)) admitChange(store, object);
  return dryRun ? object : store.put(object);
}

export function setStatus(store: Store, object: KubeObject, status: KubeObject): void {
  if (!isDeepStrictEqual(object.status, status)) store.put({ ...object, status });
}

/**
 * Deletes an object and the objects that it owns. A pod only starts to terminate; the kubelet
 * deletes it.
 */
export function remove(store: Store, object: KubeObject): void {
  const { kind, metadata } = object;
  if (kind === "Pod") {
    if (metadata.deletionTimestamp !== undefined) return;
    return void store.put({ ...object, metadata: { ...metadata, deletionTimestamp: now() } });
  }
  store.drop(object);
  for (const dependent of store.owned(object)) remove(store, dependent);
  if (kind !== "Namespace") return;
  for (const one of store.all()) if (one.metadata.namespace === metadata.name) store.drop(one);
}

function withDefaults(object: KubeObject): KubeObject {
  const { kind, metadata, spec } = object;
  if (kind === "Pod") return { ...object, status: { phase: "Pending", ...object.status } };
  if (kind === "Namespace") {
    const labels = { ...metadata.labels, "kubernetes.io/metadata.name": metadata.name };
    return { ...object, metadata: { ...metadata, labels }, status: { phase: "Active" } };
  }
  const defaults = DEFAULTS[kind];
  return defaults === undefined ? object : { ...object, spec: merged(defaults, spec) };
}

/** Returns a patched copy of `object`. */
export function patched(object: KubeObject, contentType: string, text: string): KubeObject {
  if (contentType === "application/json-patch+json") return jsonPatched(object, JSON.parse(text));
  const strategic = contentType === "application/strategic-merge-patch+json";
  if (!strategic && contentType !== "application/merge-patch+json") {
    throw notImplemented(`patches of the type ${contentType}`);
  }
  return merged(object, JSON.parse(text), strategic);
}

interface PatchOperation {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

/** Applies the operations of RFC 6902 that this program sends. A test that fails rejects the patch. */
function jsonPatched(object: KubeObject, operations: readonly PatchOperation[]): KubeObject {
  const result = structuredClone(object);
  for (const { op, path, value } of operations) {
    const keys = path
      .split("/")
      .slice(1)
      .map((key) => key.replace("~1", "/").replace("~0", "~"));
    const last = keys.pop() ?? "";
    const parent = keys.reduce((at, key) => at?.[key], result);
    if (parent?.[last] === undefined && op !== "add") throw failedPatch();
    switch (op) {
      case "test":
        if (!isDeepStrictEqual(parent?.[last], value)) throw failedPatch();
        break;
      case "add":
      case "replace":
        if (parent === undefined) throw failedPatch();
        parent[last] = value;
        break;
      case "remove":
        delete parent?.[last];
        break;
      default:
        throw notImplemented(`the operation ${op} of a JSON patch`);
    }
  }
  return result;
}

// oxlint-disable-next-line typescript/no-explicit-any -- any part of any object
function merged(target: any, change: any, strategic = false): any {
  // A strategic merge of lists needs the merge keys of the API's types.
  if (strategic && Array.isArray(change)) throw notImplemented("strategic merges of lists");
  const isMap = (value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isMap(change)) return change;
  const result = isMap(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(change)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value, strategic);
  }
  return result;
}

function suffix(): string {
  const letters = "bcdfghjklmnpqrstvwxz2456789";
  return Array.from({ length: 5 }, () => letters[randomInt(letters.length)]).join("");
}

/** Returns the current time as Kubernetes formats it, in whole seconds. */
export function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, "Z");
}
