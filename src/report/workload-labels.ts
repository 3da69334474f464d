import type { GroupingSettings } from "../grouping.ts";
import {
  compareText,
  type Labels,
  type Namespace,
  type Workload,
  type WorkloadRef,
} from "../snapshot.ts";
import type { LabelFields } from "./document.ts";

/**
 * Creates a function that returns the labels of a workload that the user asked for, and the group of
 * `--group-by` that it belongs to.
 *
 * @param namespaces the namespaces that could be read, by name.
 */
export function createLabelling(
  { groupBy, labelColumns }: GroupingSettings,
  namespaces: ReadonlyMap<string, Namespace>,
): (workload: Workload) => LabelFields {
  function groupOf(workload: Workload): string | undefined {
    const namespace = namespaces.get(workload.namespace);
    switch (groupBy?.kind) {
      case undefined:
        return undefined;
      case "namespace":
        return workload.namespace;
      case "kind":
        return workload.kind;
      case "revision":
        return revisionsOf(workload);
      case "label":
        return ownLabel(workload, groupBy.key);
      case "namespace-label":
        return valueOf(namespace?.labels, groupBy.key);
      case "namespace-annotation":
        return valueOf(namespace?.annotations, groupBy.key);
    }
  }

  function labelsOf(workload: Workload): Labels {
    const namespace = namespaces.get(workload.namespace);
    return labelsWith(
      labelColumns,
      (key) => ownLabel(workload, key) ?? namespaceValue(namespace, key),
    );
  }

  return (workload) => ({
    ...(labelColumns.length === 0 ? {} : { labels: labelsOf(workload) }),
    ...(groupBy === undefined ? {} : { group: groupOf(workload) ?? null }),
  });
}

/**
 * Creates a function that returns the same for a step, as its workload was before the run. It may be
 * gone at the end.
 */
export function createStepLabelling(
  grouping: GroupingSettings,
  {
    workloads,
    namespaces,
  }: {
    readonly workloads: readonly Workload[];
    readonly namespaces: ReadonlyMap<string, Namespace>;
  },
): (ref: WorkloadRef) => LabelFields {
  const { groupBy, labelColumns } = grouping;
  if (groupBy === undefined && labelColumns.length === 0) return () => ({});
  const labelling = createLabelling(grouping, namespaces);
  const byUid = new Map(workloads.map((workload) => [workload.uid, labelling(workload)]));
  const none = {
    ...(labelColumns.length === 0 ? {} : { labels: {} }),
    ...(groupBy === undefined ? {} : { group: null }),
  };
  return ({ uid }) => byUid.get(uid) ?? none;
}

/** Returns a note for each key that no workload has: it is probably misspelled. */
export function labelNotes(
  { groupBy, labelColumns }: GroupingSettings,
  entries: readonly LabelFields[],
  namespaces: ReadonlyMap<string, Namespace>,
): readonly string[] {
  if (entries.length === 0) return [];
  const missing = labelColumns.filter((key) =>
    entries.every(({ labels }) => valueOf(labels, key) === undefined),
  );
  const columns = missing.map(
    (key) => `no workload in scope has the label ${key}, nor has its namespace`,
  );
  if (groupBy === undefined || !("key" in groupBy)) return columns;
  if (entries.some(({ group }) => typeof group === "string")) return columns;
  const { kind, key } = groupBy;
  const inNamespaces = (["namespace-label", "namespace-annotation"] as const).find(
    (other) => other !== kind && [...namespaces.values()].some(isIn(other, key)),
  );
  const note = `no ${NOUNS[kind]} in scope has the ${kind === "namespace-annotation" ? "annotation" : "label"} ${key}`;
  return [
    ...columns,
    inNamespaces === undefined ? note : `${note}: use --group-by ${inNamespaces}=${key}`,
  ];
}

const NOUNS = {
  label: "workload",
  "namespace-label": "namespace",
  "namespace-annotation": "namespace",
} as const;

function isIn(place: "namespace-label" | "namespace-annotation", key: string) {
  return ({ labels, annotations }: Namespace): boolean =>
    valueOf(place === "namespace-label" ? labels : annotations, key) !== undefined;
}

/** Returns the labels of a namespace with these keys; an annotation if it has no such label. */
export function namespaceLabels(namespace: Namespace | undefined, keys: readonly string[]): Labels {
  return labelsWith(keys, (key) => namespaceValue(namespace, key));
}

/** Returns the labels that have a value. */
function labelsWith(keys: readonly string[], find: (key: string) => string | undefined): Labels {
  return Object.fromEntries(
    keys.flatMap((key) => {
      const value = find(key);
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

function namespaceValue(namespace: Namespace | undefined, key: string): string | undefined {
  return valueOf(namespace?.labels, key) ?? valueOf(namespace?.annotations, key);
}

/**
 * Returns a label of the workload itself. A workload that is not listed, such as a Job, is known only by
 * its pods, which have the labels of its template.
 */
function ownLabel({ labels, apiVersion, template }: Workload, key: string): string | undefined {
  const own = valueOf(labels, key);
  return own ?? (apiVersion === undefined ? undefined : valueOf(template?.labels, key));
}

/** Returns the revisions that the pods run: `asm-1-27`, or `asm-1-27,asm-1-28` for several. */
function revisionsOf({ pods }: Workload): string | undefined {
  const revisions = new Set(pods.flatMap(({ revision }) => revision ?? []));
  return revisions.size === 0 ? undefined : [...revisions].sort(compareText).join(",");
}

/** Returns the value of a key. Every object inherits `constructor`, which is a valid key. */
function valueOf(texts: Labels | undefined, key: string): string | undefined {
  return texts !== undefined && Object.hasOwn(texts, key) ? texts[key] : undefined;
}
