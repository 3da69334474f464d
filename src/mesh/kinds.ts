/** The kinds whose template a restart patches, with the names that kubectl takes and prints. */
const KINDS = [
  { kind: "Deployment", resource: "deployments", short: ["deployment", "deployments", "deploy"] },
  { kind: "StatefulSet", resource: "statefulsets", short: ["statefulset", "statefulsets", "sts"] },
  { kind: "DaemonSet", resource: "daemonsets", short: ["daemonset", "daemonsets", "ds"] },
] as const;

export type RestartableKind = (typeof KINDS)[number]["kind"];

export const RESTARTABLE_KINDS: readonly RestartableKind[] = KINDS.map(({ kind }) => kind);

/** The plural in the API's paths. */
export function resourceOf(kind: RestartableKind): string {
  return KINDS.find((entry) => entry.kind === kind)?.resource ?? kind;
}

export function isRestartable(kind: string): kind is RestartableKind {
  return RESTARTABLE_KINDS.some((candidate) => candidate === kind);
}

/** `deploy`, `deployments`, `deployments.apps` or `Deployment` as a kind; `undefined` for others. */
export function parseKind(text: string): RestartableKind | undefined {
  const name = text.toLowerCase().replace(/\.apps$/, "");
  return KINDS.find(({ short }) => short.some((candidate) => candidate === name))?.kind;
}

/** `deployment/web`, as kubectl takes it. */
export function resourceName({ kind, name }: { readonly kind: string; readonly name: string }) {
  return `${kind.toLowerCase()}/${name}`;
}
