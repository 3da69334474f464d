import type { LabelRequirement } from "../snapshot.ts";

const OS_LABELS = ["kubernetes.io/os", "beta.kubernetes.io/os"];

/** True for a label of nodes that names their operating system. */
export function isOsLabel(key: string): boolean {
  return OS_LABELS.includes(key);
}

/** The part of a pod's spec that chooses its nodes. */
interface NodeRequirements {
  readonly os?: { readonly name?: string };
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly affinity?: {
    readonly nodeAffinity?: {
      readonly requiredDuringSchedulingIgnoredDuringExecution?: {
        readonly nodeSelectorTerms?: readonly {
          readonly matchExpressions?: readonly Partial<LabelRequirement>[];
        }[];
      };
    };
  };
}

/** True if a pod can only run on Windows, by its `os` or by the nodes that it requires. */
export function isForWindows({ os, nodeSelector, affinity }: NodeRequirements): boolean {
  if (os?.name === "windows") return true;
  if (OS_LABELS.some((label) => nodeSelector?.[label] === "windows")) return true;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const terms = arrayOf(required?.nodeSelectorTerms);
  return (
    terms.length > 0 &&
    terms.every((term) =>
      arrayOf(term.matchExpressions).some(
        ({ key = "", operator, values }) =>
          isOsLabel(key) &&
          operator === "In" &&
          arrayOf(values).every((value) => value === "windows"),
      ),
    )
  );
}

/** The API server does not check the pod templates of custom resources: a list may be anything. */
function arrayOf<Item>(value: readonly Item[] | undefined): readonly Item[] {
  return Array.isArray(value) ? value : [];
}
