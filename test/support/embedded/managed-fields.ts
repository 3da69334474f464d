import { isDeepStrictEqual } from "node:util";
import type { KubeObject } from "./kinds.ts";

/**
 * Field managers as a real API server notes them
 * (k8s.io/apimachinery/pkg/util/managedfields, for updates): the fields that a write changed are the
 * writer's from then on, and nobody owns a field that was removed. A list is one field here.
 */

/** Paths as an object of objects, like `fieldsV1`. A path ends at an empty object. */
interface Fields {
  readonly [key: string]: Fields;
}

interface Entry {
  readonly manager: string;
  readonly operation: "Update";
  readonly time: string;
  readonly fieldsV1: Fields;
}

/**
 * Parts of an object that have no manager, because the API server writes them itself. Of the metadata,
 * labels and annotations have one.
 */
const UNMANAGED = new Set(["apiVersion", "kind", "metadata", "status"]);

/** The field manager of a request without one: the first part of the user agent of the tests. */
export const TEST_CLIENT = "istio-upgrade-test";

/** Returns the object with the fields that `manager` changed; `before` is `{}` for a new object. */
export function managedBy(
  before: KubeObject,
  after: KubeObject,
  manager: string,
  time: string,
): KubeObject {
  const changed = difference(withoutUnmanaged(before), withoutUnmanaged(after));
  const { managedFields = [], ...metadata } = after["metadata"];
  const entries: readonly Entry[] = managedFields.map((entry: Entry) => ({
    ...entry,
    fieldsV1: subtract(entry.fieldsV1, changed),
  }));
  const own = entries.find((entry) => entry.manager === manager);
  const others = entries.filter((entry) => entry !== own && !isEmpty(entry.fieldsV1));
  const fieldsV1 = merge(own?.fieldsV1 ?? {}, present(changed, fieldsOf(withoutUnmanaged(after))));
  const entry: Entry = { manager, operation: "Update", time, fieldsV1 };
  const written = isEmpty(fieldsV1) ? others : [...others, entry];
  return { ...after, metadata: { ...metadata, managedFields: written } };
}

function withoutUnmanaged(object: KubeObject): KubeObject {
  const { labels, annotations } = object["metadata"] ?? {};
  const metadata = { ...(labels && { labels }), ...(annotations && { annotations }) };
  const others = Object.entries(object).filter(([key]) => !UNMANAGED.has(key));
  return { ...Object.fromEntries(others), metadata };
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isEmpty(fields: Fields): boolean {
  return Object.keys(fields).length === 0;
}

/** Returns all paths of an object. */
function fieldsOf(value: unknown): Fields {
  if (!isMap(value)) return {};
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [`f:${key}`, fieldsOf(inner)]),
  );
}

/** Returns the paths of the values that differ, removed ones included. */
function difference(before: unknown, after: unknown): Fields {
  const [old, young] = [isMap(before) ? before : {}, isMap(after) ? after : {}];
  const keys = new Set([...Object.keys(old), ...Object.keys(young)]);
  const changed = [...keys].filter((key) => !isDeepStrictEqual(old[key], young[key]));
  return Object.fromEntries(
    changed.map((key) => {
      const isNested = isMap(old[key]) || isMap(young[key]);
      return [`f:${key}`, isNested ? difference(old[key], young[key]) : {}];
    }),
  );
}

/** Returns `fields` without the paths that `removed` ends at. */
function subtract(fields: Fields, removed: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([key, inner]) => {
      const lost = removed[key];
      if (lost === undefined) return [[key, inner]];
      const left = subtract(inner, lost);
      return isEmpty(left) ? [] : [[key, left]];
    }),
  );
}

/** Returns the paths of `fields` that `all` has too. */
function present(fields: Fields, all: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([key, inner]) => {
      const there = all[key];
      if (there === undefined) return [];
      const kept = present(inner, there);
      return isEmpty(kept) && !isEmpty(inner) ? [] : [[key, kept]];
    }),
  );
}

function merge(a: Fields, b: Fields): Fields {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries([...keys].map((key) => [key, merge(a[key] ?? {}, b[key] ?? {})]));
}
