import { PROXY_CONTAINER } from "../istio-labels.ts";
import type { Blocker } from "../snapshot.ts";
import type { ApiContainerStatus, ApiPod } from "./api-objects.ts";

/**
 * Finds what keeps a pod from being ready: the first init container that is not complete, since the
 * kubelet starts nothing after it, or a container that is not ready. Of several, the sidecar comes
 * first, because the others often need it.
 *
 * @returns `undefined` for a pod that is ready, not scheduled, or failed.
 */
export function findBlocker({ spec, status }: ApiPod): Blocker | undefined {
  if (!isScheduled(spec, status) || status?.phase === "Failed") return undefined;
  const init = status?.initContainerStatuses ?? [];
  const ordinary = status?.containerStatuses ?? [];
  if (![...init, ...ordinary].some(hasStarted)) return { kind: "not-started" };
  const native = new Set(
    (spec?.initContainers ?? [])
      .filter(({ restartPolicy }) => restartPolicy === "Always")
      .map(({ name }) => name),
  );
  for (const { name: container = "", started, state } of init) {
    if (native.has(container)) {
      if (started !== true) return { kind: "container", container };
    } else if (state?.terminated === undefined || (state.terminated.exitCode ?? 0) !== 0) {
      return { kind: "init", container };
    }
  }
  const unready = [...init.filter(({ name }) => native.has(name)), ...ordinary].filter(
    ({ ready }) => ready !== true,
  );
  const first = unready.find(({ name }) => name === PROXY_CONTAINER) ?? unready[0];
  if (first !== undefined) return { kind: "container", container: first.name ?? "" };
  const readiness = status?.conditions?.find(({ type }) => type === "Ready");
  return readiness?.status === "False" && readiness.reason === GATES
    ? { kind: "gate", message: readiness.message ?? "" }
    : undefined;
}

function isScheduled(spec: ApiPod["spec"], status: ApiPod["status"]): boolean {
  const scheduled = status?.conditions?.find(({ type }) => type === "PodScheduled");
  return spec?.nodeName !== undefined || scheduled?.status === "True";
}

/** The reason of the condition. Source: k8s.io/kubernetes `pkg/kubelet/status/generate.go`. */
const GATES = "ReadinessGatesNotReady";

function hasStarted({ state, lastState }: ApiContainerStatus): boolean {
  return (
    state?.running !== undefined ||
    state?.terminated !== undefined ||
    lastState?.terminated !== undefined
  );
}
