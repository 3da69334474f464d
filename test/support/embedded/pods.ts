import { createHash } from "node:crypto";
import { POD_BEHAVIOUR } from "../test-cluster.ts";
import type { Cluster } from "./controllers.ts";
import { type KubeObject, apiVersion, kindNamed } from "./kinds.ts";
import { now } from "./write.ts";

/** Returns a pod of the owner's template, as a controller creates it. */
export function podOf({ kind, metadata, spec }: KubeObject, own: KubeObject): KubeObject {
  const { template } = spec;
  const labels = { ...template.metadata?.labels, ...own.labels };
  const { namespace } = metadata;
  const ownerReferences = [controlledBy({ kind, metadata })];
  return {
    kind: "Pod",
    metadata: { ...template.metadata, ...own, namespace, labels, ownerReferences },
    spec: template.spec,
  };
}

export function controlledBy({ kind, metadata: { name, uid } }: KubeObject): KubeObject {
  return { apiVersion: apiVersion(kindNamed(kind)), kind, name, uid, controller: true };
}

/** Returns a hash of the template. */
export function hashOf({ spec }: KubeObject): string {
  const hash = createHash("sha1").update(JSON.stringify(spec.template)).digest("hex");
  // Kubernetes writes a hash without vowels and without digits that look like letters.
  return hash.slice(0, 10).replace(/./g, (digit) => "bcdfghjklmnpqrst".charAt(parseInt(digit, 16)));
}

export function isTerminating(pod: KubeObject): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}

export function isFailed({ status }: KubeObject): boolean {
  return status?.phase === "Failed";
}

export function isReady({ status }: KubeObject): boolean {
  return status.conditions?.some(
    (condition: KubeObject) => condition["type"] === "Ready" && condition["status"] === "True",
  );
}

/** Returns a status whose conditions keep the time since which they have their value. */
export function withTransitions(before: KubeObject | undefined, status: KubeObject): KubeObject {
  const conditions = status["conditions"]?.map((condition: KubeObject) => {
    const known = before?.["conditions"]?.find(
      (one: KubeObject) =>
        one["type"] === condition["type"] && one["status"] === condition["status"],
    );
    return { ...condition, lastTransitionTime: known?.lastTransitionTime ?? now() };
  });
  return { ...status, ...(conditions && { conditions }) };
}

/** True if a pod has been ready for `minReadySeconds`. */
export function isAvailable(
  { isDue }: Pick<Cluster, "isDue">,
  owner: KubeObject,
  pod: KubeObject,
): boolean {
  if (!isReady(pod)) return false;
  const { minReadySeconds = 0 } = owner.spec;
  if (minReadySeconds === 0) return true;
  const ready = pod.status.conditions.find((one: KubeObject) => one["type"] === "Ready");
  const since = `${pod.metadata.uid} ready since ${ready.lastTransitionTime}`;
  return isDue(owner, since, minReadySeconds * 1000);
}

/** The waiting reason that the pod's annotations ask for. */
export function failureOf(pod: KubeObject): string | undefined {
  const annotations = pod.metadata.annotations ?? {};
  const restarted = annotations["kubectl.kubernetes.io/restartedAt"] !== undefined;
  const revision = annotations["istio.io/rev"];
  const isOfRevision = (annotations[POD_BEHAVIOUR.failOf] ?? revision) === revision;
  return (
    annotations[POD_BEHAVIOUR.fail] ??
    (restarted && isOfRevision ? annotations[POD_BEHAVIOUR.failRestarted] : undefined)
  );
}

/** The milliseconds after which a pod that stumbles is ready. */
export const STUMBLE_MS = 4000;

/** The milliseconds for which a pod that flaps is ready, and then unready. */
export const FLAP_MS = 2000;

/** The milliseconds of a pod's annotation, parsed from Go's `1m30s` or `500ms`. */
export function durationOf(pod: KubeObject, behaviour: "readyAfter" | "drain"): number {
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000 };
  const text: string = pod.metadata.annotations?.[POD_BEHAVIOUR[behaviour]] ?? "";
  return [...text.matchAll(/([\d.]+)(ms|s|m)/g)].reduce(
    (sum, [, amount, unit = ""]) => sum + Number(amount) * (units[unit] ?? 0),
    0,
  );
}

/**
 * Returns the status of a started pod as a kubelet publishes it: all containers run, except the first
 * one of a failing pod. As on the real cluster, no container is replaced if its image changes.
 *
 * @param restarts the restarts of the first container before it runs.
 */
