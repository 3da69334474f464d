import { setTimeout as sleep } from "node:timers/promises";
import type { V1ContainerStatus } from "@kubernetes/client-node";
import { beforeAll, describe, expect } from "vitest";
import { eventually, test } from "../contract/sandbox.ts";
import { type Manifest, pod } from "../support/manifests.ts";
import { connectRealCluster } from "../testbed/real-cluster.ts";
import { writeRecordedPod } from "../support/recorded-pods.ts";
import { answers, type Behaviour, exits, type Role, runs, sidecar } from "./behaviours.ts";
import { REAL_NODE } from "./node.ts";
import {
  APP_PROBE,
  behave,
  clusterAddress,
  container,
  eventsOf,
  failPulls,
  installRevisions,
  onRealNode,
  untilUsable,
} from "./node-test.ts";
import { type PodVersion, recordPods } from "./recorder.ts";
import { type Mode, MODES, REVISIONS } from "./revisions.ts";
import type { PullFault } from "./stand-in.ts";

const RECORD = process.env["RECORD"] !== undefined;
/** The number of restarts that prove a loop. A recording shows one more. */
const LOOP = RECORD ? 3 : 2;

/** Milliseconds that an event may take: the kubelet sends few events at a time. */
const EVENT = 120_000;

interface Case {
  readonly name: string;
  /** All modes by default, because most pods differ only in their sidecars. */
  readonly modes?: readonly Mode[];
  readonly behaviours?: Partial<Record<Role, Behaviour>>;
  readonly app?: Manifest;
  readonly podSpec?: Manifest;
  readonly pullFault?: PullFault;
  /** The container that the sequence is about, or `pod`. */
  readonly of: string;
  /** States of that container, in this order; others may be between them. */
  readonly sequence: readonly RegExp[];
  /** True if the pod is ready after the sequence. */
  readonly ready?: true;
  /** A state that never occurs. */
  readonly never?: RegExp;
  /** The text of an event that occurs. */
  readonly event?: RegExp;
  /** The pod is deleted after the sequence, and then these states follow. */
  readonly afterDeletion?: readonly RegExp[];
}

const NATIVE: readonly Mode[] = ["native"];
/**
 * A container that crashes in a loop is in either state between its tries, for seconds. A busy kubelet
 * publishes several changes at once, so that no single number of restarts is certain to be seen.
 */
const loop = (code: number) => [
  new RegExp(`^(terminated \\w+ ${code}|waiting CrashLoopBackOff), restarts [${LOOP}-9]`),
];
/** A pull fails in the first state, and its pod waits in the second one for the next pull. */
const PULL_FAILED = /^waiting (ErrImagePull|ImagePullBackOff)/;
const READY = /^running ready, restarts 0$/;
const RECOVERED = /^running ready, restarts 1, before Error 1$/;
const ANSWERS = answers(8080, 200);

