import { expect, test } from "vitest";
import { type ApiRollout, argoWorkload } from "../../../src/cluster/argo-rollout.ts";
import { deployment } from "../../support/build/workload.ts";

const metadata = { namespace: "shop", name: "web", uid: "u", generation: 4, resourceVersion: "9" };
const template = { metadata: { labels: { app: "web" } }, spec: { containers: [] } };
const WEB: ApiRollout = {
  metadata,
  spec: { replicas: 5, selector: { matchLabels: { app: "web" } }, template, restartAt: "t" },
  status: {
    observedGeneration: "4",
    replicas: 5,
    updatedReplicas: 5,
    availableReplicas: 4,
    phase: "Progressing",
    message: "more",
  },
};

test("a Rollout becomes a workload", () => {
  const { kind, template: read, rollout } = argoWorkload(WEB, undefined);
  expect([kind, read?.labels]).toEqual(["Rollout", { app: "web" }]);
  expect(rollout).toEqual({
    kind: "Rollout",
    generation: 4,
    observedGeneration: 4,
    resourceVersion: "9",
    selector: { matchLabels: { app: "web" }, matchExpressions: [] },
    surge: 0,
    unavailable: 1,
    strategy: "Evict",
    replicas: 5,
    restartAt: "t",
    phase: "Progressing",
    message: "more",
    status: { replicas: 5, updated: 5, available: 4 },
    conditions: [],
  });
});

test("a Rollout with a workloadRef has the template and the selector of the Deployment", () => {
  const object = { metadata, spec: { workloadRef: { kind: "Deployment", name: "base" } } };
  const base = deployment("base", { template: { labels: { app: "base" } } });
  const { template: read, rollout } = argoWorkload(object, base);
  expect([read, rollout?.selector]).toEqual([base.template, base.rollout?.selector]);
  expect(argoWorkload(object, undefined).template).toBeUndefined();
});

test.each([
  [undefined, 0],
  ["3", 3],
  ["5d8f", 4],
  ["12", 4],
])("the observed generation %s is read as %d", (observedGeneration, number) => {
  const status = observedGeneration === undefined ? {} : { observedGeneration };
  expect(argoWorkload({ ...WEB, status }, undefined).rollout?.observedGeneration).toBe(number);
});

test("a Rollout is progressing until its controller has ended a lifted pause", () => {
  const status = { ...WEB.status, phase: "Paused", controllerPause: true };
  expect(argoWorkload({ ...WEB, status }, undefined).rollout).toMatchObject({
    phase: "Progressing",
    message: "waiting for rollout to unpause",
  });
  const paused = { ...status, pauseConditions: [{ reason: "CanaryPauseStep" }] };
  expect(argoWorkload({ ...WEB, status: paused }, undefined).rollout).toMatchObject({
    phase: "Paused",
  });
});