export function startedStatus(
  pod: KubeObject,
  ready: boolean,
  failure?: string,
  restarts = 0,
): KubeObject {
  if (failure === "OutOfcpu") return { phase: "Failed", reason: failure, message: REJECTED };
  const started = (list: readonly KubeObject[] = []) =>
    list.map((container) => asStarted(container, pod.status));
  const initContainers = started(pod.spec.initContainers);
  const containers = started(pod.spec.containers);
  const startedAt = pod.metadata.creationTimestamp;
  const initState = failure === undefined ? undefined : FIRST_INIT[failure];
  const init = initContainers.map((container: KubeObject, index: number) =>
    initState !== undefined
      ? { ...base(container), ...(index === 0 ? initState : INITIALIZING) }
      : container["restartPolicy"] === "Always"
        ? { ...base(container), ready: true, started: true, state: { running: { startedAt } } }
        : { ...base(container), ready: true, state: { terminated: COMPLETED } },
  );
  const ordinary = containers.map((container: KubeObject, index: number) => {
    if (initState !== undefined) return { ...base(container), ...INITIALIZING };
    if (failure === "Unready" || failure === "Flapping") {
      const isReadyNow = container["name"] !== "istio-proxy";
      return {
        ...base(container),
        ready: isReadyNow,
        started: true,
        state: { running: { startedAt } },
      };
    }
    if (failure !== undefined && index === 0)
      return { ...base(container), ...failingState(pod, container, failure) };
    const isReadyNow = ready || failure !== undefined;
    const before =
      restarts > 0 && index === 0
        ? { restartCount: restarts, lastState: { terminated: CRASH } }
        : {};
    const state = { running: { startedAt } };
    return { ...base(container), ready: isReadyNow, started: true, state, ...before };
  });
  const hasRun =
    failure === undefined ||
    ["CrashLoopBackOff", "Stumble", "Unready", "Flapping"].includes(failure);
  return {
    phase: hasRun ? "Running" : "Pending",
    conditions: conditionsOf(init, ordinary, initState !== undefined, ready),
    initContainerStatuses: init,
    containerStatuses: ordinary,
  };
}

/** Returns a container with the image with which it started. */
function asStarted(container: KubeObject, status: KubeObject | undefined): KubeObject {
  const known = [
    ...(status?.["initContainerStatuses"] ?? []),
    ...(status?.["containerStatuses"] ?? []),
  ];
  const image = known.find(({ name }: KubeObject) => name === container["name"])?.image;
  return { ...container, image: image ?? container["image"] };
}

function base({ name, image }: KubeObject): KubeObject {
  return { name, image, ready: false, started: false, restartCount: 0 };
}

function conditionsOf(
  init: readonly KubeObject[],
  ordinary: readonly KubeObject[],
  isInitializing: boolean,
  ready: boolean,
): KubeObject[] {
  const unready = [
    ...init.filter(({ ready: isReadyNow, state }) => !isReadyNow && !state?.terminated),
    ...ordinary.filter((status) => !status["ready"]),
  ];
  const condition = (type: string, isTrue: boolean, reason: string, names: string) =>
    isTrue ? { type, status: "True" } : { type, status: "False", reason, message: names };
  const names = (statuses: readonly KubeObject[]) => statuses.map(({ name }) => name).join(" ");
  const notReady = ["ContainersNotReady", `containers with unready status: [${names(unready)}]`];
  const incomplete = `containers with incomplete status: [${names(init)}]`;
  return [
    { type: "PodReadyToStartContainers", status: "True" },
    condition("Initialized", !isInitializing, "ContainersNotInitialized", incomplete),
    condition("Ready", ready, ...(notReady as [string, string])),
    condition("ContainersReady", ready, ...(notReady as [string, string])),
    { type: "PodScheduled", status: "True" },
  ];
}

const CRASH = { exitCode: 1, reason: "Error" };
const COMPLETED = { exitCode: 0, reason: "Completed" };
const INITIALIZING = { state: { waiting: { reason: "PodInitializing" } } };
const CRASHED_INIT = {
  restartCount: 2,
  state: { terminated: CRASH },
  lastState: { terminated: CRASH },
};
/** The state of the first init container of a pod that does not complete its init containers. */
const FIRST_INIT: Readonly<Record<string, KubeObject>> = {
  "Init:Error": CRASHED_INIT,
  "Init:Running": { state: { running: {} } },
  NotStarted: INITIALIZING,
};
const REJECTED =
  "Pod was rejected: Node didn't have enough resource: cpu, requested: 1000001, used: 19, capacity: 2000";

/** The state of a container that does not run. A container that crashes has run before. */
function failingState(
  { metadata }: KubeObject,
  { name, image }: KubeObject,
  failure: string,
): KubeObject {
  const waiting = (reason: string, message: string) => ({
    state: { waiting: { reason, message } },
  });
  const pull = `rpc error: code = NotFound desc = failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${image}: not found`;
  switch (failure) {
    case "CrashLoopBackOff":
    case "Stumble": {
      const [restartCount, delay] = failure === "Stumble" ? [1, "10s"] : [5, "2m40s"];
      const pod = `${metadata.name}_${metadata.namespace}(${metadata.uid})`;
      const message = `back-off ${delay} restarting failed container=${name} pod=${pod}`;
      const state = waiting("CrashLoopBackOff", message);
      return { ...state, restartCount, lastState: { terminated: CRASH } };
    }
    case "ErrImagePull":
      return waiting(failure, pull);
    case "ImagePullBackOff":
      return waiting(failure, `Back-off pulling image "${image}": ErrImagePull: ${pull}`);
    case "CreateContainerConfigError":
      return waiting(failure, 'configmap "settings" not found');
    default:
      return waiting(failure, `container ${name} cannot start`);
  }
}
