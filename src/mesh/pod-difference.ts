import { isObject } from "../json-object.ts";
import type { Fields } from "./comparable-pod.ts";

/** One place in which two pods differ. A side that lacks it is `undefined`. */
export interface Difference {
  /** Names of fields, and items of lists in brackets: `spec`, `containers`, `[app]`, `image`. */
  readonly path: readonly string[];
  readonly from: unknown;
  readonly to: unknown;
}

/** The field that identifies an item, by the name of the list. Other lists are compared as a whole. */
const KEYS: Readonly<Record<string, string>> = {
  containers: "name",
  initContainers: "name",
  env: "name",
  volumes: "name",
  imagePullSecrets: "name",
  volumeMounts: "mountPath",
  volumeDevices: "devicePath",
  ports: "containerPort",
};

/** Lists whose items are one difference each, however much in them differs. */
const WHOLE_ITEMS: ReadonlySet<string> = new Set(["env", "volumes", "volumeMounts", "ports"]);

/** Objects whose fields are listed one by one, also if one side lacks the object. */
const SPREAD: ReadonlySet<string> = new Set([
  "labels",
  "annotations",
  "resources",
  "requests",
  "limits",
  "nodeSelector",
]);

/** Returns the places in which two parts of a pod differ. The order of fields makes no difference. */
export function differences(
  from: unknown,
  to: unknown,
  path: readonly string[] = [],
): readonly Difference[] {
  if (isEqual(from, to)) return [];
  const last = path.at(-1) ?? "";
  const key = KEYS[last];
  if (key !== undefined && isListOrAbsent(from) && isListOrAbsent(to)) {
    return itemDifferences(itemsBy(key, from), itemsBy(key, to), path);
  }
  const [before, after] = SPREAD.has(last) ? [from ?? {}, to ?? {}] : [from, to];
  if (!isObject(before) || !isObject(after)) return [{ path, from, to }];
  return keysOf(before, after).flatMap((name) =>
    differences(own(before, name), own(after, name), [...path, segment(name)]),
  );
}

/** Formats a path: `spec.containers[app].resources.requests.cpu`. */
export function formatPath(path: readonly string[]): string {
  return path.reduce((text, part) =>
    part.startsWith("[") || text === "" ? `${text}${part}` : `${text}.${part}`,
  );
}

/** Returns the name of the item that a segment is about; `undefined` for a field. */
export function itemIn(part: string | undefined): string | undefined {
  return part?.startsWith("[") === true ? part.slice(1, -1) : undefined;
}

/** A key with dots or slashes is not a field name. */
function segment(name: string): string {
  return /^[\w-]+$/.test(name) ? name : `[${name}]`;
}

function itemDifferences(
  from: ReadonlyMap<string, unknown>,
  to: ReadonlyMap<string, unknown>,
  path: readonly string[],
): readonly Difference[] {
  const isWhole = WHOLE_ITEMS.has(path.at(-1) ?? "");
  return [...new Set([...from.keys(), ...to.keys()])].flatMap((name) => {
    const place = [...path, `[${name}]`];
    const [before, after] = [from.get(name), to.get(name)];
    if (before === undefined || after === undefined || !isWhole) {
      return differences(before, after, place);
    }
    const [parsed, other] = [parsedIn(before), parsedIn(after)];
    if (parsed !== undefined && other !== undefined) return differences(parsed, other, place);
    return isEqual(before, after) ? [] : [{ path: place, from: before, to: after }];
  });
}

/** Returns the value of a variable that was parsed: its fields are compared one by one. */
function parsedIn(item: unknown): object | undefined {
  const value = isObject(item) ? item["value"] : undefined;
  return isObject(value) ? value : undefined;
}

function isListOrAbsent(value: unknown): boolean {
  return value === undefined || Array.isArray(value);
}

/** Returns the items by their key. Items with the same key become one. */
function itemsBy(key: string, list: unknown): ReadonlyMap<string, unknown> {
  const items = new Map<string, unknown>();
  for (const item of Array.isArray(list) ? (list as readonly unknown[]) : []) {
    const name = isObject(item) ? String(item[key]) : "";
    const before = items.get(name);
    items.set(name, before === undefined ? item : [before, item]);
  }
  return items;
}

function keysOf(a: Fields, b: Fields): readonly string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])];
}

function own(object: Fields, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => isEqual(item, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  return keysOf(a, b).every((name) => isEqual(own(a, name), own(b, name)));
}
