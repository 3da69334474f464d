import { describe, expect, test } from "vitest";
import type { ProgressEvent } from "../../../src/report/progress-event.ts";
import { EMPTY_VIEW, rollingLines, summaryLine, withEvent } from "../../../src/report/live-view.ts";
import { proxyImage } from "../../support/build/pod-group.ts";
import { someResult } from "../../support/build/step.ts";

const { ref, from } = someResult();
const db = { ...ref, kind: "StatefulSet", name: "db", uid: "shop-statefulset-db" };
const image = proxyImage("v1.27.9-6");
const SECOND = 1000;

const PLANNED: ProgressEvent = { type: "planned", steps: 4, message: "" };
const STARTED: ProgressEvent = { type: "started", ref, from, image };
const ROLLING: ProgressEvent = { type: "rolling", ref, message: "on node-7", ready: 1, wanted: 3 };

/** Returns the lines of a terminal after these events, one event a second, and the summary. */
function screen(events: readonly ProgressEvent[], width = 80, after = 0): readonly string[] {
  let view = EMPTY_VIEW;
  events.forEach((event, index) => (view = withEvent(view, event, index * SECOND)));
  const now = (events.length - 1) * SECOND + after;
  return [...rollingLines(view, now, width), summaryLine(view, now)];
}

describe("a terminal shows", () => {
  test("what is being read before there is a plan", () => {
    expect(screen([{ type: "reading", what: "shop, pay" }])).toEqual(["reading shop, pay"]);
  });

  test("one line for each rolling workload above the summary", () => {
    const waiting: ProgressEvent = { type: "waiting", ref: db, message: "istiod is not ready" };
    expect(screen([PLANNED, STARTED, ROLLING, waiting], 80, 62 * SECOND)).toEqual([
      "  shop/deploy/web  v1.27.7-1 -> v1.27.9-6  1:04  1/3 ready, on node-7",
      "  shop/sts/db      waiting                 1:02  istiod is not ready",
      "0 of 4 done, 2 rolling, 1:04",
    ]);
  });

  test("an estimate of the remaining time once a workload has ended", () => {
    const done: ProgressEvent = { type: "ended", result: someResult() };
    expect(screen([PLANNED, STARTED, done], 80, 59 * SECOND)).toEqual([
      "1 of 4 done, 0 rolling, 1:00, about 3m to go",
    ]);
  });

  test("why no further restart begins", () => {
    const notice: ProgressEvent = { type: "notice", message: "interrupted" };
    expect(screen([PLANNED, STARTED, notice]).at(-1)).toBe(
      "0 of 4 done, 1 rolling, 0:01, interrupted",
    );
  });

  test("no line that wraps, and no control characters", () => {
    const hostile: ProgressEvent = {
      type: "waiting",
      ref,
      message: `\u001b[31m${"far too long ".repeat(20)}`,
    };
    const [line = ""] = screen([PLANNED, hostile], 60);
    expect(line).toHaveLength(59);
    expect(line).toMatch(/^ {2}shop\/deploy\/web {2}waiting {2}0:00 {2}far too .*…$/);
  });
});
