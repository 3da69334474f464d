import { expect, test } from "vitest";
import { mark } from "../../../src/report/live-lines.ts";
import { someResult } from "../../support/build/step.ts";

test.each([
  [{ outcome: "restarted", code: "" }, "✔", "good"],
  [{ outcome: "waited", code: "" }, "✔", "good"],
  // Neither needs attention.
  [{ outcome: "skipped", code: "dry-run" }, "✔", "good"],
  [{ outcome: "skipped", code: "already-current" }, "✔", "good"],
  [{ outcome: "skipped", code: "template-changed" }, "✖", "bad"],
  [{ outcome: "failed", code: "pod-failed" }, "✖", "bad"],
  [{ outcome: "timed-out", code: "no-progress" }, "✖", "bad"],
] as const)("%o has the mark %s", (result, symbol, color) => {
  expect(mark({ type: "ended", result: someResult(result) })).toEqual({ symbol, color });
});

test("a notice has a mark of its own", () => {
  expect(mark({ type: "notice", message: "interrupted" })).toEqual({
    symbol: "!",
    color: "warn",
  });
});
