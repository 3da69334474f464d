import { describe, expect, test } from "vitest";
import {
  applicationRuns,
  isBack,
  isRestarted,
  markOf,
  stateOfReplacement,
} from "../../../src/rollout/replacement.ts";
import type { ReplacementMark, SidecarStatus } from "../../../src/sidecar-pod.ts";
import {
  NEW_IMAGE,
  NEW_STATUS,
  OLD_IMAGE,
  nativeSidecar,
  sidecarPod,
} from "../../support/build/sidecar-pod.ts";

const NOW = new Date("2026-11-22T20:00:00Z");

function mark(): ReplacementMark {
  const found = markOf(sidecarPod("web-1"), NEW_IMAGE, NOW);
  if (found === undefined) throw new Error("the pod has no sidecar");
  return found;
}

const NEW: SidecarStatus = { ...NEW_STATUS, lastEnd: "exit code 0: Completed" };

/** The pod after the patch, with a change of the status of its sidecar. */
function patched(status: Partial<SidecarStatus> | undefined, ready = true) {
  const own = status && { ...NEW, ...status };
  return sidecarPod("web-1", { ready, proxy: { image: NEW_IMAGE, status: own } });
}

const OLD_RUNS = {
  containerId: "containerd://old",
  imageId: "proxyv2@sha256:old",
  restartCount: 0,
};

describe("a replacement", () => {
  test.for([
    ["the new container is ready, and so is the pod", patched({}), "done"],
    ["the pod is not ready", patched({}, false), "pod-not-ready"],
    ["the sidecar is not ready", patched({ ready: false }, false), "starting"],
    ["the old container still runs", patched(OLD_RUNS), "starting"],
    ["the kubelet reports no container", patched(undefined), "starting"],
    ["there is no container yet", patched({ containerId: "" }, false), "starting"],
    [
      "the container is being created",
      patched({ ready: false, waiting: "ContainerCreating" }, false),
      "starting",
    ],
    ["the image is pulled without success", patched({ waiting: "ErrImagePull" }, false), "failed"],
    ["the container crashes in a loop", patched({ waiting: "CrashLoopBackOff" }, false), "failed"],
    ["the container crashed once", patched({ ready: false, restartCount: 2 }, false), "failed"],
    ["the container crashed once, and is ready", patched({ restartCount: 2 }), "done"],
    ["a new container runs the old image", patched({ imageId: OLD_RUNS.imageId }), "failed"],
    ["somebody changed the image", sidecarPod("web-1"), "superseded"],
    ["the pod is terminating", sidecarPod("web-1", { terminating: true }), "gone"],
    ["the pod is gone", undefined, "gone"],
  ] as const)("%s", ([, pod, kind]) => {
    expect(stateOfReplacement(mark(), false, pod).kind).toBe(kind);
  });

  test("of an image by another name of it is proven by the container alone", () => {
    const pod = patched({ imageId: OLD_RUNS.imageId });
    expect(stateOfReplacement(mark(), true, pod).kind).toBe("done");
    expect(stateOfReplacement(mark(), true, patched(OLD_RUNS)).kind).toBe("starting");
  });

  test.for([
    ["ready with the old image", sidecarPod("web-1"), true],
    ["with the new image", patched({}), false],
    ["not ready", sidecarPod("web-1", { ready: false }), false],
    [
      "with the old image in the spec, and the new one in the container",
      sidecarPod("web-1", { proxy: nativeSidecar({ image: OLD_IMAGE, status: NEW }) }),
      false,
    ],
  ] as const)("is taken back: %s", ([, pod, back]) => {
    expect(isBack(mark(), pod)).toBe(back);
  });

  test.for([
    ["the same run", { restartCount: 0, startedAt: "2026-11-22T10:00:00Z" }, false],
    ["one more restart", { restartCount: 1, startedAt: "2026-11-22T20:00:05Z" }, true],
    ["another start alone", { restartCount: 0, startedAt: "2026-11-22T20:00:05Z" }, true],
    ["no run", { restartCount: 0, startedAt: undefined }, true],
  ] as const)("shows whether the application restarted: %s", ([, run, restarted]) => {
    const pod = sidecarPod("web-1", { application: [{ name: "app", ...run }] });
    expect(applicationRuns(mark(), pod).map(isRestarted)).toEqual([restarted]);
  });
});
