import { expect, test } from "vitest";
import { mark } from "../../../src/report/live-lines.ts";
import { someResult } from "../../support/build/step.ts";

test.each([
  [{ outcome: "restarted", code: "" }, "✔"],
  [{ outcome: "waited", code: "" }, "✔"],
  // Neither needs attention.
  [{ outcome: "skipped", code: "dry-run" }, "✔"],
  [{ outcome: "skipped", code: "already-current" }, "✔"],
  [{ outcome: "skipped", code: "template-changed" }, "✖"],
  [{ outcome: "failed", code: "pod-failed" }, "✖"],
  [{ outcome: "timed-out", code: "no-progress" }, "✖"],
] as const)("%o has the mark %s", (result, shown) => {
  expect(mark({ type: "ended", result: someResult(result) })).toBe(shown);
});

test("a notice has a mark of its own", () => {
  expect(mark({ type: "notice", message: "interrupted" })).toBe("!");
});
