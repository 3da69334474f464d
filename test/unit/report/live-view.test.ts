import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ProgressEvent } from "../../../src/report/progress-event.ts";
import {
  EMPTY_VIEW,
  type LiveView,
  rollingLines,
  summaryLine,
  withEvent,
} from "../../../src/report/live-view.ts";
import { proxyImage } from "../../support/build/pod-group.ts";
import { someResult } from "../../support/build/step.ts";

const { ref, from, to } = someResult();
const SECOND = 1000;

/** Returns a reference to a Deployment. */
function deploy(name: string, namespace = "shop"): typeof ref {
  return { namespace, kind: "Deployment", name, uid: `${namespace}-${name}` };
}

const db = { ...deploy("db"), kind: "StatefulSet" };
const all = [ref, db, deploy("api"), deploy("cart")];

function planned(refs = all, change: Partial<typeof to> = {}): ProgressEvent {
  const [first, ...rest] = refs.map((one) => ({ ref: one, from, to }));
  const steps = first === undefined ? [] : [{ ...first, to: { ...to, ...change } }, ...rest];
  return { type: "planned", steps, message: "" };
}

const started = (one = ref): ProgressEvent => ({ type: "started", ref: one, from, to });
const rolling = (one = ref, message = "on node-7"): ProgressEvent => ({
  type: "rolling",
  ref: one,
  message,
  ready: 1,
  wanted: 3,
});
const waiting = (one = ref, message = "istiod is not ready"): ProgressEvent => ({
  type: "waiting",
  ref: one,
  message,
});
const ended = (one = ref): ProgressEvent => ({ type: "ended", result: someResult({ ref: one }) });
const stopped = (notStarted: number): ProgressEvent => ({
  type: "stopped",
  reason: "interrupted",
  notStarted,
  message: "interrupted: no new restarts",
});

/** Returns the view after these events, one event a second. */
function after(events: readonly ProgressEvent[]): LiveView {
  let view = EMPTY_VIEW;
  events.forEach((event, index) => (view = withEvent(view, event, index * SECOND)));
  return view;
}

/** Returns the lines of a terminal after these events. */
function screen(
  events: readonly ProgressEvent[],
  { columns = 80, rows = 24, seconds = 0 } = {},
): readonly string[] {
  const now = (events.length - 1 + seconds) * SECOND;
  const view = after(events);
  return [...rollingLines(view, now, { columns, rows }), summaryLine(view, now, columns - 4)];
}

describe("a terminal shows", () => {
  test("what is being read before there is a plan", () => {
    expect(screen([{ type: "reading", what: "shop, pay" }])).toEqual(["reading shop, pay"]);
  });

  test("what verify waits for, also while it reads again", () => {
    const verifying: ProgressEvent = {
      type: "verifying",
      ready: 4,
      wanted: 7,
      message: "4 of 7 workloads ready, shop/deploy/web 2/3",
      left: "1m 40s",
    };
    expect(screen([verifying, { type: "reading", what: "shop" }])).toEqual([
      "waiting: 4 of 7 workloads ready, shop/deploy/web 2/3, 1m 40s left",
    ]);
  });

  test("the name, the ready pods, the time and the message of each workload, and the change once", () => {
    const events = [planned(), started(), rolling(), waiting(db)];
    expect(screen(events, { seconds: 62 })).toEqual([
      "  shop/deploy/web  1/3  1:04  on node-7",
      "  shop/sts/db           1:02  waiting: istiod is not ready",
      "░░░░░░░░░░░░░░░░░░░░ 0 of 4 done, 2 rolling, 1:04, v1.27.7-1 -> v1.27.9-6",
    ]);
  });

  test("the change of each workload, if they differ", () => {
    const other = { image: proxyImage("v1.27.8-1") };
    expect(screen([planned(all, other), started(), waiting(db, "on it")])).toEqual([
      "  shop/deploy/web  0:01  v1.27.7-1 -> v1.27.9-6  restarted",
      "  shop/sts/db      0:00                          waiting: on it",
      "░░░░░░░░░░░░░░░░░░░░ 0 of 4 done, 2 rolling, 0:01",
    ]);
  });

  test("the summary with a bar and an estimate of the remaining time", () => {
    const events = [planned(), started(), ended()];
    expect(screen(events, { seconds: 59, columns: 100 })).toEqual([
      "█████░░░░░░░░░░░░░░░ 1 of 4 done, 1:00, about 3m left, v1.27.7-1 -> v1.27.9-6",
    ]);
  });

  test("no notice in the summary: it is above the lines", () => {
    const notice: ProgressEvent = { type: "notice", message: "warning: one replica" };
    expect(screen([planned(), started(), notice]).at(-1)).not.toContain("warning");
  });

  test("what is waited for and what does not start after an interrupt, without an estimate", () => {
    const events = [planned(), started(), started(db), ended(), stopped(2)];
    expect(screen(events, { columns: 60 }).at(-1)).toBe(
      "██░░░░░░ 1 of 4 done, waiting for 1, 2 not started, 0:03",
    );
  });

  test("what is being read at the end", () => {
    const events: readonly ProgressEvent[] = [
      planned([ref]),
      started(),
      ended(),
      { type: "reading", what: "shop" },
    ];
    expect(screen(events, { columns: 60 }).at(-1)).toBe(
      "████████████████████ 1 of 1 done, reading shop, 0:02",
    );
  });

  test("as many workloads as there is room for, those that roll longest, and the number of others", () => {
    const many = Array.from({ length: 30 }, (_, index) => deploy(`svc-${index}`));
    const lines = screen([planned(many), ...many.map((one) => started(one))], { rows: 10 });
    expect(lines).toHaveLength(8);
    expect(lines.at(0)).toMatch(/^ {2}shop\/deploy\/svc-0 /);
    expect(lines.at(-2)).toBe("  and 24 more rolling");
    expect(lines.at(-1)).toMatch(/0 of 30 done, 30 rolling/);
  });
});

