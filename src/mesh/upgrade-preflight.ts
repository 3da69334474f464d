import { coerce } from "semver";
import { AKS_REVISION } from "../istio-labels.ts";
import { kubectl, type NextStep } from "../next-step.ts";
import type { EnvoyFilter, Node } from "../snapshot.ts";
import { wantedPods, type Workload } from "../snapshot.ts";
import { count, listing } from "../wording.ts";
import { shortKind } from "../kubernetes/kinds.ts";
import { compareRevisions } from "./revision-order.ts";
import { SHARED_CONFIG_MAP } from "./mesh.ts";
import { lostSettings, lostSharedConfigMap } from "./shared-config-map.ts";
import type { UpgradeStep } from "./upgrade-step.ts";
import type { Upgrade } from "./upgrade.ts";

/** The result of a read that the report can do without. */
export type Optional<Value> =
  | { readonly kind: "read"; readonly value: Value }
  /** `message` says why, such as `not allowed to list nodes`. */
  | { readonly kind: "unread"; readonly message: string };

/** The objects besides the snapshot that matter before an upgrade starts. */
export interface Surroundings {
  readonly nodes: Optional<readonly Node[]>;
  readonly envoyFilters: Optional<readonly EnvoyFilter[]>;
}

/** The first revision with native sidecars, and the version of Kubernetes that it needs. */
const FIRST_NATIVE = "asm-1-29";
const NATIVE_NODES = "1.33";

const MOST_NAMES = 5;

/** Checks what has to be done, or known, before a revision is installed beside another one. */
export function preflightSteps(
  upgrade: Upgrade,
  from: string,
  to: string,
  surroundings: Surroundings | undefined,
): readonly UpgradeStep[] {
  return [
    sharedConfigMapStep(upgrade, from, to),
    roomStep(upgrade, from, to),
    ...nativeStep(upgrade, to, surroundings?.nodes),
    ...disruptionStep(upgrade),
    ...filterStep(surroundings?.envoyFilters),
  ];
}

/** Compares the shared mesh configuration of two revisions. AKS does not copy it. */
export function sharedConfigMapStep(upgrade: Upgrade, from: string, to: string): UpgradeStep {
  const { mesh } = upgrade;
  const id = "shared-configmap";
  const [oldName, newName] = [`${SHARED_CONFIG_MAP}-${from}`, `${SHARED_CONFIG_MAP}-${to}`];
  const missing = lostSharedConfigMap([{ revision: from }], to, mesh);
  if (missing !== undefined) {
    return { id, isDone: false, message: missing.reason, nextStep: missing.nextStep };
  }
  const lost = lostSettings(from, to, mesh);
  if (lost !== undefined) {
    const edit = kubectl("edit", "configmap", newName, "-n", mesh.istioNamespace);
    return { id, isDone: false, isAdvice: true, message: lost.message, nextStep: edit };
  }
  const isThere = mesh.sharedConfigMaps?.has(oldName) === true;
  const message = isThere
    ? `${newName} has all settings of ${oldName}`
    : `there is no ${oldName} to copy`;
  return { id, isDone: true, message, nextStep: "" };
}

/** Requests of pods are not compared with the nodes: an autoscaler may add some. */
function roomStep({ mesh }: Upgrade, from: string, to: string): UpgradeStep {
  const wanted = mesh.revisions.get(from)?.istiod?.wanted;
  const pods = wanted === undefined ? "istiod pods" : count(wanted, "istiod pod");
  return {
    id: "room",
    isDone: false,
    isAdvice: true,
    message: `the nodes need room for ${to} beside ${from}: ${pods} more, and a second set of the gateways of AKS; this is not checked`,
    nextStep: kubectl("describe", "nodes"),
  };
}

function nativeStep(
  { mesh }: Upgrade,
  to: string,
  nodes: Surroundings["nodes"] | undefined,
): readonly UpgradeStep[] {
  if (!AKS_REVISION.test(to) || compareRevisions(to, FIRST_NATIVE) < 0) return [];
  const native = [...mesh.revisions.values()].every(({ istiod }) => istiod?.native === "true");
  const base = { id: "native-sidecars", isAdvice: true, nextStep: "" } as const;
  const what = `from ${FIRST_NATIVE}, sidecars are native (init containers that keep running)`;
  if (native) return [{ ...base, isDone: true, message: "sidecars are native already" }];
  if (nodes === undefined || nodes.kind === "unread") {
    const why = nodes?.message ?? "the nodes were not read";
    return [
      { ...base, isDone: false, message: `${what} if all nodes run ${NATIVE_NODES}: ${why}` },
    ];
  }
  const old = nodes.value.filter(({ version }) => isOlder(version, NATIVE_NODES));
  const message =
    old.length === 0
      ? `${what}: every node runs ${NATIVE_NODES} or newer`
      : `${what} only if every node runs ${NATIVE_NODES}: ${count(old.length, "node")} of ${nodes.value.length} ${old.length === 1 ? "is" : "are"} older, such as ${old[0]?.name} (${old[0]?.version})`;
  return [{ ...base, isDone: old.length === 0, message }];
}

function isOlder(version: string, than: string): boolean {
  const [one, other] = [coerce(version), coerce(than)];
  return one !== null && other !== null && one.compare(other) < 0;
}

/** Workloads that serve with fewer pods, or with none, while they restart. */
function disruptionStep({ assessments }: Upgrade): readonly UpgradeStep[] {
  const found = assessments
    .filter(({ verdict }) => verdict !== "managed" && verdict !== "excluded")
    .flatMap(({ workload }) => (isDisruptive(workload) ? [workload] : []))
    .map(({ namespace, kind, name }) => `${namespace}/${shortKind(kind)}/${name}`);
  if (found.length === 0) return [];
  const names = listing(found.slice(0, MOST_NAMES), found.length);
  return [
    {
      id: "disruption",
      isDone: false,
      isAdvice: true,
      message: `${count(found.length, "workload")} may serve with fewer pods during a restart (DaemonSet, Recreate, a single replica): ${names}`,
      nextStep: "",
    },
  ];
}

function isDisruptive({ rollout }: Workload): boolean {
  if (rollout === undefined || wantedPods(rollout) === 0) return false;
  switch (rollout.kind) {
    case "DaemonSet":
      return true;
    case "Deployment":
      return rollout.strategy === "Recreate";
    default:
      return rollout.replicas === 1;
  }
}

/** An EnvoyFilter for one version of the proxy has no effect on another one. */
function filterStep(filters: Surroundings["envoyFilters"] | undefined): readonly UpgradeStep[] {
  const base = { id: "envoy-filters", isDone: false, isAdvice: true } as const;
  if (filters === undefined) return [];
  if (filters.kind === "unread") {
    const message = `EnvoyFilters that match a version of the proxy are unknown: ${filters.message}`;
    return [{ ...base, message, nextStep: "" }];
  }
  const versioned = filters.value.filter(({ proxyVersions }) => proxyVersions.length > 0);
  const [first] = versioned;
  if (first === undefined) return [];
  const names = versioned
    .slice(0, MOST_NAMES)
    .map(({ namespace, name, proxyVersions }) => `${namespace}/${name} (${proxyVersions.join()})`);
  const nextStep: NextStep = kubectl(
    "get",
    "envoyfilters.networking.istio.io",
    first.name,
    "-n",
    first.namespace,
    "-o",
    "yaml",
  );
  return [
    {
      ...base,
      message: `${count(versioned.length, "EnvoyFilter")} with a proxyVersion: check that the new version matches: ${listing(names, versioned.length)}`,
      nextStep,
    },
  ];
}