const CASES: readonly Case[] = [
  { name: "healthy", of: "app", sequence: [/^waiting PodInitializing/, READY], ready: true },
  {
    name: "istio-init-exits",
    behaviours: { "istio-init": [exits(1)] },
    of: "istio-init",
    sequence: loop(1),
    never: /ready/,
  },
  {
    name: "istio-init-exits-once",
    behaviours: { "istio-init": [exits(1), exits(0)] },
    of: "istio-init",
    sequence: [/^terminated Completed 0 ready, restarts 1, before Error 1$/],
    ready: true,
  },
  {
    name: "istio-proxy-exits",
    behaviours: { "istio-proxy": [exits(1)] },
    of: "istio-proxy",
    sequence: loop(1),
    never: /ready/,
    event: /^Back-off restarting failed container istio-proxy in pod/,
  },
  {
    name: "istio-proxy-exits-later",
    behaviours: { "istio-proxy": ["sleep 3; exit 1"] },
    of: "istio-proxy",
    sequence: loop(1),
    never: /ready/,
  },
  {
    name: "istio-proxy-exits-once",
    behaviours: { "istio-proxy": [exits(1), sidecar(200)] },
    of: "istio-proxy",
    sequence: [RECOVERED],
    ready: true,
  },
  {
    name: "istio-proxy-never-ready",
    behaviours: { "istio-proxy": [sidecar(503)] },
    of: "istio-proxy",
    sequence: [/^running, restarts 0$/],
    never: /ready/,
    event: /^Startup probe failed: HTTP probe failed with statuscode: 503$/,
  },
  {
    name: "app-exits",
    behaviours: { app: [exits(1)] },
    of: "app",
    sequence: loop(1),
    never: /ready/,
  },
  {
    name: "app-exits-later",
    modes: NATIVE,
    behaviours: { app: [`sleep 4; exit 1`] },
    of: "app",
    sequence: loop(1),
  },
  {
    name: "app-completes",
    modes: NATIVE,
    behaviours: { app: [exits(0)] },
    of: "app",
    sequence: loop(0),
  },
  {
    name: "app-exits-once",
    behaviours: { app: [exits(1), ANSWERS] },
    of: "app",
    sequence: [RECOVERED],
    ready: true,
  },
  {
    name: "app-never-ready",
    modes: NATIVE,
    behaviours: { app: [answers(8080, 503)] },
    of: "app",
    sequence: [/^running, restarts 0$/],
    never: /ready/,
    event: /^Readiness probe failed: HTTP probe failed with statuscode: 503$/,
  },
  {
    name: "app-never-starts",
    modes: NATIVE,
    behaviours: { app: [runs()] },
    app: { startupProbe: { ...APP_PROBE, failureThreshold: 3 } },
    of: "app",
    sequence: [/^running, restarts [1-9], before Completed 0$/],
    never: /ready/,
    event: /^Container app failed startup probe, will be restarted$/,
  },
  {
    name: "app-not-alive",
    modes: NATIVE,
    app: { livenessProbe: { exec: { command: ["sh", "-c", "exit 1"] }, periodSeconds: 1 } },
    of: "app",
    sequence: [/^running( ready)?, restarts [1-9], before Completed 0$/],
    event: /^Container app failed liveness probe, will be restarted$/,
  },
  {
    name: "app-killed-for-memory",
    modes: NATIVE,
    behaviours: { app: ["x=aaaaaaaa; while :; do x=$x$x; done"] },
    app: { resources: { limits: { memory: "32Mi" } } },
    of: "app",
    sequence: loop(137),
  },
  {
    name: "setup-exits",
    modes: NATIVE,
    behaviours: { setup: [exits(3)] },
    podSpec: { initContainers: [container("setup")] },
    of: "setup",
    sequence: loop(3),
  },
  {
    name: "setup-never-ends",
    modes: NATIVE,
    behaviours: { setup: [runs()] },
    podSpec: { initContainers: [container("setup")] },
    of: "setup",
    sequence: [/^running, restarts 0$/],
    never: /terminated/,
  },
  {
    name: "pull-not-found",
    app: { image: "registry.test/gone:1" },
    pullFault: { status: 404 },
    of: "app",
    sequence: [PULL_FAILED, PULL_FAILED],
    event: /^Failed to pull image "registry.test\/gone:1": .* not found$/,
  },
  {
    name: "pull-unauthorized",
    modes: NATIVE,
    app: { image: "registry.test/private:1" },
    pullFault: { status: 401 },
    of: "app",
    sequence: [PULL_FAILED, PULL_FAILED],
    event: /401 Unauthorized/,
  },
  {
    name: "pull-throttled-once",
    modes: NATIVE,
    app: { image: "registry.test/busy:1" },
    pullFault: { status: 429, seconds: 3 },
    of: "app",
    sequence: [PULL_FAILED, READY],
    ready: true,
    event: /429 Too Many Requests/,
  },
  {
    name: "image-name-invalid",
    modes: NATIVE,
    app: { image: "registry.test/UPPER:1" },
    of: "app",
    sequence: [/^waiting InvalidImageName/],
  },
  {
    name: "config-missing",
    app: { envFrom: [{ configMapRef: { name: "absent" } }] },
    of: "app",
    sequence: [/^waiting CreateContainerConfigError/],
    event: /configmap "absent" not found/,
  },
  {
    name: "rejected",
    app: { resources: { requests: { cpu: "1000" } } },
    // The scheduler would not choose the node.
    podSpec: { nodeName: REAL_NODE },
    of: "pod",
    sequence: [/^Failed OutOfcpu$/],
    event: /^Node didn't have enough resource: cpu/,
  },
  {
    name: "command-missing",
    modes: NATIVE,
    app: { command: ["absent"] },
    of: "app",
    sequence: [/restarts [2-9], before StartError 128$/],
  },
  {
    name: "start-hook-fails",
    modes: NATIVE,
    app: { lifecycle: { postStart: { exec: { command: ["sh", "-c", "exit 7"] } } } },
    of: "app",
    sequence: [/restarts [1-9]/],
    event: /^PostStartHook failed$|postStart|PostStart/,
  },
  {
    name: "volume-missing",
    modes: NATIVE,
    app: { volumeMounts: [{ name: "settings", mountPath: "/settings" }] },
    podSpec: { volumes: [{ name: "settings", configMap: { name: "absent" } }] },
    of: "app",
    sequence: [/^waiting PodInitializing/],
    never: /running/,
    event: /^MountVolume.SetUp failed for volume "settings" : configmap "absent" not found$/,
  },
  {
    name: "slow-drain",
    app: { lifecycle: { preStop: { exec: { command: ["sleep", "6"] } } } },
    of: "app",
    sequence: [READY],
    afterDeletion: [READY, /^terminated Completed 0, restarts 0$/],
  },
  {
    name: "ignores-termination",
    modes: NATIVE,
    behaviours: { app: [`trap '' TERM; httpd -f -p 8080 -h /www`] },
    podSpec: { terminationGracePeriodSeconds: 5 },
    of: "app",
    sequence: [READY],
    afterDeletion: [READY, /^terminated Error 137, restarts 0$/],
  },
];

