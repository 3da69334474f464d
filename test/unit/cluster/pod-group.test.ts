import { describe, expect, test } from "vitest";
import { podGroupRecord } from "../../../src/cluster/pod-group.ts";
import { apiPod, type ApiPodOptions } from "../../support/build/api-pod.ts";

const IMAGE = "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.27.9-6";
const SIDECAR = { image: IMAGE };
const STATUS = "sidecar.istio.io/status";

describe("the group of one pod", () => {
  test.each<[what: string, pod: ApiPodOptions, expected: object]>([
    ["has a sidecar", { sidecar: SIDECAR }, { image: IMAGE, native: false }],
    [
      "has a native sidecar",
      { sidecar: { ...SIDECAR, native: true } },
      { image: IMAGE, native: true },
    ],
    ["has no sidecar", {}, { image: undefined, native: false, revision: undefined }],
    [
      "has no sidecar if only the template has a container of that name",
      { sidecar: SIDECAR, annotations: {} },
      { image: undefined, native: false, revision: undefined },
    ],
    [
      "has the revision of a pod that istiod rendered from a Gateway, without injection status",
      { sidecar: SIDECAR, annotations: { "istio.io/rev": "asm-1-28" } },
      { image: IMAGE, native: false, revision: "asm-1-28" },
    ],
    [
      "takes the revision from the annotation",
      { sidecar: SIDECAR, annotations: { "istio.io/rev": "asm-1-27" } },
      { revision: "asm-1-27" },
    ],
    [
      "takes the revision from the status, even if its arrays are null",
      {
        sidecar: SIDECAR,
        annotations: {
          [STATUS]: '{"containers":null,"initContainers":null,"revision":"asm-1-26"}',
        },
      },
      { revision: "asm-1-26" },
    ],
    [
      "prefers the annotation to the status",
      {
        sidecar: SIDECAR,
        annotations: { "istio.io/rev": "asm-1-27", [STATUS]: '{"revision":"asm-1-26"}' },
      },
      { revision: "asm-1-27" },
    ],
    [
      "has no revision if the status is not JSON",
      { sidecar: SIDECAR, annotations: { [STATUS]: "{" } },
      { revision: undefined },
    ],
    [
      "has no revision if the status is null",
      { sidecar: SIDECAR, annotations: { [STATUS]: "null" } },
      { revision: undefined },
    ],
    ...['{"revision":7}', '{"revision":null}', '{"revision":{"a":1}}', '"asm-1-26"', "7", "[]"].map(
      (status): [string, ApiPodOptions, object] => [
        `has no revision with the status ${status}`,
        { sidecar: SIDECAR, annotations: { [STATUS]: status } },
        { revision: undefined },
      ],
    ),
    [
      "takes the revision from a status with other values in place of arrays",
      {
        sidecar: SIDECAR,
        annotations: { [STATUS]: '{"revision":"asm-1-26","containers":7,"initContainers":{}}' },
      },
      { revision: "asm-1-26" },
    ],
    [
      "has no revision without a sidecar, even with the annotation",
      { annotations: { "istio.io/rev": "asm-1-27" } },
      { image: undefined, revision: undefined },
    ],
    ["counts a ready pod", { sidecar: SIDECAR }, { pods: 1, ready: 1, podNames: ["web-1"] }],
    ["counts a pod that is not ready", { sidecar: SIDECAR, ready: false }, { pods: 1, ready: 0 }],
  ])("%s", (_what, pod, expected) => {
    expect(podGroupRecord(apiPod(pod))).toMatchObject(expected);
  });

  test("counts a pod without status, conditions or metadata as not ready", () => {
    const bare = { image: undefined, native: false, pods: 1, ready: 0, trouble: undefined };
    expect(podGroupRecord({ spec: { containers: [] } })).toMatchObject(bare);
    expect(podGroupRecord({ status: { phase: "Pending" } })).toMatchObject(bare);
    expect(podGroupRecord({})).toMatchObject(bare);
  });

  test("does not take istio-init or istio-validation for the sidecar", () => {
    const initContainers = ["istio-init", "istio-validation"].map((name) => ({
      name,
      image: IMAGE,
    }));
    const pod = { spec: { containers: [{ name: "app", image: "istio-proxy:1" }], initContainers } };
    expect(podGroupRecord(pod).image).toBeUndefined();
  });
});
