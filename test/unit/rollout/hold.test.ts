import { expect, test } from "vitest";
import { resolveMesh } from "../../../src/mesh/mesh.ts";
import { NO_CONSENT } from "../../../src/mesh/consent.ts";
import { holdReason } from "../../../src/rollout/hold.ts";
import type { Workload } from "../../../src/snapshot.ts";
import { assessmentOf, meshOf } from "../../support/build/assessment.ts";
import { controlPlane } from "../../support/build/control-plane.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { deployment, statefulSet } from "../../support/build/workload.ts";

const LATE = proxyImage("v1.27.7-1");
const TO = { revision: "asm-1-27", image: proxyImage("v1.27.9-6") };

/** Half way: one of two pods is new. */
const rolling = {
  status: { replicas: 3, updated: 1, available: 2 },
};
const web = (rollout: object = {}, trouble?: { pod: string; reason: string; message: string }) =>
  deployment("web", { pods: [{ ...sidecars(2, LATE), trouble }], rollout });

function hold(workload: Workload, mesh = meshOf(), unhealthy = false) {
  const policy = { unhealthy };
  const assessment = assessmentOf(workload, { mesh, policy });
  return holdReason(TO, assessment, mesh, { ...NO_CONSENT, ...policy });
}

/** The control plane of the target, not ready in one way or another. */
function meshWith(state: { ready?: boolean; state?: "dead"; failurePolicy?: "Ignore" }) {
  const values = { image: TO.image };
  return resolveMesh(controlPlane({ revisions: [{ name: TO.revision, values, ...state }] }));
}

test("a workload without a rollout does not wait", () => {
  expect(hold(web())).toBeUndefined();
});

test.each([
  ["that rolls", { ready: false }],
  ["that does not answer, so that new pods would be refused", { state: "dead" as const }],
  [
    "that does not answer, so that new pods would have no sidecar",
    { state: "dead" as const, failurePolicy: "Ignore" as const },
  ],
])("a control plane %s is waited for", (_what, state) => {
  expect(hold(web(), meshWith(state))).toMatchObject({
    message: "the control plane istiod-asm-1-27 is not ready",
    isOwnRollout: false,
  });
});

test("a rolling workload waits, even with --include unhealthy", () => {
  for (const unhealthy of [false, true]) {
    expect(hold(web(rolling), meshOf(), unhealthy)).toMatchObject({
      message: "already rolling: 1 of 2 new pods have been created",
      isOwnRollout: true,
    });
  }
});

test("a StatefulSet makes progress although as many of its pods are ready as before", () => {
  const at = (updated: number) =>
    hold(
      statefulSet("db", {
        pods: [sidecars(3, LATE)],
        rollout: { status: { updated, ready: 2 } },
      }),
    );
  expect(at(2)?.message).toBe(at(1)?.message);
  expect(at(2)?.progress).not.toBe(at(1)?.progress);
});

test("an unready workload that is not rolling waits, except with --include unhealthy", () => {
  const unready = web({ status: { replicas: 2, updated: 2, available: 1 } });
  expect(hold(unready)?.isOwnRollout).toBe(true);
  expect(hold(unready, meshOf(), true)).toBeUndefined();
});

test("a rollout that cannot end is not waited for", () => {
  const trouble = { pod: "web-2", reason: "CrashLoopBackOff", message: "back-off" };
  expect(hold(web(rolling, trouble))).toBeUndefined();
  expect(hold(web({ ...rolling, paused: true }))).toBeUndefined();
});
