import { describe, expect, test } from "vitest";
import { formatEvent, openProgress, type ProgressEvent } from "../../../src/report/progress.ts";
import { proxyImage } from "../../support/build/pod-group.ts";
import { recordedIo } from "../../support/build/recorded-io.ts";
import { someResult } from "../../support/build/step.ts";

const { ref } = someResult();
const STARTED: ProgressEvent = { type: "started", ref, image: proxyImage("v1.27.9-6") };
const DISPLAY = { output: "table", color: "auto", headers: true, verbose: false } as const;

test.each<[what: string, event: ProgressEvent, text: string]>([
  ["reading", { type: "reading", what: "shop, pay" }, "reading shop, pay"],
  ["started", STARTED, "shop/deploy/web: restarting, to v1.27.9-6"],
  [
    "rolling",
    { type: "rolling", ref, message: "1 of 3 new pods are available", ready: 1, wanted: 3 },
    "shop/deploy/web: 1 of 3 new pods ready; 1 of 3 new pods are available",
  ],
  [
    "waiting",
    { type: "waiting", ref, message: "it is rolling already" },
    "shop/deploy/web: waiting, it is rolling already",
  ],
  ["restarted", { type: "ended", result: someResult() }, "shop/deploy/web: restarted, rolled out"],
  [
    "failed, in the cluster's words",
    { type: "ended", result: someResult({ outcome: "failed", message: "pod\u001b[31m x\nfell" }) },
    "shop/deploy/web: failed, pod x fell",
  ],
  ["stopping", { type: "stopping", message: "interrupted" }, "interrupted"],
])("%s", (_what, event, text) => {
  expect(formatEvent(event)).toBe(text);
});

describe("without a terminal", () => {
  test("each event is a dated line on stderr, and reading is none", async () => {
    const io = recordedIo();
    const progress = await openProgress(io, { ...DISPLAY, quiet: false });
    progress.emit({ type: "reading", what: "shop" });
    progress.emit(STARTED);
    progress.stop();
    expect(io.written).toEqual({
      stdout: "",
      stderr: "2026-11-22T20:00:00Z shop/deploy/web: restarting, to v1.27.9-6\n",
    });
  });

  test("quiet says nothing", async () => {
    const io = recordedIo();
    const progress = await openProgress(io, { ...DISPLAY, quiet: true });
    progress.emit(STARTED);
    progress.stop();
    expect(io.written).toEqual({ stdout: "", stderr: "" });
  });
});
