import { describe, expect, test } from "vitest";
import {
  type CandidateEvent,
  explainingEvent,
  longestUnready,
  unreadyText,
} from "../../../src/mesh/unready-pod.ts";
import type { Blocker } from "../../../src/snapshot.ts";
import { crashing, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { newPod } from "../../support/build/rollout-view.ts";

const PROXY: Blocker = { kind: "container", container: "istio-proxy" };
const SETUP: Blocker = { kind: "init", container: "setup" };
const NOT_STARTED: Blocker = { kind: "not-started" };

const event = (reason: string, container?: string, isWarning = true): CandidateEvent => ({
  reason,
  message: `words of ${reason}`,
  container,
  isWarning,
});

const SCHEDULING = event("FailedScheduling");
const PROBE = event("Unhealthy", "istio-proxy");
const APP_PROBE = event("Unhealthy", "app");
const ATTACH = event("FailedAttachVolume");
const KILL = event("FailedKillPod");

describe("the event that explains a pod", () => {
  test.each<
    [
      what: string,
      pod: Parameters<typeof newPod>[1],
      events: readonly CandidateEvent[],
      reason: string | undefined,
    ]
  >([
    [
      "is the last one about its container",
      { blocker: PROXY },
      [event("BackOff", "istio-proxy"), PROBE, APP_PROBE, ATTACH],
      "Unhealthy",
    ],
    ["is none of another container", { blocker: PROXY }, [SCHEDULING, APP_PROBE], undefined],
    ["is none of the past of its scheduling", { blocker: NOT_STARTED }, [SCHEDULING], undefined],
    [
      "is about its volumes or its network before a container has started",
      { blocker: NOT_STARTED },
      [SCHEDULING, ATTACH, event("Pulled", "app", false)],
      "FailedAttachVolume",
    ],
    [
      "is about its image before a container has started",
      { blocker: NOT_STARTED },
      [ATTACH, event("Failed", "istio-init")],
      "Failed",
    ],
    [
      "is the scheduler's before it has a node",
      { node: undefined, blocker: undefined },
      [SCHEDULING, event("Preempted")],
      "FailedScheduling",
    ],
    [
      "is about the container in trouble",
      { blocker: NOT_STARTED, trouble: { ...crashing("web-5"), container: "app" } },
      [event("BackOff", "app"), PROBE],
      "BackOff",
    ],
    [
      "is about its end if it is terminating",
      { terminating: true },
      [KILL, PROBE],
      "FailedKillPod",
    ],
    ["is no warning of a probe while it is terminating", { terminating: true }, [PROBE], undefined],
    ["is no normal event", { blocker: PROXY }, [event("Started", "istio-proxy", false)], undefined],
  ])("%s", (_what, facts, events, reason) => {
    const ready = facts?.trouble === undefined ? { ready: false } : {};
    const pod = newPod("web-5", { ...ready, ...facts });
    expect(explainingEvent(pod, events)).toEqual(
      reason && { reason, message: `words of ${reason}` },
    );
  });
});

describe("the words about a pod", () => {
  const probe = { reason: "Unhealthy", message: "Readiness probe failed: statuscode: 503\n" };
  const attach = { reason: "FailedAttachVolume", message: "Multi-Attach error" };
  test.each<
    [
      blocker: Blocker | undefined,
      node: string | undefined,
      event: typeof probe | undefined,
      text: string,
    ]
  >([
    [
      PROXY,
      "aks-1",
      probe,
      "the container istio-proxy of the pod web-5 on aks-1 is not ready: Readiness probe failed: statuscode: 503",
    ],
    [PROXY, undefined, undefined, "the container istio-proxy of the pod web-5 is not ready"],
    [
      SETUP,
      "aks-1",
      undefined,
      "the init container setup of the pod web-5 on aks-1 has not completed",
    ],
    [
      NOT_STARTED,
      "aks-1",
      attach,
      "the containers of the pod web-5 on aks-1 have not started: FailedAttachVolume: Multi-Attach error",
    ],
    [
      { kind: "gate", message: "the gate is not True" },
      "aks-1",
      undefined,
      "the pod web-5 on aks-1 is not ready: the gate is not True",
    ],
    [undefined, undefined, undefined, "the pod web-5 is not ready"],
  ])("%j on %s, %j", (blocker, node, found, text) => {
    expect(unreadyText("the pod web-5", { blocker, node }, found)).toBe(text);
  });
});

test("the pod of all groups that has been unready for the longest time", () => {
  const group = (pod: string, since: string) => ({
    ...sidecars(1, proxyImage("v1.27.7-1"), { ready: 0 }),
    unready: { pod, uid: pod, node: undefined, since, blocker: undefined },
  });
  const late = group("a", "2026-11-22T20:00:09Z");
  const early = group("b", "2026-11-22T20:00:01Z");
  expect(longestUnready([late, early])?.pod).toBe("b");
  expect(longestUnready([])).toBeUndefined();
});
