import { createHash } from "node:crypto";
import { POD_BEHAVIOUR } from "../test-cluster.ts";
import { type KubeObject, apiVersion, kindNamed } from "./kinds.ts";

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

export function isReady({ status }: KubeObject): boolean {
  return status.conditions?.[0].status === "True";
}

/** The waiting reason that the pod's annotations ask for. */
export function failureOf(pod: KubeObject): string | undefined {
  const annotations = pod.metadata.annotations ?? {};
  const restarted = annotations["kubectl.kubernetes.io/restartedAt"] !== undefined;
  return (
    annotations[POD_BEHAVIOUR.fail] ??
    (restarted ? annotations[POD_BEHAVIOUR.failRestarted] : undefined)
  );
}

/** The milliseconds until the pod is ready, parsed from Go's `1m30s` or `500ms`. */
export function readyAfter(pod: KubeObject): number {
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000 };
  const text: string = pod.metadata.annotations?.[POD_BEHAVIOUR.readyAfter] ?? "";
  return [...text.matchAll(/([\d.]+)(ms|s|m)/g)].reduce(
    (sum, [, amount, unit = ""]) => sum + Number(amount) * (units[unit] ?? 0),
    0,
  );
}

/**
 * Returns the status of a started pod: all containers run, except the first one of a failing pod.
 */
export function startedStatus({ metadata, spec }: KubeObject, ready: boolean, failure?: string) {
  const running = { running: { startedAt: metadata.creationTimestamp } };
  const waiting = { reason: failure, message: `the test lets it fail with ${failure}` };
  const init = (spec.initContainers ?? []).map(({ name, restartPolicy }: KubeObject) =>
    restartPolicy === "Always"
      ? { name, ready, started: true, state: running }
      : { name, ready: true, started: false, state: { terminated: { exitCode: 0 } } },
  );
  const containers = spec.containers.map(({ name }: KubeObject, index: number) =>
    failure !== undefined && index === 0
      ? { name, ready: false, started: false, state: { waiting } }
      : { name, ready: ready || failure !== undefined, started: true, state: running },
  );
  return {
    phase: failure === undefined || failure === "CrashLoopBackOff" ? "Running" : "Pending",
    conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
    initContainerStatuses: init,
    containerStatuses: containers,
  };
}
