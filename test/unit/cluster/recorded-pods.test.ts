import { describe, expect, test } from "vitest";
import { rollingPod } from "../../../src/cluster/rolling-pods.ts";
import { recordedPod, recordedPodNames } from "../../support/recorded-pods.ts";

/** The recorded pods that become ready, with the restarts or pulls that they need before. */
const HEALTHY = /^(healthy|slow-drain|ignores-termination|app-not-alive)-|-once-/;

describe("the pods that a real kubelet published", () => {
  test.each(recordedPodNames())("%s: has a sidecar in every version", (name) => {
    for (const { pod } of recordedPod(name).versions)
      expect(rollingPod(pod).image).toMatch(/proxyv2:v1\.9[01]\.1-1$/);
  });

  test.each(recordedPodNames())("%s: is ready if it recovers or never fails", (name) => {
    const { versions } = recordedPod(name);
    expect(versions.some(({ pod }) => rollingPod(pod).ready)).toBe(HEALTHY.test(name));
  });
});
