import { INJECTION_STATUS, isIstioKey, PROXY_CONTAINER, REVISION } from "../istio-labels.ts";
import { isObject } from "../json-object.ts";
import { compareText } from "../snapshot.ts";
import {
  type ComparablePod,
  comparablePod,
  type Fields,
  fieldsIn,
  listIn,
  PROXY_CONFIG_VARIABLE,
} from "./comparable-pod.ts";
import { type Difference, differences, formatPath, itemIn } from "./pod-difference.ts";

/** The kinds of drift, in the order of reports. */
export const DRIFT_KINDS = [
  "proxy-image",
  "proxy-config",
  "proxy-resources",
  "interception",
  "application",
  "other-webhook",
  "metadata",
] as const;

export type DriftKind = (typeof DRIFT_KINDS)[number];

/** One place in which a restart would change a pod. */
export interface Drift {
  /** For example `spec.containers[app].resources.requests.cpu`. */
  readonly path: string;
  readonly what: DriftKind;
  /** The value now; `null` if there is none, or if it is not one of Istio's own. */
  readonly from: string | null;
  /** The value after a restart, likewise. */
  readonly to: string | null;
}

/** A live pod, and the API server's answers to the creation of the same pod now. */
export interface PodComparison {
  readonly live: Fields;
  /** The pod that was sent, before injection. */
  readonly asked: Fields;
  readonly answer: Fields;
  /** The answer to the same question a moment later: it shows the random output of webhooks. */
  readonly second?: Fields | undefined;
}

/** Returns the changes that a restart would bring to a pod, besides the restart itself. */
export function driftOf({ live, asked, answer, second }: PodComparison): readonly Drift[] {
  const [before, after] = [comparablePod(live), comparablePod(answer)];
  const noise = second === undefined ? [] : podDifferences(after, comparablePod(second));
  const own = ownNames(asked);
  const isCustomized = before.isCustomized || after.isCustomized;
  const added = new Set([...before.added, ...after.added]);
  const found = podDifferences(before, after).flatMap((difference) => {
    const what = kindOf(difference, own, added);
    if (isNoise(difference, what, noise)) return [];
    const isShown = hasShownValue(difference.path, isCustomized);
    const shown = (value: unknown) => (isShown ? textOf(value) : null);
    const path = formatPath(difference.path);
    return [{ path, what, from: shown(difference.from), to: shown(difference.to) }];
  });
  return mergedDrift(found);
}

/** Merges the drift of several pods of one workload. */
export function mergedDrift(all: readonly Drift[]): readonly Drift[] {
  const distinct = new Map(all.map((one) => [JSON.stringify([one.path, one.from, one.to]), one]));
  return [...distinct.values()].sort(
    (a, b) =>
      DRIFT_KINDS.indexOf(a.what) - DRIFT_KINDS.indexOf(b.what) ||
      compareText(a.path, b.path) ||
      compareText(String(a.from), String(b.from)),
  );
}

/** Fields of a sidecar that follow from its mode. */
const BY_MODE: ReadonlySet<string> = new Set([
  "restartPolicy",
  "startupProbe",
  "readinessProbe",
  "livenessProbe",
  "lifecycle",
]);

function podDifferences(before: ComparablePod, after: ComparablePod): readonly Difference[] {
  return [
    ...differences(before.metadata, after.metadata, ["metadata"]),
    ...specDifferences(before.spec, after.spec),
    ...proxyDifferences(before, after),
  ];
}

function specDifferences(before: Fields, after: Fields): readonly Difference[] {
  const found = differences(before, after, ["spec"]);
  // The priority and the preemption policy follow from the class.
  const has = (name: string) => found.some(({ path }) => path[1] === name);
  const hidden = has("priorityClassName") ? ["priority", "preemptionPolicy"] : [];
  return found.filter(({ path }) => !hidden.includes(path[1] ?? ""));
}

function proxyDifferences(before: ComparablePod, after: ComparablePod): readonly Difference[] {
  const list = (after.proxy === undefined ? before : after).native
    ? "initContainers"
    : "containers";
  const path = ["spec", list, `[${PROXY_CONTAINER}]`];
  if (before.proxy === undefined || after.proxy === undefined) {
    return before.proxy === after.proxy ? [] : [{ path, from: undefined, to: undefined }];
  }
  if (before.native === after.native) return differences(before.proxy, after.proxy, path);
  const mode = ({ native }: ComparablePod) => (native ? "native" : "ordinary");
  return [
    { path, from: mode(before), to: mode(after) },
    ...differences(before.proxy, after.proxy, path).filter(
      ({ path: at }) => !BY_MODE.has(at[3] ?? ""),
    ),
  ];
}

/** The names of the containers, volumes, variables and mounts that the workload itself defines. */
interface OwnNames {
  readonly containers: ReadonlyMap<string, Fields>;
  readonly volumes: ReadonlySet<string>;
}

function ownNames(asked: Fields): OwnNames {
  const spec = fieldsIn(asked, "spec");
  const containers = ["containers", "initContainers"].flatMap((name) =>
    listIn(spec, name).filter(isObject),
  );
  const volumes = listIn(spec, "volumes").filter(isObject);
  return {
    containers: new Map(containers.map((one) => [String(one["name"]), one])),
    volumes: new Set(volumes.map(({ name }) => String(name))),
  };
}

/** The containers that injection adds. */
const ISTIO_CONTAINERS: ReadonlySet<string> = new Set([
  PROXY_CONTAINER,
  "istio-init",
  "istio-validation",
  "enable-core-dump",
]);

