import { describe, expect, test } from "vitest";
import { formatEvent } from "../../../src/report/events.ts";
import type { ProgressEvent } from "../../../src/report/progress-event.ts";
import { openProgress } from "../../../src/report/progress.ts";
import { proxyImage } from "../../support/build/pod-group.ts";
import { parseLines } from "../../support/report-schema.ts";
import { recordedIo } from "../../support/build/recorded-io.ts";
import { someResult } from "../../support/build/step.ts";

const { ref, from } = someResult();
const STARTED: ProgressEvent = { type: "started", ref, from, image: proxyImage("v1.27.9-6") };
const DISPLAY = {
  output: "table",
  color: "auto",
  headers: true,
  verbose: false,
  reportFile: undefined,
} as const;

test.each<[what: string, event: ProgressEvent, text: string]>([
  ["reading", { type: "reading", what: "shop, pay" }, "reading shop, pay"],
  ["started", STARTED, "shop/deploy/web: restarting, v1.27.7-1 -> v1.27.9-6"],
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
  ["restarted", { type: "ended", result: someResult() }, "shop/deploy/web: restarted, rolled out"],
  [
    "failed, with a message from the cluster",
    { type: "ended", result: someResult({ outcome: "failed", message: "pod\u001b[31m x\nfell" }) },
    "shop/deploy/web: failed, pod x fell",
  ],
  [
    "passed a dry run",
    { type: "ended", result: someResult({ outcome: "skipped", code: "dry-run", message: "fine" }) },
    "shop/deploy/web: fine",
  ],
  ["a notice", { type: "notice", message: "interrupted" }, "interrupted"],
  ["the plan", { type: "planned", steps: 2, message: "2 to restart" }, "2 to restart"],
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
    },
    expect.objectContaining({ type: "notice", namespace: null, workloadKind: null, name: null }),
  ]);
});
