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
    minReadySeconds: 0,
    strategy: "Evict",
    replicas: 5,
    restartAt: "t",
    restarting: true,
    phase: "Progressing",
    message: "more",
    status: { replicas: 5, updated: 5, available: 4 },
    conditions: [],
  });
});

test("a Rollout is restarting until its controller has restarted every pod", () => {
  const restarting = (restartAt?: string, restartedAt?: string) => {
    const object = {
      metadata,
      spec: restartAt === undefined ? {} : { restartAt },
      status: restartedAt === undefined ? {} : { restartedAt },
    };
    const { rollout } = argoWorkload(object, undefined);
    return rollout?.kind === "Rollout" && rollout.restarting;
  };
  expect([restarting(), restarting("t"), restarting("t", "s"), restarting("t", "t")]).toEqual([
    false,
    true,
    true,
    false,
  ]);
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

test.each<[spec: object, malformed: string | undefined, isTemplateKept: boolean]>([
  [{ template }, undefined, true],
  [{ template: { ...template, spec: { containers: [], volumes: null } } }, undefined, true],
  [{ template: { spec: { volumes: {} } } }, "spec.template.spec.volumes is not a list", true],
  [
    { template: { spec: { imagePullSecrets: "a" } } },
    "spec.template.spec.imagePullSecrets is not a list",
    true,
  ],
  [
    { template: { spec: { containers: {} } } },
    "spec.template.spec.containers is not a list",
    false,
  ],
  [
    { template: { spec: { initContainers: [null] } } },
    "spec.template.spec.initContainers has an entry that is not a container",
    false,
  ],
  [
    { template: { spec: { containers: [{ name: "istio-proxy", image: {} }] } } },
    "spec.template.spec.containers has an entry that is not a container",
    false,
  ],
  [
    { template: { metadata: { labels: { app: 1 } } } },
    "spec.template.metadata.labels is not a map of strings",
    false,
  ],
  [
    { template: { metadata: { annotations: [] } } },
    "spec.template.metadata.annotations is not a map of strings",
    false,
  ],
  [{ template: { metadata: "m" } }, "spec.template.metadata is not an object", false],
  [{ template: { spec: [] } }, "spec.template.spec is not an object", false],
  [{ template: [] }, "spec.template is not an object", false],
  [{ template: { spec: [] }, workloadRef: { kind: "Deployment", name: "web" } }, undefined, true],
])("a template that is no pod template is malformed: %j", (spec, malformed, isTemplateKept) => {
  const read = argoWorkload({ metadata, spec }, deployment("web", { pods: [] }));
  expect(read.malformed).toBe(malformed);
  expect(read.template !== undefined).toBe(isTemplateKept);
});
