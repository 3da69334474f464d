import { expect, test } from "vitest";
import { predictNewPod } from "../../../src/mesh/prediction.ts";
import { newPodOf } from "../../../src/kubernetes/controller-labels.ts";
import { resolveMesh } from "../../../src/mesh/mesh.ts";
import type { Workload } from "../../../src/snapshot.ts";
import { controlPlane } from "../../support/build/control-plane.ts";
import { namespace } from "../../support/build/namespace.ts";
import { proxyImage } from "../../support/build/pod-group.ts";
import {
  argoRollout,
  daemonSet,
  deployment,
  otherWorkload,
  statefulSet,
} from "../../support/build/workload.ts";

const template = { labels: { app: "web" } };

test.each<[workload: Workload, added: readonly string[]]>([
  [deployment("web", { template }), ["pod-template-hash"]],
  [argoRollout("web", { template }), ["rollouts-pod-template-hash"]],
  [
    statefulSet("web", { template }),
    [
      "controller-revision-hash",
      "statefulset.kubernetes.io/pod-name",
      "apps.kubernetes.io/pod-index",
    ],
  ],
  [daemonSet("web", { template }), ["controller-revision-hash", "pod-template-generation"]],
  [otherWorkload("Job", "web", { template }), []],
])("a new pod has the labels of its template and of its controller: $0.kind", (workload, added) => {
  expect(Object.keys(newPodOf(workload)?.labels ?? {})).toEqual(["app", ...added]);
});

test("a new pod is unknown if its template is unread", () => {
  expect(newPodOf(deployment("web", { template: null }))).toBeUndefined();
});

test.each([
  ["Exists", "none"],
  ["DoesNotExist", "injected"],
])("a webhook can select pods for which a controller label %s", (operator, kind) => {
  const plane = controlPlane({
    revisions: [
      {
        name: "asm-1-27",
        values: { image: proxyImage("v1.27.9-6") },
        config: { never: [{ matchExpressions: [{ key: "pod-template-hash", operator }] }] },
      },
    ],
  });
  const place = namespace("shop", { rev: "asm-1-27" });
  expect(predictNewPod(deployment("web"), place, resolveMesh(plane)).kind).toBe(kind);
  expect(predictNewPod(daemonSet("web"), place, resolveMesh(plane)).kind).not.toBe(kind);
});
