import { describe, expect, test } from "vitest";
import type { ApiContainerStatus, ApiPod } from "../../../src/cluster/api-objects.ts";
import { findTrouble, worse } from "../../../src/cluster/pod-trouble.ts";
import type { PodTrouble } from "../../../src/snapshot.ts";
import { crashing } from "../../support/build/pod-group.ts";

type Status = ApiPod["status"];

const NOT_FOUND = 'failed to pull and unpack image "p:1": failed to resolve reference: not found';
const BUSY = "failed to pull image: 429 Too Many Requests: toomanyrequests";

function waiting(name: string, reason: string, message = "", restartCount = 0): ApiContainerStatus {
  return { name, restartCount, state: { waiting: { reason, message } } };
}

/** A container that has ended; `restartCount` times it ran before. */
function ended(name: string, exitCode: number, restartCount: number): ApiContainerStatus {
  return { name, restartCount, state: { terminated: { exitCode, reason: "Error" } } };
}

/** A container that waits for its next start. */
function backingOff(name: string, restartCount: number): ApiContainerStatus {
  const lastState = { terminated: { exitCode: 1, reason: "Error" } };
  return { ...waiting(name, "CrashLoopBackOff", "back-off 10s", restartCount), lastState };
}

const running = (name: string, restartCount = 0): ApiContainerStatus => ({
  name,
  restartCount,
  state: {},
});

function troubleOf(status: Status): PodTrouble | undefined {
  return findTrouble({ metadata: { name: "web-1" }, ...(status && { status }) });
}

describe("a waiting container", () => {
  test.each<[reason: string, message: string, outlook: PodTrouble["outlook"] | undefined]>([
    ["ContainerCreating", "", undefined],
    ["PodInitializing", "", undefined],
    ["InvalidImageName", "couldn't parse image name", "final"],
    ["ErrImageNeverPull", "image is not present with pull policy of Never", "final"],
    ["ErrImagePull", NOT_FOUND, "final"],
    ["ErrImagePull", "manifest unknown: tag v9 is unknown", "final"],
    ["ErrImagePull", "failed to authorize: 401 Unauthorized", "final"],
    ["ErrImagePull", "pull access denied, repository does not exist", "final"],
    ["ErrImagePull", BUSY, "passing"],
    ["ErrImagePull", "dial tcp: lookup mcr.microsoft.com: no such host", "passing"],
    ["ImagePullBackOff", `Back-off pulling image "p:1": ErrImagePull: ${NOT_FOUND}`, "final"],
    ["ImagePullBackOff", 'Back-off pulling image "p:1"', "open"],
    ["RegistryUnavailable", "", "open"],
    ["ImageInspectError", "", "open"],
    ["SignatureValidationFailed", "", "open"],
    ["CreateContainerConfigError", 'configmap "settings" not found', "final"],
    [
      "CreateContainerConfigError",
      "failed to sync configmap cache: timed out waiting for the condition",
      "passing",
    ],
    ["CreateContainerError", "context deadline exceeded", "open"],
    ["RunContainerError", 'exec: "app": executable file not found', "passing"],
    ["PostStartHookError", "", "passing"],
    ["CrashLoopBackOff", "back-off 10s", "passing"],
    ["toString", "", undefined],
  ])("%s: %s", (reason, message, outlook) => {
    const containerStatuses = [running("istio-proxy"), waiting("app", reason, message)];
    const trouble = troubleOf({ containerStatuses });
    expect(trouble?.outlook).toBe(outlook);
    expect(trouble?.reason).toBe(outlook && reason);
  });
});

