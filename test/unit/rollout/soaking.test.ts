import { describe, expect, test } from "vitest";
import {
  advanceSoaking,
  type PodWarning,
  type SoakEnd,
  type Soaking,
  type SoakObservation,
  type SoakRead,
  startSoaking,
} from "../../../src/rollout/soaking.ts";
import type { RollingPod, Rollout } from "../../../src/snapshot.ts";
import { failedPod, newPod, oldPod, RESTART } from "../../support/build/rollout-view.ts";
import { someStep } from "../../support/build/step.ts";
import { deploymentRollout } from "../../support/build/workload.ts";

const { ref } = someStep();
const READY_SINCE = "2026-11-22T20:00:10Z";
const START = Date.parse("2026-11-22T20:01:00Z");
const MINUTE = 60_000;

const ready = (name: string, facts: Partial<RollingPod> = {}) =>
  newPod(name, { readySince: READY_SINCE, ...facts });
const unready = (name: string, facts: Partial<RollingPod> = {}) =>
  newPod(name, {
    ready: false,
    blocker: { kind: "container", container: "app" },
    ...facts,
  });

const DONE: Rollout = deploymentRollout(2);

function warning(pod: string, facts: Partial<PodWarning> = {}): PodWarning {
  return {
    objectUid: `uid-${pod}`,
    uid: "event-1",
    id: "event-1 1",
    time: "2026-11-22T20:01:20Z",
    reason: "Unhealthy",
    message: "Readiness probe failed: 503",
    isWarning: true,
    container: "app",
    ...facts,
  };
}

interface Seen {
  readonly pods?: readonly RollingPod[];
  readonly warnings?: readonly PodWarning[];
  readonly rollout?: Rollout;
  readonly read?: SoakRead;
  readonly unreadWarnings?: string;
}

function seen({ pods = [], warnings = [], rollout = DONE, read, unreadWarnings }: Seen) {
  const own: SoakRead = read ?? { kind: "pods", rollout, restartedAt: RESTART.restartedAt, pods };
  return { reads: new Map([[ref.uid, own]]), warnings, unreadWarnings } satisfies SoakObservation;
}

/** The end of a soak of one minute, or `poll`, after reads at some seconds. */
function play(...reads: readonly (readonly [second: number, seen: Seen])[]): SoakEnd | "poll" {
  const patience = { duration: MINUTE, timeout: 5 * MINUTE };
  let state: Soaking = startSoaking(
    [{ ref, to: RESTART.target, doneAt: START - 1000 }],
    patience,
    START,
  );
  for (const [second, each] of reads) {
    const [next, action] = advanceSoaking(state, seen(each), START + second * 1000);
    if (action.kind === "end") return action.end;
    state = next;
  }
  return "poll";
}

const GOOD: Seen = { pods: [ready("a"), ready("b")] };

describe("a soak passes", () => {
  test("once all pods stayed healthy for its duration, and not before", () => {
    expect(play([0, GOOD], [59, GOOD])).toBe("poll");
    expect(play([0, GOOD], [60, GOOD])).toMatchObject({
      result: "passed",
      message: "all pods stayed healthy for 1m",
    });
  });

  test("counts its duration from the first read of everything", () => {
    const unread: Seen = { ...GOOD, unreadWarnings: "timed out" };
    expect(play([0, unread], [20, GOOD], [79, GOOD])).toBe("poll");
    expect(play([0, unread], [20, GOOD], [80, GOOD])).toMatchObject({ result: "passed" });
  });

  test.each<[what: string, later: Seen]>([
    ["a pod is drained and its replacement is ready", { pods: [ready("a"), ready("c")] }],
    [
      "a pod is terminating, and no longer ready",
      { pods: [ready("a"), unready("b", { terminating: true }), ready("c")] },
    ],
    ["a pod was evicted", { pods: [ready("a"), failedPod("b"), ready("c")] }],
    ["pods are added by an autoscaler", { pods: [ready("a"), ready("b"), ready("c")] }],
    [
      "an old pod below a partition is unready",
      { pods: [ready("a"), oldPod("o", { ready: false })] },
    ],
    ["the workload was deleted", { read: { kind: "gone" } }],
    ["there is a warning about another pod", { ...GOOD, warnings: [warning("x")] }],
    [
      "there is a warning from before the pod was ready",
      { ...GOOD, warnings: [warning("a", { time: READY_SINCE })] },
    ],
    [
      "a metric of an autoscaler is missing",
      { ...GOOD, warnings: [warning("a", { reason: "FailedGetResourceMetric" })] },
    ],
    [
      "a pod is about to be evicted",
      { ...GOOD, warnings: [warning("a", { reason: "Evicted", container: undefined })] },
    ],
  ])("if %s", (_what, later) => {
    expect(play([0, GOOD], [30, later], [60, later])).toMatchObject({ result: "passed" });
  });

  test("if a container had restarted before its pod was ready", () => {
    const pods = [ready("a", { restarts: [{ container: "app", count: 2 }] })];
    expect(play([0, { pods }], [60, { pods }])).toMatchObject({ result: "passed" });
  });

  test("if a warning that is not about a container came before, and is repeated", () => {
    const dns = { reason: "DNSConfigForming", container: undefined };
    const before: Seen = { ...GOOD, warnings: [warning("a", dns)] };
    const after: Seen = { ...GOOD, warnings: [warning("a", { ...dns, id: "event-1 2" })] };
    expect(play([0, before], [30, after], [60, after])).toMatchObject({ result: "passed" });
  });

  test("after it has waited for a new pod that is not ready at its end", () => {
    const added = unready("c", { createdAt: "2026-11-22T20:01:30Z" });
    const scaled: Seen = { pods: [...(GOOD.pods ?? []), added] };
    expect(play([0, GOOD], [60, scaled], [100, scaled])).toBe("poll");
    const later: Seen = { pods: [...(GOOD.pods ?? []), ready("c")] };
    expect(play([0, GOOD], [60, scaled], [100, later])).toMatchObject({ result: "passed" });
  });
});

