import { describe, expect, test } from "vitest";
import { NO_CONSENT } from "../../../src/mesh/consent.ts";
import { resolveMesh } from "../../../src/mesh/mesh.ts";
import { consentToGoBack, goesBack } from "../../../src/mesh/way-back.ts";
import type { PodGroup } from "../../../src/snapshot.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { controlPlane } from "../../support/build/control-plane.ts";
import { crashing, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { deployment, statefulSet } from "../../support/build/workload.ts";

const [OLD_IMAGE, NEW_IMAGE] = [proxyImage("v1.27.7-1"), proxyImage("v1.28.1-1")];
const OLD = { revision: "asm-1-27", image: OLD_IMAGE };
const NEW = { revision: "asm-1-28", image: NEW_IMAGE };
const old = (pods = 1) => sidecars(pods, OLD_IMAGE);
const newer = (pods = 1, ready = pods) =>
  sidecars(pods, NEW_IMAGE, { revision: "asm-1-28", ready });

test.each<[string, readonly PodGroup[], typeof OLD, boolean]>([
  ["newer pods to an older revision", [newer()], OLD, true],
  ["some newer pods to an older revision", [old(), newer()], OLD, true],
  ["older pods to a newer revision", [old()], NEW, false],
  ["pods on target", [old()], OLD, false],
  ["a patch of the same revision", [sidecars(1, proxyImage("v1.27.9-1"))], OLD, false],
  [
    "pods of two revisions to one between them",
    [old(), newer()],
    { revision: "asm-1-27b", image: proxyImage("v1.27.9-1") },
    false,
  ],
  [
    "the same image under the name of a newer revision",
    [sidecars(1, OLD_IMAGE, { revision: "asm-1-28" })],
    OLD,
    true,
  ],
  ["pods without a known revision", [sidecars(1, NEW_IMAGE, { revision: undefined })], OLD, false],
  ["no pods", [], OLD, false],
])("%s: a way back is %#", (_name, running, target, expected) => {
  expect(goesBack(running, target)).toBe(expected);
});

test("failing pods are replaced on the way back alone, and a workload that is down has no downtime", () => {
  const back = { ...NO_CONSENT, back: true };
  expect(consentToGoBack(NO_CONSENT, [newer()], OLD)).toEqual({
    unhealthy: false,
    downtime: false,
  });
  expect(consentToGoBack(back, [old()], NEW)).toEqual({ unhealthy: false, downtime: false });
  expect(consentToGoBack(back, [newer()], OLD)).toEqual({ unhealthy: true, downtime: false });
  expect(consentToGoBack(back, [newer(2, 0)], OLD)).toEqual({ unhealthy: true, downtime: true });
});

const SHARED = { "istio-shared-configmap-asm-1-28": { mesh: "{}" } };
const MESH = resolveMesh(
  controlPlane({
    revisions: [
      { name: "asm-1-27", values: { image: OLD_IMAGE } },
      { name: "asm-1-28", values: { image: NEW_IMAGE } },
    ],
    configMaps: SHARED,
  }),
);

test("a shared ConfigMap that the older revision lacks is a warning on the way back", () => {
  const trouble = crashing("pod-0");
  const pods = [sidecars(1, NEW_IMAGE, { revision: "asm-1-28", ready: 0, trouble })];
  const workload = deployment("web", { pods });
  const options = { mesh: MESH, labels: { rev: "asm-1-27" } };
  const forced = assessmentOf(workload, { ...options, policy: { unhealthy: true } });
  expect(forced.restart).toMatchObject({
    answer: "refused",
    finding: { code: "shared-configmap-missing" },
  });
  const back = assessmentOf(workload, { ...options, policy: { back: true } });
  expect(back.restart).toEqual({ answer: "yes" });
  expect(back.warnings.map(({ code }) => code)).toContain("shared-configmap-missing");
});

describe("a rollout to the newer revision that is stuck", () => {
  const trouble = crashing("pod-0");
  const failing = sidecars(1, NEW_IMAGE, { revision: "asm-1-28", ready: 0, trouble });
  const options = { mesh: MESH, labels: { rev: "asm-1-27" }, policy: { back: true } };

  test("is replaced, if a restart replaces pods that fail", () => {
    const workload = deployment("web", {
      pods: [old(2), failing],
      rollout: { replicas: 2, status: { replicas: 3, updated: 1, available: 2 } },
    });
    expect(assessmentOf(workload, options).restart).toEqual({ answer: "yes" });
  });

  test("needs the deletion of the pod, if an OrderedReady StatefulSet waits for it", () => {
    const workload = statefulSet("db", {
      pods: [old(), failing],
      rollout: { replicas: 2, status: { ready: 1, updated: 1 } },
    });
    expect(assessmentOf(workload, options).restart).toMatchObject({
      answer: "refused",
      finding: { code: "stuck-rollout" },
    });
  });
});
