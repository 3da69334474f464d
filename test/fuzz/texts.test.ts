import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readQuantity } from "../../src/kubernetes/quantity.ts";
import { addPod, type PodsByOwner } from "../../src/cluster/pods-by-owner.ts";
import { compareImages, minorVersion, parseImage } from "../../src/mesh/image.ts";
import { shortImage } from "../../src/mesh/short-image.ts";
import { hostileText } from "../support/build/hostile.ts";
import { mutatedText, RUNS } from "./mutations.ts";

const IMAGES = [
  "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.27.7-1",
  "registry:5000/istio/proxyv2:1.22.1-hotfix.20240626-distroless",
  `docker.io/istio/proxyv2:1.30.0@sha256:${"0123456789abcdef".repeat(4)}`,
  "auto",
];
const image = fc.oneof(mutatedText(IMAGES), fc.constantFrom(...IMAGES), hostileText, fc.string());

describe("any text as an image reference", () => {
  test("is split into parts that occur in it", () => {
    fc.assert(
      fc.property(image, (reference) => {
        const { repository, tag, digest } = parseImage(reference);
        for (const part of [repository, tag ?? "", digest ?? ""]) expect(reference).toContain(part);
        const [major, minor] = minorVersion(reference) ?? [0, 0];
        expect([Number.isSafeInteger(major), Number.isSafeInteger(minor)]).toEqual([true, true]);
      }),
      RUNS,
    );
  });

  test("equals only itself, and is displayed differently from others", () => {
    fc.assert(
      fc.property(image, image, (a, b) => {
        expect(compareImages(a, b) === "none").toBe(a === b);
        expect([shortImage(a, b) === shortImage(b, a), a === b]).not.toEqual([true, false]);
      }),
      RUNS,
    );
  });
});

const NOTES = [
  '{"revision":"asm-1-27","containers":["istio-proxy"],"initContainers":null}',
  '{"initContainers":[{"name":"istio-proxy","image":"auto"}],"containers":[null,1,"x"]}',
];

describe("any text as an annotation", () => {
  test("does not break the counting of pods", () => {
    const note = fc.oneof(mutatedText(NOTES), fc.json(), hostileText);
    fc.assert(
      fc.property(note, note, fc.option(hostileText), (status, overrides, revision) => {
        const annotations = {
          "sidecar.istio.io/status": status,
          "proxy.istio.io/overrides": overrides,
          ...(revision !== null && { "istio.io/rev": revision }),
        };
        const [tally] = countPods({ metadata: { name: "web", uid: "u", annotations } });
        expect(["string", "undefined"]).toContain(typeof tally?.groups[0]?.revision);
      }),
      RUNS,
    );
  });

  test("may be nested too deep for recursion", () => {
    for (const text of ['{"a":'.repeat(10_000), "[".repeat(100_000)]) {
      const whole = text + (text.startsWith("[") ? "]" : "}").repeat(text.length);
      for (const status of [text, whole]) {
        const annotations = { "sidecar.istio.io/status": status };
        expect(countPods({ metadata: { name: "web", uid: "u", annotations } })).toHaveLength(1);
      }
    }
  });
});

test("a pod with 10,000 containers is counted once, and its sidecar is found", () => {
  const others = Array.from({ length: 10_000 }, (_, index) => ({
    name: `c${index}`,
    image: "app",
  }));
  const statuses = others.map(({ name }) => ({ name, state: {} }));
  const [tally] = countPods({
    metadata: { name: "web", uid: "u", annotations: { "istio.io/rev": "asm-1-27" } },
    spec: {
      containers: [...others, { name: "istio-proxy", image: "proxyv2:1" }],
      initContainers: others,
    },
    status: { phase: "Running", containerStatuses: statuses, initContainerStatuses: statuses },
  });
  expect(tally?.groups).toMatchObject([{ image: "proxyv2:1", pods: 1, native: false }]);
});

test("any text as a quantity is a number or undefined", () => {
  fc.assert(
    fc.property(fc.oneof(mutatedText(["250m", "1.5Gi", "+2e3", "-.5k"]), hostileText), (text) => {
      expect(readQuantity(text)).not.toBeNaN();
    }),
    RUNS,
  );
  // A regular expression with backtracking would exceed the timeout of the test.
  expect(readQuantity(`${"1".repeat(1_000_000)}x`)).toBeUndefined();
});

function countPods(pod: object): readonly PodsByOwner[] {
  const tallies = new Map<string, PodsByOwner>();
  addPod(tallies, pod);
  return [...tallies.values()];
}