/**
 * True if a difference only shows the random output of a webhook: it differs between two dry runs, too.
 * A webhook may also give random names: the pod then has an item of an earlier name.
 */
function isNoise({ path, to }: Difference, what: DriftKind, noise: readonly Difference[]): boolean {
  const mayHaveRandomName = to === undefined && FOREIGN.has(what);
  const isRandomName = (other: Difference) =>
    mayHaveRandomName &&
    (other.from === undefined || other.to === undefined) &&
    other.path.length === path.length &&
    isPrefix(path.slice(0, -1), other.path);
  return noise.some((other) => isPrefix(other.path, path) || isRandomName(other));
}

/** The kinds of drift that webhooks other than Istio's may cause. */
const FOREIGN: ReadonlySet<DriftKind> = new Set(["application", "other-webhook", "metadata"]);

function isPrefix(start: readonly string[], path: readonly string[]): boolean {
  return start.every((part, index) => part === path[index]);
}

/** Annotations that set how traffic is captured, which injection adds for Istio's CNI plugin. */
const INTERCEPTION =
  /^(?:traffic\.sidecar\.istio\.io\/|sidecar\.istio\.io\/interceptionMode$|k8s\.v1\.cni\.cncf\.io\/networks$)/;

function kindOf({ path }: Difference, own: OwnNames, added: ReadonlySet<string>): DriftKind {
  const [top, list = "", third, field = ""] = path;
  const item = itemIn(third) ?? "";
  if (top === "metadata") return INTERCEPTION.test(item) ? "interception" : "metadata";
  switch (list) {
    case "containers":
    case "initContainers":
      return ISTIO_CONTAINERS.has(item)
        ? istioKindOf(item, field)
        : containerKindOf(path, own.containers.get(item));
    case "volumes":
      if (added.has(item) && !own.volumes.has(item)) return "proxy-config";
      return own.volumes.has(item) ? "application" : "other-webhook";
    case "imagePullSecrets":
      return added.has(item) ? "proxy-config" : "application";
    default:
      return "application";
  }
}

function istioKindOf(container: string, field: string): DriftKind {
  if (field === "image") return "proxy-image";
  if (field === "resources") return "proxy-resources";
  // The mesh configuration adds variables to every container.
  if (field === "env") return "proxy-config";
  return container !== PROXY_CONTAINER || field === "" ? "interception" : "proxy-config";
}

/** Admission plugins of the API server add neither containers nor variables nor mounts. */
function containerKindOf(path: readonly string[], own: Fields | undefined): DriftKind {
  const [field = "", item] = path.slice(3);
  if (own === undefined) return "other-webhook";
  const key = { env: "name", volumeMounts: "mountPath" }[field];
  if (key === undefined) return "application";
  const isOwn = listIn(own, field).some((one) => isObject(one) && one[key] === itemIn(item));
  return isOwn ? "application" : "other-webhook";
}

/** Variables whose values istiod derives from its own configuration and from the names of the pod. */
const SHOWN_VARIABLES: ReadonlySet<string> = new Set([
  "PILOT_CERT_PROVIDER",
  "CA_ADDR",
  "GOMEMLIMIT",
  "GOMAXPROCS",
  "ISTIO_CPU_LIMIT",
  "TRUST_DOMAIN",
  "ISTIO_META_APP_CONTAINERS",
  "ISTIO_META_CLUSTER_ID",
  "ISTIO_META_INTERCEPTION_MODE",
  "ISTIO_META_MESH_ID",
  "ISTIO_META_NETWORK",
  "ISTIO_META_OWNER",
  "ISTIO_META_WORKLOAD_NAME",
]);

/** Fields of the sidecar's configuration that hold neither variables nor credentials. */
const SHOWN_CONFIG: ReadonlySet<string> = new Set([
  "binaryPath",
  "concurrency",
  "configPath",
  "controlPlaneAuthPolicy",
  "discoveryAddress",
  "drainDuration",
  "extraStatTags",
  "fileFlushInterval",
  "fileFlushMinSizeKb",
  "gatewayTopology",
  "holdApplicationUntilProxyStarts",
  "image",
  "interceptionMode",
  "meshId",
  "parentShutdownDuration",
  "proxyAdminPort",
  "proxyBootstrapTemplatePath",
  "proxyStatsMatcher",
  "readinessProbe",
  "serviceCluster",
  "statNameLength",
  "statusPort",
  "terminationDrainDuration",
]);

/** True if a value is one of Istio's own, which is no secret. */
function hasShownValue(path: readonly string[], isCustomized: boolean): boolean {
  const [top, list = "", third, field, fourth, fifth = ""] = path;
  const item = itemIn(third) ?? "";
  if (top === "metadata") {
    if (list !== "annotations") return isIstioKey(item);
    return item === REVISION || item === INJECTION_STATUS || INTERCEPTION.test(item);
  }
  const isContainer = list === "containers" || list === "initContainers";
  if (!isContainer || !ISTIO_CONTAINERS.has(item)) return false;
  if (field === undefined) return item === PROXY_CONTAINER;
  if (field === "image" || field === "resources") return true;
  if (isCustomized) return false;
  if (field !== "env") return field !== "envFrom";
  const name = itemIn(fourth) ?? "";
  return name === PROXY_CONFIG_VARIABLE ? SHOWN_CONFIG.has(fifth) : SHOWN_VARIABLES.has(name);
}

function textOf(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "string") return value;
  // A variable is shown by its value.
  if (isObject(value) && "name" in value && typeof value["value"] === "string") {
    return value["value"];
  }
  return JSON.stringify(value);
}
