import { expect, test } from "vitest";
import { shortImage } from "../../../src/mesh/short-image.ts";
import { imageTexts } from "../../../src/report/image-text.ts";

const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;

/** A different digest that begins with the same letters. */
const OTHER_DIGEST = `sha256:${"0123456789abcdef".repeat(3)}${"f".repeat(16)}`;

test.each<[image: string | null, beside: string | null, text: string]>([
  ["h/proxyv2:v1.27.7-1", "h/proxyv2:v1.27.9-6", "v1.27.7-1"],
  ["h/proxyv2:v1.27.7-1", null, "v1.27.7-1"],
  ["h/proxyv2:v1.27.7-1", "h/proxyv2-fips:v1.27.7-1", "proxyv2:v1.27.7-1"],
  ["registry:5000/a/proxyv2:1.2.3", "registry:5000/a/proxyv2:1.2.4", "1.2.3"],
  ["h/proxyv2", "h/proxyv2:1", "latest"],
  [`h/proxyv2@${DIGEST}`, null, "sha256:0123456789ab"],
  [`h/proxyv2:1.2.3@${DIGEST}`, "h/proxyv2:1.2.4", "1.2.3"],
  ["proxyv2:1", "h/proxyv2:1.2.4", "proxyv2:1"],
  [null, "h/proxyv2:1", "no sidecar"],
  ["h/proxyv2:1", "h/proxyv2:1", "1"],
  // Only the digest differs.
  [`h/proxyv2:1@${DIGEST}`, `h/proxyv2:1@${OTHER_DIGEST}`, DIGEST],
  [`h/proxyv2:1@${DIGEST}`, "h/proxyv2:1", DIGEST],
  ["h/proxyv2:1", `h/proxyv2:1@${DIGEST}`, "1"],
  // The tag and the last part of the name are the same.
  ["a.io/istio/proxyv2:1", "b.io/istio/proxyv2:1", "a.io/istio/proxyv2:1"],
  ["h/proxyv2", "h/proxyv2:latest", "h/proxyv2"],
])("%s beside %s is %s", (image, beside, text) => {
  expect(shortImage(image, beside)).toBe(text);
});

test("pairs of images that read alike when joined get different texts", () => {
  const text = imageTexts(true);
  expect([text("a", "b c"), text("a b", "c"), text(null, "x"), text("null", "x")]).toEqual([
    "a",
    "a b",
    "no sidecar",
    "null",
  ]);
});