describe("a soak fails", () => {
  test("if a pod that was ready is not, with its container and its last warning", () => {
    const warnings = [warning("b")];
    expect(play([0, GOOD], [5, { pods: [ready("a"), unready("b")], warnings }])).toMatchObject({
      result: "failed",
      message: "the container app of the pod b on aks-1 is not ready: Readiness probe failed: 503",
      workload: ref,
      pod: "b",
      container: "app",
      event: { reason: "Unhealthy" },
      nextStep: { parts: ["see why: ", { args: ["describe", "pod", "b", "-n", "shop"] }] },
    });
  });

  test("if a pod became unready before the soak, while other workloads of the wave rolled out", () => {
    expect(play([0, { pods: [ready("a"), unready("b")] }])).toMatchObject({
      result: "failed",
      pod: "b",
    });
  });

  test("if a pod was unready between two reads", () => {
    const pods = [ready("a"), ready("b", { readySince: "2026-11-22T20:01:07Z" })];
    expect(play([0, GOOD], [9, { pods }])).toMatchObject({
      result: "failed",
      message: "the pod b was not ready for a moment",
    });
  });

  test("if a container restarts", () => {
    const restarts = [{ container: "istio-proxy", count: 1, lastEnd: "OOMKilled, exit code 137" }];
    expect(play([0, GOOD], [9, { pods: [ready("a", { restarts }), ready("b")] }])).toMatchObject({
      result: "failed",
      message: "the container istio-proxy of the pod a restarted (OOMKilled, exit code 137)",
      container: "istio-proxy",
    });
  });

  test.each<[what: string, facts: Partial<PodWarning>]>([
    ["a new one", {}],
    ["one without a time", { time: "" }],
    ["one of a kind that repeats", { reason: "DNSConfigForming", container: undefined }],
  ])("if there is a warning about a ready pod: %s", (_what, facts) => {
    const warnings = [warning("a", facts)];
    expect(play([0, GOOD], [30, { ...GOOD, warnings }])).toMatchObject({
      result: "failed",
      pod: "a",
      message: expect.stringMatching(/^a warning about the pod a: /),
    });
  });

  test("if a warning about a container from before the soak comes again", () => {
    const before: Seen = { ...GOOD, warnings: [warning("a")] };
    const after: Seen = { ...GOOD, warnings: [warning("a", { id: "event-1 2" })] };
    expect(play([0, before], [30, before], [59, before])).toBe("poll");
    expect(play([0, before], [30, after])).toMatchObject({ result: "failed" });
  });

  test("if a new pod is not ready for the timeout after its end", () => {
    const pods = [ready("a"), unready("c", { createdAt: "2026-11-22T20:01:00Z" })];
    expect(play([0, { pods }], [60, { pods }], [359, { pods }])).toBe("poll");
    expect(play([0, { pods }], [60, { pods }], [360, { pods }])).toMatchObject({
      result: "failed",
      pod: "c",
    });
  });

  test("if pods are missing for the timeout after its end", () => {
    const rollout = deploymentRollout(2, { status: { replicas: 1, updated: 1, available: 1 } });
    const short: Seen = { pods: [ready("a")], rollout };
    expect(play([0, GOOD], [60, short], [360, short])).toMatchObject({
      result: "failed",
      message: "the rollout of deployment/web is not complete: 1 of 2 new pods have been created",
    });
  });
});

describe("a soak is unread", () => {
  const unread: Seen = { read: { kind: "unread", message: "the server is overloaded" } };

  test("if the pods cannot be read at its end, after a few more attempts", () => {
    expect(play([0, GOOD], [60, unread], [69, unread])).toBe("poll");
    expect(play([0, GOOD], [60, unread], [69, GOOD])).toMatchObject({ result: "passed" });
    expect(play([0, GOOD], [60, unread], [70, unread])).toMatchObject({
      result: "unread",
      message: "could not be read until the end of the soak: the server is overloaded",
    });
  });

  test("if nothing could ever be read", () => {
    const forbidden: Seen = { ...GOOD, unreadWarnings: "events is forbidden" };
    expect(play([0, forbidden], [60, forbidden], [70, forbidden])).toMatchObject({
      result: "unread",
      message: "could not be read until the end of the soak: events is forbidden",
    });
  });

  test("but a pod that is unready is a failure first", () => {
    const later: Seen = { pods: [unready("a")], unreadWarnings: "timed out" };
    expect(play([0, GOOD], [5, later])).toMatchObject({ result: "failed" });
  });
});
