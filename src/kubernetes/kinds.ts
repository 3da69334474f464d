import { shellWord } from "../shell-word.ts";

/** The kinds that can be restarted, with their place in the API and the names that kubectl takes. */
const KINDS = [
  { kind: "Deployment", api: "apps/v1", resource: "deployments", short: "deploy" },
  { kind: "StatefulSet", api: "apps/v1", resource: "statefulsets", short: "sts" },
  { kind: "DaemonSet", api: "apps/v1", resource: "daemonsets", short: "ds" },
  { kind: "Rollout", api: "argoproj.io/v1alpha1", resource: "rollouts", short: "ro" },
] as const;

export type RestartableKind = (typeof KINDS)[number]["kind"];

/** Those that every cluster has; an Argo `Rollout` is there where its controller is installed. */
export type BuiltInKind = Exclude<RestartableKind, "Rollout">;

export const BUILT_IN_KINDS: readonly BuiltInKind[] = ["Deployment", "StatefulSet", "DaemonSet"];

/** `apps/v1`, and the plural in the API's paths. */
export function apiOf(kind: RestartableKind): { readonly api: string; readonly resource: string } {
  const { api, resource } = KINDS.find((entry) => entry.kind === kind) ?? KINDS[0];
  return { api, resource };
}

/** The API group, as a rule of RBAC names it. */
export function groupNameOf(kind: RestartableKind): string {
  return apiOf(kind).api.split("/")[0] ?? "";
}

export function isRestartable(kind: string): kind is RestartableKind {
  return KINDS.some((candidate) => candidate.kind === kind);
}

/**
 * `deploy`, `deployments`, `deployments.apps`, `deployments.v1.apps` or `Deployment` as a kind;
 * `undefined` for others.
 */
export function parseKind(text: string): RestartableKind | undefined {
  return kindIn(KINDS, text);
}

interface Named<Kind extends string> {
  readonly kind: Kind;
  /** Group and version; the group alone is empty for the core. */
  readonly api: string;
  readonly resource: string;
  readonly short: string;
}

/** As kubectl takes it: `RESOURCE`, `RESOURCE.GROUP` or `RESOURCE.VERSION.GROUP`. */
function kindIn<Kind extends string>(
  kinds: readonly Named<Kind>[],
  text: string,
): Kind | undefined {
  const [name = "", ...rest] = text.toLowerCase().split(".");
  const place = rest.join(".");
  return kinds.find(({ kind, api, resource, short }) => {
    const [group = "", version = ""] = api.split("/");
    const isNamed = [kind.toLowerCase(), resource, short].includes(name);
    return isNamed && ["", group, `${version}.${group}`].includes(place);
  })?.kind;
}

/** Kinds that are not restarted, but may be named: what they run is read from their pods. */
const OTHER_KINDS = [
  { kind: "Pod", api: "/v1", resource: "pods", short: "po" },
  { kind: "ReplicaSet", api: "apps/v1", resource: "replicasets", short: "rs" },
  { kind: "ReplicationController", api: "/v1", resource: "replicationcontrollers", short: "rc" },
  { kind: "Job", api: "batch/v1", resource: "jobs", short: "job" },
  { kind: "CronJob", api: "batch/v1", resource: "cronjobs", short: "cj" },
] as const;

/** As `parseKind`, for everything that can be named: `pod`, `po` or `pods` too. */
export function parseAnyKind(text: string): string | undefined {
  return parseKind(text) ?? kindIn(OTHER_KINDS, text);
}

/** `deploy` for the kinds that have a short name, the whole kind for others. */
export function shortKind(kind: string): string {
  return KINDS.find((entry) => entry.kind === kind)?.short ?? kind.toLowerCase();
}

/** `deployment/web`, as kubectl takes it. */
export function resourceName({ kind, name }: { readonly kind: string; readonly name: string }) {
  return shellWord(`${kind.toLowerCase()}/${name}`);
}

/** `kubectl rollout undo deployment/web -n shop`; of an Argo Rollout its own plugin is asked. */
export function rolloutCommand(
  verb: "status" | "undo" | "resume",
  ref: { readonly kind: string; readonly name: string; readonly namespace: string },
): string {
  if (ref.kind !== "Rollout")
    return `kubectl rollout ${verb} ${resourceName(ref)} -n ${shellWord(ref.namespace)}`;
  const own = verb === "resume" ? "promote" : verb;
  return `kubectl argo rollouts ${own} ${shellWord(ref.name)} -n ${shellWord(ref.namespace)}`;
}
