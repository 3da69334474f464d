import { expect, test } from "vitest";
import { movedTagWarnings } from "../../../src/mesh/moved-tag.ts";

const DIGESTS = ["a", "b"].map((digit) => `sha256:${digit.repeat(64)}`);

interface Options {
  readonly image?: string;
  readonly policy?: string;
  readonly imageID?: string;
}

function pod({ image = "registry.test/app:1.0", policy = "IfNotPresent", imageID }: Options) {
  return {
    spec: { containers: [{ name: "app", image, imagePullPolicy: policy }] },
    status: { containerStatuses: [{ name: "app", image, ...(imageID && { imageID }) }] },
  };
}

const [ONE, OTHER] = DIGESTS.map((digest) => `registry.test/app@${digest}`) as [string, string];

test.each<[what: string, pods: readonly Options[], codes: readonly string[]]>([
  ["one digest", [{ imageID: ONE }, { imageID: ONE }], []],
  ["two digests of one tag", [{ imageID: ONE }, { imageID: OTHER }], ["tag-moved"]],
  [
    "two digests of two tags",
    [{ imageID: ONE }, { image: "registry.test/app:1.1", imageID: OTHER }],
    [],
  ],
  ["a digest that is not reported", [{ imageID: ONE }, {}], []],
  ["an id that is no digest of a registry", [{ imageID: ONE }, { imageID: DIGESTS[1] ?? "" }], []],
  [
    "an image with a digest",
    [
      { image: ONE, policy: "Always", imageID: ONE },
      { image: ONE, imageID: OTHER },
    ],
    [],
  ],
  ["latest, always pulled", [{ image: "app:latest", policy: "Always" }], ["mutable-tag"]],
  ["no tag, always pulled", [{ image: "registry:5000/app", policy: "Always" }], ["mutable-tag"]],
  ["a version, always pulled", [{ policy: "Always" }], []],
  ["latest, pulled if it is not present", [{ image: "app:latest" }], []],
  ["no pods", [], []],
])("warnings of images that a restart may change: %s", (_what, pods, codes) => {
  expect(movedTagWarnings(pods.map(pod)).map(({ code }) => code)).toEqual(codes);
});
