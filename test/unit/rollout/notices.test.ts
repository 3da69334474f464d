import { describe, expect, test } from "vitest";
import {
  noticeOfResult,
  noticeOfStart,
  type Share,
  type Way,
} from "../../../src/rollout/notices.ts";
import type { StepResult } from "../../../src/rollout/result.ts";
import type { From } from "../../../src/rollout/step.ts";
import { proxyImage } from "../../support/build/pod-group.ts";
import { someResult, someStep } from "../../support/build/step.ts";

const OLD = { image: proxyImage("v1.27.7-1"), revision: "asm-1-27", pods: 3 };
const NEW = { revision: "asm-1-27", image: proxyImage("v1.27.9-6") };
const RUN = { way: "restart", user: undefined, why: undefined } as const;

function startOf(
  from: readonly From[],
  to = NEW,
  run: Partial<Parameters<typeof noticeOfStart>[2]> = {},
) {
  return noticeOfStart({ ...someStep(), from, to }, "7", { ...RUN, ...run });
}

test("the notice before a restart refers to the version of the workload that is patched", () => {
  expect(startOf([OLD])).toEqual({
    workload: { ...someStep().ref, apiVersion: "apps/v1", resourceVersion: "7" },
    type: "Normal",
    reason: "SidecarRestart",
    action: "Restart",
    message:
      "istio-upgrade restarts this Deployment: its sidecars run proxyv2:v1.27.7-1 (asm-1-27), injection gives v1.27.9-6 (asm-1-27).",
    nextStep: "",
  });
});

test("it names the user and the reason", () => {
  const { message } = startOf([OLD], NEW, { user: "jane@example.com", why: 'CVE-2026-1 "urgent"' });
  expect(message).toMatch(/^istio-upgrade, run by jane@example.com, restarts this Deployment: /);
  expect(message).toMatch(/\. Reason: CVE-2026-1 "urgent"$/);
});

test("a replacement in place restarts nothing", () => {
  const { message, reason, action } = startOf([OLD], NEW, { way: "replacement" });
  expect([reason, action]).toEqual(["SidecarReplacement", "ReplaceSidecar"]);
  expect(message).toMatch(
    /^istio-upgrade replaces the sidecars of this Deployment in place, without a restart: /,
  );
});

const OTHER = { ...OLD, image: "other.example/istio/proxyv2-fips:v1.27.7-1" };

test.each<[what: string, from: readonly From[], to: typeof NEW, text: string]>([
  [
    "of another revision",
    [OLD],
    { revision: "asm-1-28", image: proxyImage("v1.28.2-1") },
    "its sidecars run proxyv2:v1.27.7-1 (asm-1-27), injection gives v1.28.2-1 (asm-1-28).",
  ],
  [
    "with another name",
    [OTHER],
    NEW,
    "its sidecars run proxyv2-fips:v1.27.7-1 (asm-1-27), injection gives proxyv2:v1.27.9-6 (asm-1-27).",
  ],
  [
    "of the same image from another revision",
    [{ ...OLD, image: NEW.image }],
    { ...NEW, revision: "asm-1-28" },
    "its sidecars run proxyv2:v1.27.9-6 (asm-1-27), injection gives proxyv2:v1.27.9-6 (asm-1-28).",
  ],
  [
    "for several groups, some without a revision or a sidecar",
    [
      { ...OLD, revision: undefined },
      { ...OLD, ...NEW },
      { ...OLD, image: undefined },
    ],
    NEW,
    "its sidecars run proxyv2:v1.27.7-1 (unknown revision), proxyv2:v1.27.9-6 (asm-1-27), injection gives v1.27.9-6 (asm-1-27).",
  ],
  [
    "that they have",
    [{ ...OLD, ...NEW }],
    NEW,
    "its sidecars run proxyv2:v1.27.9-6 (asm-1-27), as injection gives.",
  ],
  [
    "that they lack",
    [{ image: undefined, revision: undefined, pods: 1 }],
    NEW,
    "its pods have no sidecar, injection gives proxyv2:v1.27.9-6 (asm-1-27).",
  ],
])("it names a target %s", (_what, from, to, text) => {
  expect(startOf(from, to).message).toBe(`istio-upgrade restarts this Deployment: ${text}`);
});