const ROWS = CASES.flatMap((one) =>
  (one.modes ?? MODES).map((mode): [string, Mode, Case] => [`${one.name}-${mode}`, mode, one]),
);

/** Returns the different states of a container, or of the pod itself, in order. */
function statesOf(versions: readonly PodVersion[], of: string): string[] {
  const texts = versions.flatMap(({ pod: { status } }) =>
    of === "pod"
      ? [`${status?.phase} ${status?.reason ?? ""}`.trim()]
      : [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
          .filter(({ name }) => name === of)
          .map(describeState),
  );
  return texts.filter((text, index) => text !== texts[index - 1]);
}

function describeState({ state, lastState, ready, restartCount }: V1ContainerStatus): string {
  const end = lastState?.terminated;
  return [
    `${describeCurrent(state)}${ready ? " ready" : ""}`,
    `restarts ${restartCount}`,
    ...(end ? [`before ${end.reason} ${end.exitCode}`] : []),
  ].join(", ");
}

function describeCurrent(state: V1ContainerStatus["state"]): string {
  if (state?.running) return "running";
  if (state?.terminated)
    return `terminated ${state.terminated.reason} ${state.terminated.exitCode}`;
  return `waiting ${state?.waiting?.reason}`;
}

function isReady(versions: readonly PodVersion[]): boolean {
  const conditions = versions.at(-1)?.pod.status?.conditions ?? [];
  return conditions.some(({ type, status }) => type === "Ready" && status === "True");
}

function follows(states: readonly string[], sequence: readonly RegExp[]): boolean {
  let found = 0;
  for (const state of states) if (sequence[found]?.test(state)) found++;
  return found === sequence.length;
}

beforeAll(() => installRevisions(connectRealCluster(clusterAddress())));

describe.concurrent("the kubelet publishes", () => {
  test.for(ROWS)("%s", async ([name, mode, one], { cluster, enter }) => {
    const sandbox = await enter({ "istio.io/rev": REVISIONS[mode].name }, mode);
    await untilUsable(cluster, sandbox);
    for (const [role, behaviour] of Object.entries(one.behaviours ?? {}))
      await behave(name, role as Role, ...behaviour);
    if (one.pullFault) await failPulls(String(one.app?.["image"]), one.pullFault);

    const recorder = await recordPods(clusterAddress(), sandbox.name);
    await sandbox.create("pods", pod(name, onRealNode(one.app, one.podSpec)));
    const seen = (sequence: readonly RegExp[]) => (versions: readonly PodVersion[]) =>
      follows(statesOf(versions, one.of), sequence);
    await recorder.until(name, seen(one.sequence), 240).catch((error: Error) => {
      throw new Error(`${error.message}: ${statesOf(recorder.versions(name), one.of).join("\n")}`);
    });
    if (one.ready) await recorder.until(name, isReady, 60);
    if (one.event) {
      await eventually(async () => {
        const messages = (await eventsOf(cluster, sandbox, name)).map(({ message }) => message);
        expect(messages).toContainEqual(expect.stringMatching(one.event as RegExp));
      }, EVENT);
    }
    if (one.afterDeletion) {
      await cluster.request("DELETE", sandbox.path("pods", name));
      await recorder.until(name, seen([...one.sequence, ...one.afterDeletion.slice(1)]), 60);
    }
    // The other containers may still be starting.
    if (RECORD) await sleep(8_000);
    const versions = recorder.versions(name);
    const states = statesOf(versions, one.of);
    if (one.never) expect(states.filter((state) => one.never?.test(state))).toEqual([]);
    if (RECORD) {
      const events = await eventsOf(cluster, sandbox, name);
      writeRecordedPod(name, "v1.36.3", { versions, events });
    }
    recorder.close();
  });
});
