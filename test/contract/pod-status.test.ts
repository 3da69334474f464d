import type { V1ContainerStatus, V1Pod } from "@kubernetes/client-node";
import { expect } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { pod } from "../support/manifests.ts";
import { recordedPod } from "../support/recorded-pods.ts";
import { POD_BEHAVIOUR } from "../support/test-cluster.ts";
import { eventually, test } from "./sandbox.ts";

const MODES = [
  { mode: "classic", revision: "asm-1-73", native: false },
  { mode: "native", revision: "asm-1-74", native: true },
] as const;

/** The behaviours of simulated pods, and the recordings in which a real kubelet published them. */
const BEHAVIOURS: readonly [
  annotations: Readonly<Record<string, string>>,
  ...recordings: string[],
][] = [
  [{}, "healthy"],
  [{ [POD_BEHAVIOUR.fail]: "CrashLoopBackOff" }, "app-exits"],
  [{ [POD_BEHAVIOUR.fail]: "Stumble" }, "app-exits", "app-exits-once"],
  [{ [POD_BEHAVIOUR.fail]: "Init:Error" }, "istio-init-exits"],
  [{ [POD_BEHAVIOUR.fail]: "ErrImagePull" }, "pull-not-found"],
  [{ [POD_BEHAVIOUR.fail]: "ImagePullBackOff" }, "pull-not-found"],
  [{ [POD_BEHAVIOUR.fail]: "CreateContainerConfigError" }, "config-missing"],
  [{ [POD_BEHAVIOUR.fail]: "OutOfcpu" }, "rejected"],
];

/** The parts of a status that are the same for every pod in the same situation. */
function essence({ metadata, status }: V1Pod): unknown {
  // The scheduler, not the kubelet, sets the condition that is left out.
  const conditions = (status?.conditions ?? [])
    .filter(({ type }) => type !== "PodScheduled")
    .map(({ type, status: value, reason, message }) => [
      type,
      [value, reason ?? "", message ?? ""],
    ]);
  const containers = [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
  ];
  return {
    phase: status?.phase,
    reason: status?.reason ?? "",
    conditions: Object.fromEntries(conditions),
    containers: containers.map((container) => essenceOfContainer(container, metadata)),
  };
}

function essenceOfContainer(status: V1ContainerStatus, metadata: V1Pod["metadata"]): unknown {
  const { name, image, ready, started, restartCount, state, lastState } = status;
  const own = [image, metadata?.uid, metadata?.namespace, metadata?.name];
  const message = own
    .reduce<string>(
      (text, part) => (part ? text.replaceAll(part, "...") : text),
      state?.waiting?.message ?? "",
    )
    .replace(/back-off \S+/, "back-off ...")
    .replace(/configmap "\w+"/, "configmap ...");
  return {
    name,
    ready,
    started: started ?? false,
    restarts: Math.min(restartCount, 2),
    state: state?.running ? "running" : (state?.terminated?.reason ?? state?.waiting?.reason),
    message,
    before: lastState?.terminated?.reason ?? "",
  };
}

test.for(MODES)(
  "a simulated pod has a status that a real kubelet published, with a $mode sidecar",
  async ({ mode, revision, native }, { cluster, enter }) => {
    await cluster.installRevision({ name: revision, image: proxyImage("v1.73.0-1"), native });
    const sandbox = await enter({ "istio.io/rev": revision });
    for (const [index, [annotations, ...recordings]] of BEHAVIOURS.entries()) {
      const name = `pod-${index}`;
      await sandbox.create("pods", pod(name, { annotations }));
      const published = recordings
        .flatMap((recording) => recordedPod(`${recording}-${mode}`).versions)
        .map((one) => essence(one.pod));
      await eventually(async () => {
        const simulated = await sandbox.get("pods", name);
        const found = essence(simulated);
        expect(published, JSON.stringify(found)).toContainEqual(found);
      }, 10_000);
    }
  },
);
