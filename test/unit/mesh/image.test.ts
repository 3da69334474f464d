import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Change,
  compareImages,
  largestChange,
  minorVersion,
  parseImage,
} from "../../../src/mesh/image.ts";

const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;

describe("parseImage parses", () => {
  test.each([
    ["proxyv2", "proxyv2", undefined, undefined],
    ["proxyv2:1.2.3", "proxyv2", "1.2.3", undefined],
    [
      "mcr.microsoft.com/oss/istio/proxyv2:1.17.2-distroless",
      "mcr.microsoft.com/oss/istio/proxyv2",
      "1.17.2-distroless",
      undefined,
    ],
    [
      "mcr.microsoft.com/oss/v2/istio/proxyv2-fips:v1.26.4-1",
      "mcr.microsoft.com/oss/v2/istio/proxyv2-fips",
      "v1.26.4-1",
      undefined,
    ],
    ["registry:5000/istio/proxyv2:1.2.3", "registry:5000/istio/proxyv2", "1.2.3", undefined],
    ["registry:5000/istio/proxyv2", "registry:5000/istio/proxyv2", undefined, undefined],
    [`h/proxyv2@${DIGEST}`, "h/proxyv2", undefined, DIGEST],
    [`registry:5000/proxyv2:1.2.3@${DIGEST}`, "registry:5000/proxyv2", "1.2.3", DIGEST],
    ["h/x/proxyv2:", "h/x/proxyv2", "", undefined],
    ["/proxyv2:1.30.1", "/proxyv2", "1.30.1", undefined],
    ["", "", undefined, undefined],
  ])("%s", (reference, repository, tag, digest) => {
    expect(parseImage(reference)).toEqual({ repository, tag, digest });
  });
});

describe("compareImages", () => {
  const aks = (tag: string) => `mcr.microsoft.com/oss/v2/istio/proxyv2:${tag}`;

  test.each<[running: string, target: string, change: Change]>([
    [aks("v1.27.7-1"), aks("v1.27.7-1"), "none"],
    [aks("v1.27.7-1"), aks("v1.27.9-6"), "patch"],
    [aks("v1.27.9-6"), aks("v1.27.7-1"), "downgrade"],
    [aks("v1.27.9-6"), aks("v1.28.3-2"), "minor"],
    [aks("v1.28.3-2"), aks("v1.27.9-6"), "downgrade"],
    [aks("v1.28.3-2"), aks("v2.0.0-1"), "minor"],
    // A build is later than no build, and builds are ordered by number.
    [aks("v1.27.9"), aks("v1.27.9-2"), "patch"],
    [aks("v1.27.9-2"), aks("v1.27.9-10"), "patch"],
    [aks("v1.27.9-10"), aks("v1.27.9-2"), "downgrade"],
    // A hotfix is later than its release and earlier than the next release.
    [aks("1.22.1"), aks("1.22.1-hotfix.20240626"), "patch"],
    [aks("1.22.1-hotfix.20240626"), aks("1.22.1-hotfix.20240701"), "patch"],
    [aks("1.22.1-hotfix.20240626"), aks("1.22.2"), "patch"],
    // Tags begin with `v` since v1.23, which makes no difference.
    [aks("1.22.4"), aks("v1.23.0"), "minor"],
    [aks("1.27.9-6"), aks("v1.27.9-6"), "other"],
    // A variant is neither newer nor older.
    [aks("1.17.2"), aks("1.17.2-distroless"), "other"],
    [aks("1.17.2-distroless"), aks("1.17.3-distroless"), "patch"],
    // The path in the registry may change with the version.
    ["mcr.microsoft.com/oss/istio/proxyv2:1.17.2", aks("v1.27.7-1"), "minor"],
    ["a/proxyv2:1.2.3", "b/proxyv2:1.2.3", "other"],
    ["registry:5000/istio/proxyv2:1.2.3", "registry:5000/istio/proxyv2:1.2.4", "patch"],
    // The images have different names.
    [aks("v1.27.7-1"), "mcr.microsoft.com/oss/v2/istio/proxyv2-fips:v1.27.9-6", "other"],
    // At least one image has no version.
    [aks("latest"), aks("v1.27.9-6"), "other"],
    [aks("v1.27.9-6"), aks("2.0240626e+07"), "other"],
    ["h/proxyv2", "h/proxyv2:1.2.3", "other"],
    [`h/proxyv2@${DIGEST}`, "h/proxyv2:1.2.3", "other"],
    [`h/proxyv2:1.2.3@${DIGEST}`, `h/proxyv2:1.2.3@${DIGEST.replace("0", "f")}`, "other"],
    [`h/proxyv2:1.2.3@${DIGEST}`, `h/proxyv2:1.2.4@${DIGEST.replace("0", "f")}`, "patch"],
  ])("describes %s to %s as %s", (running, target, change) => {
    expect(compareImages(running, target)).toBe(change);
  });

  test("accepts any text, and returns `none` only for equal references", () => {
    const reference = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom(...Array.from(":/@v1.-0")) }),
    );
    fc.assert(
      fc.property(reference, reference, (a, b) => {
        expect(compareImages(a, b) === "none").toBe(a === b);
        expect(["none", "patch", "minor", "downgrade", "other"]).toContain(compareImages(a, b));
      }),
    );
  });

  test("returns downgrade in exactly one of the two directions", () => {
    const version = fc.tuple(fc.nat(2), fc.nat(3), fc.nat(3), fc.nat(3));
    const text = ([major, minor, patch, build]: readonly number[]) =>
      aks(`v${major}.${minor}.${patch}-${build}`);
    fc.assert(
      fc.property(version, version, (a, b) => {
        fc.pre(text(a) !== text(b));
        const [there, back] = [compareImages(text(a), text(b)), compareImages(text(b), text(a))];
        expect([there, back].filter((change) => change === "downgrade")).toHaveLength(1);
        expect([there, back]).not.toContain("other");
      }),
    );
  });
});

