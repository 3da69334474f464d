/** The kinds whose template a restart patches, with the names that kubectl takes and prints. */
const KINDS = [
  { kind: "Deployment", resource: "deployments", short: "deploy" },
  { kind: "StatefulSet", resource: "statefulsets", short: "sts" },
  { kind: "DaemonSet", resource: "daemonsets", short: "ds" },
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
  return KINDS.find(({ kind, resource, short }) =>
    [kind.toLowerCase(), resource, short].includes(name),
  )?.kind;
}

/** Kinds that are not restarted, but may be named: what they run is read from their pods. */
const OTHER_KINDS = [
  { kind: "Pod", resource: "pods", short: "po" },
  { kind: "ReplicaSet", resource: "replicasets", short: "rs" },
  { kind: "Job", resource: "jobs", short: "job" },
  { kind: "CronJob", resource: "cronjobs", short: "cj" },
] as const;

/** As `parseKind`, for everything that can be named: `pod`, `po` or `pods` too. */
export function parseAnyKind(text: string): string | undefined {
  const name = text.toLowerCase().replace(/\.(?:apps|batch)$/, "");
  return [...KINDS, ...OTHER_KINDS].find(({ kind, resource, short }) =>
    [kind.toLowerCase(), resource, short].includes(name),
  )?.kind;
}

/** `deploy` for the kinds that have a short name, the whole kind for others. */
export function shortKind(kind: string): string {
  return KINDS.find((entry) => entry.kind === kind)?.short ?? kind.toLowerCase();
}

/** `deployment/web`, as kubectl takes it. */
export function resourceName({ kind, name }: { readonly kind: string; readonly name: string }) {
  return `${kind.toLowerCase()}/${name}`;
}
