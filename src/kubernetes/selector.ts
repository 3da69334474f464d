import type { LabelRequirement, Labels, LabelSelector } from "../snapshot.ts";

/**
 * True if labels satisfy a selector. An empty selector matches everything, and an unknown operator
 * matches nothing.
 * Rule: k8s.io/apimachinery `pkg/labels/selector.go`, `Requirement.Matches`. `NotIn` and
 * `DoesNotExist` also match if the key is absent.
 */
export function matchesSelector(labels: Labels, selector: LabelSelector): boolean {
  const equal = Object.entries(selector.matchLabels ?? {});
  return (
    equal.every(([key, value]) => valueOf(labels, key) === value) &&
    (selector.matchExpressions ?? []).every((requirement) =>
      matchesRequirement(labels, requirement),
    )
  );
}

function matchesRequirement(labels: Labels, { key, operator, values }: LabelRequirement): boolean {
  const value = valueOf(labels, key);
  const listed = value !== undefined && (values ?? []).includes(value);
  switch (operator) {
    case "In":
      return listed;
    case "NotIn":
      return !listed;
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    default:
      return false;
  }
}

/** Returns the requirements of a selector that labels do not satisfy. */
export function unmetRequirements(
  labels: Labels,
  { matchLabels, matchExpressions }: LabelSelector,
): readonly LabelRequirement[] {
  const equal = Object.entries(matchLabels ?? {}).map(([key, value]) => ({
    key,
    operator: "In",
    values: [value],
  }));
  return [...equal, ...(matchExpressions ?? [])].filter(
    (requirement) => !matchesRequirement(labels, requirement),
  );
}

/** A selector as the API returns it, in which anything may be absent. */
interface PartialSelector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly Partial<LabelRequirement>[];
}

/** Fills in the parts that a selector from the API lacks. */
export function completeSelector(selector: PartialSelector | undefined): LabelSelector {
  return {
    matchLabels: selector?.matchLabels ?? {},
    matchExpressions: (selector?.matchExpressions ?? []).map(
      ({ key = "", operator = "", values }) => ({ key, operator, ...(values && { values }) }),
    ),
  };
}

/** Formats a selector for the API's parameter `labelSelector`. */
export function formatSelector({ matchLabels, matchExpressions }: LabelSelector): string {
  const equal = Object.entries(matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  return [...equal, ...(matchExpressions ?? []).map(formatRequirement)].join(",");
}

/** Formats a requirement, such as `istio.io/rev in (asm-1-27)`. */
export function formatRequirement({ key, operator, values }: LabelRequirement): string {
  const list = `(${(values ?? []).join(",")})`;
  switch (operator) {
    case "In":
      return `${key} in ${list}`;
    case "NotIn":
      return `${key} notin ${list}`;
    case "Exists":
      return key;
    default:
      return `!${key}`;
  }
}

/** A parsed selector, or the first part of the text that is not a requirement. */
export type ParsedSelector =
  | { readonly kind: "selector"; readonly selector: LabelSelector }
  | { readonly kind: "invalid"; readonly part: string };

/**
 * Parses a selector in the syntax of kubectl's `-l`: `app=web,tier!=db,env in (a,b),!legacy`.
 * Source: k8s.io/apimachinery `pkg/labels/selector.go`.
 */
export function parseSelector(text: string): ParsedSelector {
  const matchExpressions: LabelRequirement[] = [];
  // Commas inside parentheses separate values.
  for (const part of text.split(/,(?![^(]*\))/).map((piece) => piece.trim())) {
    const requirement = parseRequirement(part);
    if (requirement === undefined) return { kind: "invalid", part };
    matchExpressions.push(requirement);
  }
  return { kind: "selector", selector: { matchExpressions } };
}

const KEY = "([\\w.-]+(?:/[\\w.-]+)?)";

function parseRequirement(part: string): LabelRequirement | undefined {
  const [, key = "", operator, value = ""] =
    new RegExp(`^${KEY}\\s*(==|=|!=)\\s*([\\w.-]*)$`).exec(part) ?? [];
  if (operator !== undefined) {
    return { key, operator: operator === "!=" ? "NotIn" : "In", values: [value] };
  }
  const [, listKey = "", word, list = ""] =
    new RegExp(`^${KEY}\\s+(in|notin)\\s*\\(([^()]*)\\)$`).exec(part) ?? [];
  if (word !== undefined) {
    const values = list.split(",").map((entry) => entry.trim());
    return { key: listKey, operator: word === "in" ? "In" : "NotIn", values };
  }
  const [, not, bare] = new RegExp(`^(!?)\\s*${KEY}$`).exec(part) ?? [];
  return bare === undefined
    ? undefined
    : { key: bare, operator: not === "!" ? "DoesNotExist" : "Exists" };
}

/** Returns the value of a label. Every object inherits `constructor`, which is a valid label key. */
function valueOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