// As a real kubelet shows them: an init container stays terminated between its attempts.
describe("a crash", () => {
  test.each<[what: string, status: Status, outlook: PodTrouble["outlook"] | undefined]>([
    [
      "of an init container, the first time",
      { initContainerStatuses: [ended("istio-init", 1, 0)] },
      "passing",
    ],
    [
      "of an init container, after one restart",
      { initContainerStatuses: [ended("istio-init", 1, 1)] },
      "passing",
    ],
    [
      "of an init container, after two restarts",
      { initContainerStatuses: [ended("istio-init", 1, 2)] },
      "final",
    ],
    [
      "of an init container that waits",
      { initContainerStatuses: [backingOff("istio-init", 3)] },
      "final",
    ],
    [
      "of an init container that has run to its end",
      { initContainerStatuses: [ended("istio-init", 0, 1)] },
      undefined,
    ],
    [
      "of a native sidecar, after one restart",
      { initContainerStatuses: [backingOff("istio-proxy", 1)] },
      "passing",
    ],
    [
      "of a native sidecar, after two restarts",
      { initContainerStatuses: [backingOff("istio-proxy", 2)] },
      "final",
    ],
    [
      "of a container, after one restart",
      { containerStatuses: [backingOff("app", 1), running("istio-proxy")] },
      "passing",
    ],
    [
      "of a container, after two restarts",
      { containerStatuses: [running("istio-proxy"), backingOff("app", 2)] },
      "final",
    ],
    [
      "of a container that is about to start again",
      { containerStatuses: [ended("app", 137, 2)] },
      "final",
    ],
    ["of a container that runs again", { containerStatuses: [running("app", 5)] }, undefined],
  ])("%s", (_what, status, outlook) => {
    expect(troubleOf(status)?.outlook).toBe(outlook);
  });

  test("is described by the container that ended, and how", () => {
    const message = (terminated: object) =>
      troubleOf({
        containerStatuses: [
          {
            ...waiting("app", "CrashLoopBackOff", "back-off 10s"),
            lastState: { terminated: { exitCode: 137, ...terminated } },
          },
        ],
      })?.message;
    expect(message({ reason: "OOMKilled" })).toBe(
      "back-off 10s; app ended with exit code 137 (OOMKilled)",
    );
    expect(message({ reason: "Error", message: "no config\n" })).toBe(
      "back-off 10s; app ended with exit code 137 (Error: no config)",
    );
    expect(message({})).toBe("back-off 10s; app ended with exit code 137");
    expect(troubleOf({ initContainerStatuses: [ended("istio-init", 126, 2)] })).toEqual({
      pod: "web-1",
      container: "istio-init",
      reason: "Error",
      message: "istio-init ended with exit code 126 (Error)",
      outlook: "final",
    });
  });
});

describe("a pod", () => {
  const trouble = (reason: string, message: string, outlook: PodTrouble["outlook"]) => ({
    pod: "web-1",
    reason,
    message,
    outlook,
  });
  const unscheduled = (reason: string) => ({
    conditions: [{ type: "PodScheduled", status: "False", reason, message: "0/3 nodes" }],
  });

  test.each<[what: string, status: Status, trouble: PodTrouble | undefined]>([
    ["without a status", undefined, undefined],
    ["that is ready", { conditions: [{ type: "Ready", status: "True" }] }, undefined],
    [
      "that fits no node",
      unscheduled("Unschedulable"),
      trouble("Unschedulable", "0/3 nodes", "open"),
    ],
    ["that somebody else schedules", unscheduled("SchedulingGated"), undefined],
    [
      "that the kubelet has rejected",
      { phase: "Failed", reason: "OutOfcpu", message: "no cpu left" },
      trouble("OutOfcpu", "no cpu left", "open"),
    ],
    ["that has failed", { phase: "Failed" }, trouble("Failed", "", "open")],
    [
      "with several containers in trouble has the worst",
      {
        initContainerStatuses: [backingOff("istio-proxy", 1)],
        containerStatuses: [waiting("app", "InvalidImageName"), backingOff("other", 2)],
      },
      { ...trouble("InvalidImageName", "", "final"), container: "app" },
    ],
  ])("%s", (_what, status, found) => {
    expect(troubleOf(status)).toEqual(found);
  });
});

test("the worse of two troubles is the one that is less likely to resolve itself", () => {
  const [passing, final] = [crashing("a", "passing"), crashing("b")];
  expect([worse(passing, final), worse(final, passing)]).toEqual([final, final]);
  expect([worse(undefined, passing), worse(passing, undefined)]).toEqual([passing, passing]);
  expect(worse(crashing("a"), final)).toEqual(crashing("a"));
});