test("parseImage keeps every part of a reference", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...Array.from("ab:/@1.")) }), (reference) => {
      const { repository, tag, digest } = parseImage(reference);
      const back = [
        repository,
        tag === undefined ? "" : `:${tag}`,
        digest === undefined ? "" : `@${digest}`,
      ].join("");
      // The text after a second @ is not part of a reference.
      expect(back).toBe(reference.split("@", 2).join("@"));
    }),
  );
});

test.each<[changes: Change[], largest: Change]>([
  [[], "none"],
  [["none", "none"], "none"],
  [["none", "revision"], "revision"],
  [["patch", "revision"], "patch"],
  [["minor", "patch"], "minor"],
  [["minor", "downgrade", "patch"], "downgrade"],
  [["downgrade", "other", "none"], "downgrade"],
])("the largest change of %j is %s", (changes, largest) => {
  expect(largestChange(changes)).toBe(largest);
});

test.each([
  ["pilot:v1.27.3-1", [1, 27]],
  ["registry:5000/pilot:1.22.1-hotfix.20240626", [1, 22]],
  ["pilot:1.26.0-distroless", [1, 26]],
  ["pilot:latest", undefined],
  ["pilot", undefined],
  [`pilot@${DIGEST}`, undefined],
])("the minor version of %s is %j", (image, version) => {
  expect(minorVersion(image)).toEqual(version);
});

// A regular expression with heavy backtracking takes minutes for such a reference.
test("a malicious reference takes no time to compare", () => {
  const long = 500_000;
  const made = ["-", ":", "/", "@", "-1", "1", "hotfix.", "-hotfix.1", ".", "v", "\n"].flatMap(
    (piece) => [`proxyv2:${piece.repeat(long)}`, `proxyv2:v1.27.9${piece.repeat(long)}\nx`],
  );
  for (const image of made) {
    expect(compareImages(image, "proxyv2:v1.27.9-6")).not.toBe("none");
    expect(compareImages("proxyv2:v1.27.9-6", image)).not.toBe("none");
    minorVersion(image);
  }
});

test("a tag with a huge build number has no version", () => {
  const image = `proxyv2:v1.27.9-${"9".repeat(400)}`;
  expect(compareImages(image, `${image}0`)).toBe("other");
});
