import { expect, test } from "vitest";
import { templateHash } from "../../../src/cluster/template-hash.ts";
import { RESTARTED_AT } from "../../../src/snapshot.ts";

const hashOf = (pods: object | undefined) => templateHash({ spec: { template: pods as never } });
const template = (image: string, annotations?: Record<string, string>) => ({
  metadata: { labels: { app: "web" }, ...(annotations && { annotations }) },
  spec: { containers: [{ name: "app", image }] },
});

test("a restart does not change the hash", () => {
  const before = hashOf(template("app:1"));
  expect(before).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(hashOf(template("app:1", { [RESTARTED_AT]: "2026-11-24T20:00:00Z" }))).toBe(before);
});

test("the order of fields does not change the hash", () => {
  const { metadata, spec } = template("app:1");
  const reordered = { spec: { containers: [{ image: "app:1", name: "app" }] }, metadata };
  expect(hashOf(reordered)).toBe(hashOf({ metadata, spec }));
});

test.each([
  ["another image", template("app:2")],
  ["another annotation", template("app:1", { team: "a" })],
  ["no template", undefined],
])("%s changes the hash", (_what, other) => {
  expect(hashOf(other)).not.toBe(hashOf(template("app:1")));
});
