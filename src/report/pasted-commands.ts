import type { CommonSettings } from "../settings.ts";
import { shellWord } from "../shell-word.ts";

/** Flags that lead to the same cluster: what the user gave, and nothing that is so anyway. */
export interface ClusterFlags {
  /** Those that kubectl and istioctl know too. */
  readonly shared: string;
  /** Those of this program. */
  readonly own: string;
}

export function clusterFlags({
  connection: { kubeconfig, context },
  istioNamespace,
}: Pick<CommonSettings, "connection" | "istioNamespace">): ClusterFlags {
  const shared = [...flag("kubeconfig", kubeconfig), ...flag("context", context)];
  const elsewhere = istioNamespace === "aks-istio-system" ? undefined : istioNamespace;
  const own = [...shared, ...flag("istio-namespace", elsewhere)];
  return { shared: shared.join(""), own: own.join("") };
}

function flag(name: string, value: string | undefined): readonly string[] {
  if (value === undefined) return [];
  return [` --${name} ${shellWord(value)}`];
}

/** A value in quotes, as `shellWord` writes it: whatever it says, it is no command. */
const QUOTED = "(?<=[\\s=])'[^']*'(?:\\\\''[^']*')*";
// kubectl takes no flags before the name of a plugin.
const OTHERS = new RegExp(
  `${QUOTED}|\\b(kubectl argo rollouts|(?:kubectl|istioctl)(?= (?:annotate|auth|config|create|delete|describe|get|label|logs|patch|replace|rollout|tag)\\b))`,
  "g",
);
const OWN = new RegExp(
  `${QUOTED}|\\b(istio-upgrade (?:check|explain|restart|revisions|verify))\\b(?!-)`,
  "g",
);

/** The commands in a text, each with the flags that lead it to the same cluster. */
export function completeCommands(text: string, { shared, own }: ClusterFlags): string {
  return text
    .replace(OTHERS, (found: string, command?: string) => (command ? found + shared : found))
    .replace(OWN, (found: string, command?: string) => (command ? found + own : found));
}

/** The fields of a document that say what to type. */
const PASTED = new Set(["nextStep", "hint", "release"]);

/** A document all of whose commands can be pasted: they lead to the cluster that it is about. */
export function withCompleteCommands<Document extends object>(
  document: Document,
  flags: ClusterFlags,
): Document {
  if (flags.own === "") return document;
  return completed("", document, flags) as Document;
}

/** The same value where nothing in it changes, which is most of a large report. */
function completed(name: string, value: unknown, flags: ClusterFlags): unknown {
  if (typeof value === "string") return PASTED.has(name) ? completeCommands(value, flags) : value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map((item) => completed("", item, flags));
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  const members = Object.entries(value).map(
    ([key, member]) => [key, completed(key, member, flags), member] as const,
  );
  return members.every(([, after, before]) => after === before)
    ? value
    : Object.fromEntries(members.map(([key, after]) => [key, after]));
}