describe("if a terminal is narrow, a line loses", () => {
  const LONG = "2 of 3 new pods have been created, and one of them cannot be scheduled yet";

  test("the change first, if each workload has its own", () => {
    const events = [planned(all, { image: proxyImage("v1.27.8-1") }), started(), rolling()];
    expect(screen(events, { columns: 60 })[0]).toBe("  shop/deploy/web  1/3  0:01  on node-7");
  });

  test("then the end of the message", () => {
    expect(screen([planned(), started(), rolling(ref, LONG)], { columns: 60 })[0]).toBe(
      "  shop/deploy/web  1/3  0:01  2 of 3 new pods have been cr…",
    );
  });

  test("then the middle of the name", () => {
    const long = deploy("gateway-long-name-for-the-edge", "reporting-and-analytics");
    const [line = ""] = screen([planned([long]), started(long), rolling(long, LONG)]);
    expect(line).toBe(
      "  reporting-and-a…y/gateway-long-name-for-the-edge  1/3  0:01  2 of 3 new pods…",
    );
  });

  test.each<[columns: number, summary: string]>([
    [
      90,
      "█████░░░░░░░░░░░░░░░ 1 of 4 done, 1 rolling, 0:02, about 6s left, v1.27.7-1 -> v1.27.9-6",
    ],
    [76, "██░░░░░░ 1 of 4 done, 1 rolling, 0:02, about 6s left, v1.27.7-1 -> v1.27.9-6"],
    [72, "█████░░░░░░░░░░░░░░░ 1 of 4 done, 1 rolling, 0:02, about 6s left"],
    [46, "████░░░░░░░░░░░░░ 1 of 4 done, 1 rolling, 0:02"],
    [20, "██░░░░░░ 1 of 4 done"],
    [12, "1 of 4 done"],
    [8, "1 of 4 …"],
  ])("the last parts of the summary: %i columns", (columns, summary) => {
    const view = after([planned(), started(), started(db), ended()]);
    expect(summaryLine(view, 3 * SECOND, columns)).toBe(summary);
  });
});

test("no line is as wide as the terminal, in any state", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "-"), minLength: 1, maxLength: 63 });
  const refs = fc.uniqueArray(fc.tuple(word, word), { minLength: 1, maxLength: 40 });
  const size = fc.record({
    columns: fc.integer({ min: 30, max: 200 }),
    rows: fc.integer({ min: 5, max: 60 }),
  });
  fc.assert(
    fc.property(refs, fc.string(), size, (names, message, { columns, rows }) => {
      const some = names.map(([name, namespace]) => deploy(name, namespace));
      const events = some.flatMap((one, index) => [
        index % 3 === 0 ? waiting(one, message) : started(one),
        ...(index % 3 === 1 ? [rolling(one, message)] : []),
      ]);
      const lines = screen([planned(some), ...events], { columns, rows });
      expect(lines.length).toBeLessThan(rows);
      for (const line of lines) expect(line.length).toBeLessThan(columns);
    }),
  );
});

test("a message has no control characters", () => {
  const [line = ""] = screen([planned(), waiting(ref, "\u001b[31mred\nline")]);
  expect(line).toBe("  shop/deploy/web  0:00  waiting: red line");
});
