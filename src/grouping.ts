import { UsageError } from "./errors.ts";
import { listOf, type RawOptions, textOf } from "./option-values.ts";

/** The property by which a report counts workloads. */
export type GroupBy =
  | { readonly kind: (typeof PROPERTIES)[number] }
  | { readonly kind: (typeof KEYED)[number]; readonly key: string };

/** The flags about teams: groups of workloads, and columns of labels. */
export interface GroupingSettings {
  readonly groupBy: GroupBy | undefined;
  /** The keys of the labels to show, each once. */
  readonly labelColumns: readonly string[];
}

const PROPERTIES = ["namespace", "kind", "revision"] as const;
const KEYED = ["label", "namespace-label", "namespace-annotation"] as const;

/** The values of `--group-by`; a key follows each `=`. */
export const GROUP_BYS: readonly string[] = [...PROPERTIES, ...KEYED.map((kind) => `${kind}=`)];

/**
 * Reads `--group-by` and `--label-columns`.
 *
 * @throws UsageError
 */
export function groupingSettings(raw: RawOptions): GroupingSettings {
  const groupBy = textOf(raw["groupBy"]);
  const columns = listOf(raw["labelColumns"]).map((key) => requireKey("--label-columns", key));
  return {
    groupBy: groupBy === undefined ? undefined : parseGroupBy(groupBy),
    labelColumns: [...new Set(columns)],
  };
}

/** Formats a group as the flag takes it: `namespace-label=team`. */
export function groupByText(groupBy: GroupBy): string {
  return "key" in groupBy ? `${groupBy.kind}=${groupBy.key}` : groupBy.kind;
}

/** Returns the keys of the annotations of namespaces that a report may show, or name in a note. */
export function askedAnnotations({ groupBy, labelColumns }: GroupingSettings): readonly string[] {
  const own = groupBy !== undefined && "key" in groupBy ? [groupBy.key] : [];
  return [...labelColumns, ...own];
}

function parseGroupBy(given: string): GroupBy {
  const property = PROPERTIES.find((name) => name === given);
  if (property !== undefined) return { kind: property };
  const [, name, key = ""] = /^([^=]*)=(.*)$/s.exec(given) ?? [];
  const keyed = KEYED.find((kind) => kind === name);
  if (keyed !== undefined) return { kind: keyed, key: requireKey(`--group-by ${keyed}`, key) };
  const values =
    "namespace, kind, revision, label=KEY, namespace-label=KEY, namespace-annotation=KEY";
  throw new UsageError(
    `--group-by "${given}" is not valid`,
    // Users often write the key of a label alone.
    name === undefined && isKey(given)
      ? `use one of: ${values}; for a label of the namespaces: --group-by namespace-label=${given}`
      : `use one of: ${values}`,
  );
}

/**
 * True for the key of a label or an annotation, such as `team` or `example.com/owner`.
 * Rule: k8s.io/apimachinery `pkg/util/validation/validation.go`, `IsQualifiedName`.
 */
function isKey(text: string): boolean {
  const [name = "", prefix, ...rest] = text.split("/").toReversed();
  const isName = /^[A-Za-z\d]([\w.-]{0,61}[A-Za-z\d])?$/.test(name);
  const isPrefix =
    prefix === undefined ||
    (prefix.length <= 253 &&
      /^[a-z\d]([a-z\d-]*[a-z\d])?(\.[a-z\d]([a-z\d-]*[a-z\d])?)*$/.test(prefix));
  return isName && isPrefix && rest.length === 0;
}

function requireKey(flag: string, key: string): string {
  if (isKey(key)) return key;
  throw new UsageError(
    `${flag} "${key}" is not the key of a label or an annotation`,
    "write the key alone, such as team or example.com/owner",
  );
}
