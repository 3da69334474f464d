import { describe, expect, test } from "vitest";
import { podGroupRecord } from "../../../src/cluster/pod-group.ts";
import type { PodGroup, ReportedImage, Workload } from "../../../src/snapshot.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { apiPod } from "../../support/build/api-pod.ts";
import { formatStep } from "../../support/build/next-step.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { daemonSet, deployment, otherWorkload, statefulSet } from "../../support/build/workload.ts";

const [OLD, NEW] = [proxyImage("v1.27.7-1"), proxyImage("v1.27.9-6")];
const [A, B] = [`sha256:${"aa".repeat(32)}`, `sha256:${"bb".repeat(32)}`];

/** A pod whose spec names an image, and whose status may name another one. */
function podWith(
  reported: { readonly image?: string; readonly imageID?: string } | undefined,
  { spec = NEW, generation = 1, native = false } = {},
) {
  const pod = apiPod({ sidecar: { image: spec, native } });
  const status = { name: "istio-proxy", ready: true, restartCount: 0, image: "", imageID: "" };
  const statuses = reported === undefined ? [] : [{ ...status, ...reported }];
  if (pod.metadata) pod.metadata.generation = generation;
  if (pod.status) {
    pod.status.containerStatuses = native ? [] : statuses;
    pod.status.initContainerStatuses = native ? statuses : [];
  }
  return pod;
}

describe("the image in the status of a pod", () => {
  const rows: [what: string, pod: ReturnType<typeof podWith>, expected: Partial<PodGroup>][] = [
    ["is absent", podWith(undefined), {}],
    ["is that of the spec", podWith({ image: NEW, imageID: A }), { imageId: A }],
    [
      "has the tag of the spec, with the default registry",
      podWith(
        { image: "docker.io/istio/proxyv2:1.27", imageID: A },
        { spec: "istio/proxyv2:1.27", generation: 2 },
      ),
      { imageId: A },
    ],
    ["is a digest alone", podWith({ image: A, imageID: A }, { generation: 2 }), { imageId: A }],
    ["is empty", podWith({ image: "" }, { generation: 2 }), {}],
    [
      "has another tag",
      podWith({ image: OLD, imageID: A }),
      { reported: { image: OLD, imageId: A, specChanged: false } },
    ],
    [
      "has another tag, and the spec was changed",
      podWith({ image: OLD }, { generation: 2 }),
      { reported: { image: OLD, imageId: undefined, specChanged: true } },
    ],
    [
      "has another tag, of a native sidecar",
      podWith({ image: OLD, imageID: B }, { generation: 2, native: true }),
      { reported: { image: OLD, imageId: B, specChanged: true } },
    ],
  ];
  test.each(rows)("%s", (_what, pod, expected) => {
    const { imageId, reported } = podGroupRecord(pod);
    expect({ imageId, reported }).toEqual({ imageId: undefined, reported: undefined, ...expected });
  });
});

/** Pods on target by their spec, with another image in their status. */
function saying(reported: Partial<ReportedImage>): PodGroup {
  const image = { image: OLD, imageId: undefined, specChanged: false, ...reported };
  return { ...sidecars(1, NEW), reported: image };
}
const agreeing = (imageId: string): PodGroup => ({ ...sidecars(1, NEW), imageId });

describe("a workload on target by its specs", () => {
  test.each<[what: string, pods: readonly PodGroup[], verdict: string]>([
    ["is unknown if a spec was changed in place", [saying({ specChanged: true })], "unknown"],
    [
      "is unknown if one of its specs was changed in place",
      [agreeing(A), saying({ specChanged: true, imageId: A })],
      "unknown",
    ],
    ["is current if only a tag differs", [saying({ imageId: A })], "current"],
    [
      "is current if another tag has the same digest",
      [agreeing(A), saying({ imageId: A })],
      "current",
    ],
    [
      "is unknown if other pods run another digest",
      [agreeing(A), saying({ imageId: B })],
      "unknown",
    ],
    ["is current if no digest is reported", [agreeing(A), saying({})], "current"],
    [
      "is outdated if other pods lag: a restart replaces all of them",
      [sidecars(1, OLD), saying({ specChanged: true })],
      "outdated",
    ],
    [
      "is unknown if other pods have no sidecar",
      [bare(1), saying({ specChanged: true })],
      "unknown",
    ],
  ])("%s", (_what, pods, verdict) => {
    expect(assessmentOf(deployment("web", { pods })).verdict).toBe(verdict);
  });

  const pods = [saying({ specChanged: true })];
  test.each<[Workload, RegExp]>([
    [deployment("web", { pods }), /kubectl rollout restart deployment\/web -n shop/],
    [statefulSet("db", { pods }), /kubectl rollout restart statefulset\/db -n shop/],
    [daemonSet("agent", { pods }), /kubectl rollout restart daemonset\/agent -n shop/],
    [otherWorkload("Job", "load", { pods }), /kubectl delete pod pod-0 -n shop/],
    [otherWorkload("ReplicaSet", "set", { pods }), /kubectl delete pod pod-0 -n shop/],
    [otherWorkload("Pod", "bare", { pods }), /kubectl describe pod pod-0 -n shop/],
  ])("has a next step that ends: $kind", (workload, step) => {
    const { verdict, finding, restart } = assessmentOf(workload);
    expect([verdict, finding.code, restart.answer]).toEqual([
      "unknown",
      "container-not-replaced",
      "no",
    ]);
    expect(finding.reason).toContain(OLD);
    expect(formatStep(finding.nextStep)).toMatch(step);
  });
});
