import { describe, expect, test } from "vitest";
import { formatEvent } from "../../../src/report/events.ts";
import type { ProgressEvent } from "../../../src/report/progress-event.ts";
import { openProgress } from "../../../src/report/progress.ts";
import { proxyImage } from "../../support/build/pod-group.ts";
import { parseLines } from "../../support/report-schema.ts";
import { recordedIo } from "../../support/build/recorded-io.ts";
import { someResult } from "../../support/build/step.ts";

const { ref, from, to } = someResult();
const STARTED: ProgressEvent = { type: "started", ref, from, to };
const DISPLAY = {
  output: "table",
  color: "auto",
  headers: true,
  verbose: false,
  reportFiles: [],
} as const;

test.each<[what: string, event: ProgressEvent, text: string]>([
  ["reading", { type: "reading", what: "shop, pay" }, "reading shop, pay"],
  ["started", STARTED, "shop/deploy/web: restarting, v1.27.7-1 -> v1.27.9-6"],
  [
    "started, to move to another revision with the same image",
    { type: "started", ref, from, to: { revision: "asm-1-28", image: proxyImage("v1.27.7-1") } },
    "shop/deploy/web: restarting, asm-1-27 -> asm-1-28",
  ],
  [
    "rolling",
    { type: "rolling", ref, message: "1 of 3 new pods are available", ready: 1, wanted: 3 },
    "shop/deploy/web: 1 of 3 new pods ready; 1 of 3 new pods are available",
  ],
  [
    "waiting",
    { type: "waiting", ref, message: "already rolling" },
    "shop/deploy/web: waiting, already rolling",
  ],
  [
    "restarted, with the time that it took",
    { type: "ended", result: someResult() },
    "shop/deploy/web: restarted, rolled out (1m 30s)",
  ],
  [
    "failed, with a message from the cluster",
    { type: "ended", result: someResult({ outcome: "failed", message: "pod\u001b[31m x\nfell" }) },
    "shop/deploy/web: failed, pod x fell (1m 30s)",
  ],
  [
    "skipped, without a time",
    { type: "ended", result: someResult({ outcome: "skipped", message: "it changed" }) },
    "shop/deploy/web: skipped, it changed",
  ],
  [
    "no longer waited for after two interrupts",
    {
      type: "ended",
      result: someResult({ outcome: "still-rolling", code: "interrupted", message: "see later" }),
    },
    "shop/deploy/web: still-rolling, see later (1m 30s)",
  ],
  [
    "passed a dry run",
    { type: "ended", result: someResult({ outcome: "skipped", code: "dry-run", message: "fine" }) },
    "shop/deploy/web: fine",
  ],
  ["a notice", { type: "notice", message: "interrupted" }, "interrupted"],
  ["the plan", { type: "planned", steps: [], message: "2 to restart" }, "2 to restart"],
  [
    "the end of the restarts",
    { type: "stopped", reason: "deadline", notStarted: 2, message: "2 not started" },
    "2 not started",
  ],
])("%s", (_what, event, text) => {
  expect(formatEvent(event)).toBe(text);
});

describe("without a terminal", () => {
  test("every event except reading is a dated line on stderr", async () => {
    const io = recordedIo();
    const progress = await openProgress(io, { ...DISPLAY, quiet: false });
    progress.emit({ type: "reading", what: "shop" });
    progress.emit(STARTED);
    progress.stop();
    expect(io.written).toEqual({
      stdout: "",
      stderr: "2026-11-22T20:00:00Z shop/deploy/web: restarting, v1.27.7-1 -> v1.27.9-6\n",
    });
  });

  test("lines about a workload count the workloads that have ended, once there is a plan", async () => {
    const io = recordedIo();
    const progress = await openProgress(io, { ...DISPLAY, quiet: false });
    const steps = [{ ref, from, to }];
    const events: readonly ProgressEvent[] = [
      { type: "planned", steps: [...steps, ...steps], message: "restarting 2 workloads" },
      STARTED,
      { type: "ended", result: someResult() },
      { type: "notice", message: "a warning" },
    ];
    for (const event of events) progress.emit(event);
    expect(io.written.stderr.replaceAll("2026-11-22T20:00:00Z ", "").split("\n")).toEqual([
      "restarting 2 workloads",
      "[0/2] shop/deploy/web: restarting, v1.27.7-1 -> v1.27.9-6",
      "[1/2] shop/deploy/web: restarted, rolled out (1m 30s)",
      "a warning",
      "",
    ]);
  });

  test("a wait of verify has a new line if more than the remaining time changed", async () => {
    const io = recordedIo();
    const progress = await openProgress(io, { ...DISPLAY, quiet: false });
    const state = { type: "verifying", ready: 4, wanted: 7 } as const;
    progress.emit({ ...state, message: "4 of 7", left: "10s" });
    progress.emit({ ...state, message: "4 of 7", left: "7s" });
    progress.emit({ ...state, message: "5 of 7", left: "4s" });
    expect(io.written.stderr.replaceAll("2026-11-22T20:00:00Z ", "").split("\n")).toEqual([
      "waiting: 4 of 7, 10s left",
      "waiting: 5 of 7, 4s left",
      "",
    ]);
  });

  test("--quiet prints nothing", async () => {
    const io = recordedIo();
    const progress = await openProgress(io, { ...DISPLAY, quiet: true });
    progress.emit(STARTED);
    progress.stop();
    expect(io.written).toEqual({ stdout: "", stderr: "" });
  });
});

test("--output jsonl also prints every event as JSON on stdout, with the original text", async () => {
  const io = recordedIo();
  const progress = await openProgress(io, { ...DISPLAY, output: "jsonl", quiet: true });
  progress.emit({ type: "waiting", ref, message: "pod\u001b[31m x" });
  progress.emit({ type: "notice", message: "interrupted" });
  expect(parseLines(io.written.stdout)).toEqual([
    {
      apiVersion: "istio-upgrade/v1",
      kind: "Event",
      type: "waiting",
      time: "2026-11-22T20:00:00.000Z",
      namespace: "shop",
      workloadKind: "Deployment",
      name: "web",
      message: "waiting, pod\u001b[31m x",
      code: null,
      ready: null,
      wanted: null,
      from: null,
      to: null,
    },
    expect.objectContaining({ type: "notice", namespace: null, workloadKind: null, name: null }),
  ]);
});

test("events in JSON carry numbers, changes and codes as fields", async () => {
  const io = recordedIo();
  const progress = await openProgress(io, { ...DISPLAY, output: "jsonl", quiet: true });
  progress.emit(STARTED);
  progress.emit({ type: "rolling", ref, message: "on node-7", ready: 1, wanted: 3 });
  progress.emit({ type: "ended", result: someResult() });
  progress.emit({ type: "stopped", reason: "failures", notStarted: 2, message: "" });
  const none = { code: null, ready: null, wanted: null, from: null, to: null };
  expect(parseLines(io.written.stdout)).toMatchObject([
    { type: "started", ...none, from, to },
    { type: "rolling", ...none, ready: 1, wanted: 3 },
    { type: "ended", ...none, code: "rolled-out", from, to },
    { type: "stopped", ...none, code: "failures" },
  ]);
});