test.each<[kind: string, noticed: string, apiVersion: string | undefined]>([
  ["StatefulSet", "StatefulSet", "apps/v1"],
  ["Rollout", "Rollout", "argoproj.io/v1alpha1"],
  ["Pod", "Pod", "v1"],
  ["Job", "Job", "batch/v1"],
  ["StatefulSet.apps.kruise.io", "StatefulSet", undefined],
  ["StrimziPodSet", "StrimziPodSet", undefined],
])("an Event about a %s refers to the kind %s of %s", (kind, noticed, apiVersion) => {
  const { ref } = someStep();
  const { workload } = noticeOfStart({ ...someStep(), ref: { ...ref, kind } }, undefined, RUN);
  expect(workload).toMatchObject({ kind: noticed, apiVersion });
});

describe("the notice about a result", () => {
  test.each<
    [
      result: Partial<StepResult>,
      way: Way,
      share: Share,
      type: string,
      reason: string,
      text: string,
    ]
  >([
    [
      {},
      "restart",
      "own",
      "Normal",
      "SidecarRestarted",
      "istio-upgrade restarted this Deployment: rolled out. Its target is proxyv2:v1.27.9-6 (asm-1-27).",
    ],
    [
      { code: "scaled-to-zero", message: "scaled to zero" },
      "restart",
      "own",
      "Normal",
      "SidecarRestarted",
      "istio-upgrade restarted this Deployment: scaled to zero.",
    ],
    [
      { outcome: "failed", message: "it crashes" },
      "restart",
      "own",
      "Warning",
      "SidecarRestartFailed",
      "The restart of this Deployment by istio-upgrade failed: it crashes.",
    ],
    [
      { outcome: "timed-out", message: "no progress for 10m" },
      "restart",
      "own",
      "Warning",
      "SidecarRestartUnfinished",
      "The restart of this Deployment by istio-upgrade is unfinished: no progress for 10m.",
    ],
    [
      { outcome: "still-rolling", message: "still rolling" },
      "restart",
      "own",
      "Warning",
      "SidecarRestartUnfinished",
      "The restart of this Deployment by istio-upgrade is unfinished: still rolling.",
    ],
    [
      { outcome: "skipped", message: "already on target" },
      "restart",
      "own",
      "Normal",
      "SidecarRestartSkipped",
      "istio-upgrade did not restart this Deployment: already on target.",
    ],
    [
      { outcome: "waited", message: "on target" },
      "restart",
      "awaited",
      "Normal",
      "SidecarRestarted",
      "istio-upgrade waited for an earlier restart of this Deployment: on target. Its target is proxyv2:v1.27.9-6 (asm-1-27).",
    ],
    [
      { outcome: "failed", message: "it crashes" },
      "restart",
      "awaited",
      "Warning",
      "SidecarRestartFailed",
      "istio-upgrade waited for an earlier restart of this Deployment: it crashes.",
    ],
    [
      { outcome: "replaced", message: "replaced 3 sidecars" },
      "replacement",
      "own",
      "Normal",
      "SidecarReplaced",
      "istio-upgrade replaced the sidecars of this Deployment: replaced 3 sidecars. Its target is proxyv2:v1.27.9-6 (asm-1-27).",
    ],
    [
      { outcome: "failed", message: "taken back" },
      "replacement",
      "own",
      "Warning",
      "SidecarReplacementFailed",
      "The replacement of the sidecars of this Deployment by istio-upgrade failed: taken back.",
    ],
    [
      { outcome: "not-started", message: "the run was interrupted" },
      "replacement",
      "own",
      "Normal",
      "SidecarReplacementSkipped",
      "istio-upgrade did not replace the sidecars of this Deployment: the run was interrupted.",
    ],
  ])("%j of a %s, %s, is %s %s", (ending, way, share, type, reason, message) => {
    expect(noticeOfResult(someResult(ending), share, { way })).toMatchObject({
      type,
      reason,
      message,
    });
  });

  test.each<[ending: Partial<StepResult>, share: Share]>([
    [{ outcome: "skipped" }, "none"],
    [{ outcome: "not-started" }, "none"],
    [{ outcome: "timed-out" }, "none"],
    [{ outcome: "waited" }, "none"],
    [{ outcome: "not-started" }, "awaited"],
  ])("is absent if the run did not touch the workload: %j, %s", (ending, share) => {
    expect(noticeOfResult(someResult(ending), share, RUN)).toBeUndefined();
  });

  test("has the next step of the result", () => {
    const failed = someResult({ outcome: "failed", nextStep: "fix the cause" });
    expect(noticeOfResult(failed, "own", RUN)?.nextStep).toBe("fix the cause");
  });
});
