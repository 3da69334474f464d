import { argoRollouts, type Command, istioUpgrade, kubectl } from "../next-step.ts";

/** The kinds that can be restarted, with their API and the names that kubectl accepts. */
const KINDS = [
  { kind: "Deployment", api: "apps/v1", resource: "deployments", short: "deploy" },
  { kind: "StatefulSet", api: "apps/v1", resource: "statefulsets", short: "sts" },
  { kind: "DaemonSet", api: "apps/v1", resource: "daemonsets", short: "ds" },
  { kind: "Rollout", api: "argoproj.io/v1alpha1", resource: "rollouts", short: "ro" },
] as const;

export type RestartableKind = (typeof KINDS)[number]["kind"];

/** The kinds that every cluster has. An Argo `Rollout` exists only if its controller is installed. */
export type BuiltInKind = Exclude<RestartableKind, "Rollout">;

export const BUILT_IN_KINDS: readonly BuiltInKind[] = ["Deployment", "StatefulSet", "DaemonSet"];

/** Returns the API of a kind: its group and version, such as `apps/v1`, and its resource. */
export function apiOf(kind: RestartableKind): { readonly api: string; readonly resource: string } {
  const { api, resource } = KINDS.find((entry) => entry.kind === kind) ?? KINDS[0];
  return { api, resource };
}

/** Returns the API group of a kind, as an RBAC rule names it. */
export function groupNameOf(kind: RestartableKind): string {
  return apiOf(kind).api.split("/")[0] ?? "";
}

export function isRestartable(kind: string): kind is RestartableKind {
  return KINDS.some((candidate) => candidate.kind === kind);
}

/**
 * Parses the kind of a workload that can be restarted: `deploy`, `deployments`, `deployments.apps`,
 * `deployments.v1.apps` and `Deployment` are a Deployment.
 */
export function parseKind(text: string): RestartableKind | undefined {
  return findKind(KINDS, text);
}

/** A kind with the names that kubectl accepts for it. */
interface Named<Kind extends string> {
  readonly kind: Kind;
  /** The group and version; the core group is empty, as in `/v1`. */
  readonly api: string;
  readonly resource: string;
  readonly short: string;
}

/** Finds a kind by `RESOURCE`, `RESOURCE.GROUP` or `RESOURCE.VERSION.GROUP`, as kubectl does. */
function findKind<Kind extends string>(
  kinds: readonly Named<Kind>[],
  text: string,
): Kind | undefined {
  const [name = "", ...rest] = text.toLowerCase().split(".");
  const suffix = rest.join(".");
  return kinds.find(({ kind, api, resource, short }) => {
    const [group = "", version = ""] = api.split("/");
    const isNamed = [kind.toLowerCase(), resource, short].includes(name);
    return isNamed && ["", group, `${version}.${group}`].includes(suffix);
  })?.kind;
}

/** Kinds that cannot be restarted, but can be explained by what their pods run. */
const OTHER_KINDS = [
  { kind: "Pod", api: "/v1", resource: "pods", short: "po" },
  { kind: "ReplicaSet", api: "apps/v1", resource: "replicasets", short: "rs" },
  { kind: "ReplicationController", api: "/v1", resource: "replicationcontrollers", short: "rc" },
  { kind: "Job", api: "batch/v1", resource: "jobs", short: "job" },
  { kind: "CronJob", api: "batch/v1", resource: "cronjobs", short: "cj" },
] as const;

/**
 * Returns a kind as reports name it: with its group, such as `StatefulSet.apps.kruise.io`, if a kind
 * of another group has the same name. The group `extensions` had the kinds that moved to `apps`.
 *
 * @param apiVersion the group and version of an owner reference, such as `apps/v1`.
 */
export function reportedKind(kind: string, apiVersion: string): string {
  const [first = "", version] = apiVersion.split("/");
  const group = version === undefined ? "" : first;
  const known = [...KINDS, ...OTHER_KINDS].find((entry) => entry.kind === kind);
  if (known === undefined || group === "" || group === "extensions") return kind;
  return known.api.split("/")[0] === group ? kind : `${kind}.${group}`;
}

/** Returns the API of a kind of Kubernetes, such as `batch/v1` and `cronjobs`; `undefined` for other kinds. */
export function knownApiOf(
  kind: string,
): { readonly group: string; readonly resource: string } | undefined {
  const known = [...KINDS, ...OTHER_KINDS].find((entry) => entry.kind === kind);
  return known && { group: known.api.replace(/^\//, ""), resource: known.resource };
}

/** Returns the resource of a kind of Kubernetes, such as `cronjobs`; `undefined` for other kinds. */
export function resourceOf(kind: string): string | undefined {
  return knownApiOf(kind)?.resource;
}

/** Parses every kind that a user can name; besides the kinds of `parseKind`, for example `pod`. */
export function parseAnyKind(text: string): string | undefined {
  return parseKind(text) ?? findKind(OTHER_KINDS, text);
}

/**
 * True if a text names a kind: as the kind itself in any case, or as the plural of a resource, with
 * or without its group. A plural is compared by the usual rules for English. A kind that is reported
 * with its group is only named by a text with that group.
 */
export function isSameKind(kind: string, text: string): boolean {
  const [name = "", ...suffix] = text.toLowerCase().split(".");
  const [singular = "", ...group] = kind.toLowerCase().split(".");
  const plurals = [`${singular}s`, `${singular}es`, singular.replace(/y$/, "ies")];
  if (![singular, ...plurals].includes(name)) return false;
  if (group.length > 0) return `.${suffix.join(".")}`.endsWith(`.${group.join(".")}`);
  const isKnown = resourceOf(kind) !== undefined;
  return !isKnown || suffix.length === 0 || parseAnyKind(text) === kind;
}

/** Returns the short name of a kind, such as `deploy`; for other kinds, the whole name. */
export function shortKind(kind: string): string {
  return KINDS.find((entry) => entry.kind === kind)?.short ?? kind.toLowerCase();
}

/** Returns a workload's name for kubectl, such as `deployment/web`. */
export function resourceName({ kind, name }: { readonly kind: string; readonly name: string }) {
  return `${kind.toLowerCase()}/${name}`;
}

/**
 * Returns a command such as `kubectl rollout undo deployment/web -n shop`. For an Argo Rollout, it is
 * a command of the kubectl plugin of Argo Rollouts.
 */
export function rolloutCommand(
  verb: "status" | "undo" | "resume",
  ref: { readonly kind: string; readonly name: string; readonly namespace: string },
): Command {
  const inNamespace = ["-n", ref.namespace];
  if (ref.kind !== "Rollout") {
    return kubectl("rollout", verb, resourceName(ref), ...inNamespace);
  }
  return argoRollouts(verb === "resume" ? "promote" : verb, ref.name, ...inNamespace);
}

/** Returns a command such as `istio-upgrade restart deployment/web --namespace shop`. */
export function restartCommand(
  ref: { readonly kind: string; readonly name: string; readonly namespace: string },
  ...flags: readonly string[]
): Command {
  return istioUpgrade("restart", resourceName(ref), "--namespace", ref.namespace, ...flags);
}
