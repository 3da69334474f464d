import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type {
  CoreV1Event,
  V1Container,
  V1ContainerState,
  V1ContainerStatus,
  V1Pod,
  V1PodStatus,
} from "@kubernetes/client-node";

/**
 * The versions of a pod that a real kubelet published, in the order in which it did. The kubelet
 * tests write them: `RECORD=1 npm run test:kubelet`.
 */
export interface RecordedPod {
  readonly versions: readonly { readonly at: number; readonly pod: V1Pod }[];
  /** The warnings about the pod, the oldest first. */
  readonly events: readonly RecordedEvent[];
}

interface RecordedEvent {
  readonly type?: CoreV1Event["type"] | undefined;
  readonly reason: CoreV1Event["reason"] | undefined;
  readonly message: CoreV1Event["message"] | undefined;
  readonly count: CoreV1Event["count"] | undefined;
}

/** A file in `recorded/`. */
interface RecordedFile {
  readonly kubelet: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly spec: unknown;
  readonly versions: readonly {
    /** The milliseconds since the pod was created. */
    readonly after: number;
    /** True from the deletion of the pod on. */
    readonly terminating?: true;
    readonly status: unknown;
  }[];
  readonly events: readonly RecordedEvent[];
}

const FOLDER = new URL("recorded/", import.meta.url);

/** Returns the names of all recorded pods, such as `istio-init-exits-native`. */
export function recordedPodNames(): readonly string[] {
  return readdirSync(fileURLToPath(FOLDER)).map((file) => file.replace(/\.json$/, ""));
}

export function recordedPod(name: string): RecordedPod {
  const file = JSON.parse(readFileSync(path(name), "utf8")) as RecordedFile;
  const created = Date.parse(String(file.metadata["creationTimestamp"]));
  return {
    events: file.events,
    versions: file.versions.map(({ after, terminating, status }) => {
      const at = created + after;
      const deletionTimestamp = new Date(at).toISOString();
      const metadata = { ...file.metadata, ...(terminating && { deletionTimestamp }) };
      return { at, pod: { metadata, spec: file.spec, status } as unknown as V1Pod };
    }),
  };
}

/** Writes a recording. Keeps only what the kubelet decides, and one of several equal versions. */
export function writeRecordedPod(
  name: string,
  kubelet: string,
  { versions, events }: RecordedPod,
): void {
  const [first] = versions;
  if (first === undefined) throw new Error(`${name} has no versions`);
  const { name: pod, namespace, uid, creationTimestamp, annotations } = first.pod.metadata ?? {};
  const kept: RecordedFile["versions"][number][] = [];
  let last = "";
  for (const one of versions) {
    const terminating = one.pod.metadata?.deletionTimestamp !== undefined;
    const status = keptStatus(one.pod.status ?? {});
    const text = JSON.stringify([terminating, status]);
    if (text === last) continue;
    last = text;
    kept.push({ after: one.at - first.at, ...(terminating && { terminating }), status });
  }
  const file: RecordedFile = {
    kubelet,
    metadata: {
      name: pod,
      namespace,
      uid,
      creationTimestamp,
      annotations: Object.fromEntries(
        Object.entries(annotations ?? {}).filter(([key]) => key.includes("istio.io/")),
      ),
    },
    spec: keptSpec(first.pod),
    versions: kept,
    events: events
      .filter(({ type }) => type === "Warning")
      .map(({ reason, message, count }) => ({ reason, message, count })),
  };
  writeFileSync(path(name), printed(file));
}

/** Prints each version and each event in one line, so that files stay short and differences clear. */
function printed({ versions, events, ...rest }: RecordedFile): string {
  const list = (items: readonly unknown[]) => items.map((item) => JSON.stringify(item)).join(",\n");
  const fields = Object.entries(rest).map(([key, value]) => `"${key}": ${JSON.stringify(value)}`);
  return `{
${fields.join(",\n")},
"versions": [
${list(versions)}
],
"events": [
${list(events)}
]
}
`;
}

function keptSpec({ spec }: V1Pod): unknown {
  const kept = (containers: readonly V1Container[]) =>
    containers.map((container) => {
      const { name, image, restartPolicy, lifecycle } = container;
      const { startupProbe, livenessProbe, readinessProbe } = container;
      return { name, image, restartPolicy, startupProbe, livenessProbe, readinessProbe, lifecycle };
    });
  return {
    nodeName: spec?.nodeName,
    restartPolicy: spec?.restartPolicy,
    terminationGracePeriodSeconds: spec?.terminationGracePeriodSeconds,
    initContainers: kept(spec?.initContainers ?? []),
    containers: kept(spec?.containers ?? []),
  };
}

function keptStatus({
  phase,
  reason,
  message,
  conditions,
  initContainerStatuses,
  containerStatuses,
}: V1PodStatus): unknown {
  return {
    phase,
    reason,
    message,
    conditions: conditions?.map((condition) => {
      const { type, status: value, reason: why, message: text, lastTransitionTime } = condition;
      return { type, status: value, reason: why, message: text, lastTransitionTime };
    }),
    initContainerStatuses: initContainerStatuses?.map(keptContainer),
    containerStatuses: containerStatuses?.map(keptContainer),
  };
}

function keptContainer(status: V1ContainerStatus): unknown {
  const { name, image, ready, started, restartCount, state, lastState } = status;
  const states = { state: keptState(state), lastState: keptState(lastState) };
  return { name, image, ready, started, restartCount, ...states };
}

function keptState(state: V1ContainerState = {}): unknown {
  if (state.terminated === undefined) return state;
  const { containerID: _, ...terminated } = state.terminated;
  return { terminated };
}

function path(name: string): string {
  return fileURLToPath(new URL(`${name}.json`, FOLDER));
}
