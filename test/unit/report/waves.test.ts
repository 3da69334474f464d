import { describe, expect, test } from "vitest";
import type { RestartReport, WaveEntry } from "../../../src/report/document.ts";
import { eventEntry, formatEvent } from "../../../src/report/events.ts";
import { renderJunit } from "../../../src/report/junit.ts";
import { mark } from "../../../src/report/live-lines.ts";
import { EMPTY_VIEW, summaryLine, withEvent } from "../../../src/report/live-view.ts";
import { renderMarkdown } from "../../../src/report/markdown.ts";
import type { ProgressEvent } from "../../../src/report/progress-event.ts";
import { renderText } from "../../../src/report/text.ts";
import { paceEntry, waveEntries, waveFlags, waveReasons } from "../../../src/report/waves.ts";
import type { GateResult, SoakResult, WaveChecked } from "../../../src/rollout/wave-result.ts";
import { readWaveSizes, type Wave } from "../../../src/rollout/waves.ts";
import type { WaveSettings } from "../../../src/settings.ts";
import { formatStep } from "../../support/build/next-step.ts";
import { PLAIN, PLAIN_80, restartReport } from "../../support/build/report.ts";
import { resultOf, someStep } from "../../support/build/step.ts";

const TIMES = {
  startedAt: new Date("2026-11-22T20:02:00Z"),
  finishedAt: new Date("2026-11-22T20:02:30Z"),
};
const PACE: WaveSettings = {
  sizes: readWaveSizes("1,50%") ?? [],
  soak: 300_000,
  gate: "./check slo",
  gateTimeout: 600_000,
};
const step = (name: string) => {
  const one = someStep();
  return { ...one, ref: { ...one.ref, name, uid: `uid-${name}` } };
};
const WAVES: readonly Wave[] = [
  { number: 1, done: [{ ...step("a"), restartedAt: undefined }], waits: [], steps: [] },
  { number: 2, done: [], waits: [], steps: [step("b")] },
  { number: 3, done: [], waits: [], steps: ["c", "d", "e", "f", "g"].map(step) },
];
const SOAKED: SoakResult = {
  result: "passed",
  message: "all pods stayed healthy for 5m",
  nextStep: "",
  ...TIMES,
};
const ANSWER: GateResult = {
  command: "./check slo",
  result: "refused",
  exitCode: 7,
  message: "refused with exit code 7",
  output: "errors: 3 %\n\u001b[31mtoo many\u001b[0m\n",
  omitted: 12,
  ...TIMES,
};

function reportWith(checked: ReadonlyMap<number, WaveChecked>, dryRun = false): RestartReport {
  const results = [
    resultOf(step("b")),
    ...["c", "d", "e", "f", "g"].map((name) =>
      resultOf(step(name), { outcome: "not-started", code: "gate-refused", message: "not yet" }),
    ),
  ];
  return {
    ...restartReport(dryRun ? [] : results, {
      exitCode: dryRun ? 0 : 3,
      ...(dryRun && { dryRun: "client" }),
    }),
    pace: paceEntry(PACE),
    waves: waveEntries(WAVES, dryRun ? [] : results, checked, formatStep),
  };
}

const STOPPED = new Map<number, WaveChecked>([
  [1, { gate: { ...ANSWER, result: "passed", exitCode: 0, message: "passed" } }],
  [2, { soak: SOAKED, gate: ANSWER }],
]);

const textOf = (report: RestartReport, wide = false) =>
  [...renderText(report, PLAIN_80, wide)].join("");

describe("the waves of a report", () => {
  test("have the times of their own restarts, and the outcome of each workload", () => {
    const [first, second, third] = reportWith(STOPPED).waves as readonly [
      WaveEntry,
      WaveEntry,
      WaveEntry,
    ];
    expect(first).toMatchObject({
      number: 1,
      workloads: [{ namespace: "shop", kind: "Deployment", name: "a", outcome: "current" }],
      startedAt: null,
      finishedAt: null,
      soak: null,
      gate: { result: "passed" },
    });
    expect(second).toMatchObject({
      workloads: [{ name: "b", outcome: "restarted" }],
      startedAt: "2026-11-22T20:00:00.000Z",
      finishedAt: "2026-11-22T20:01:30.000Z",
      gate: { command: "./check slo", exitCode: 7, omittedBytes: 12 },
    });
    expect(third).toMatchObject({ startedAt: null, finishedAt: null, soak: null, gate: null });
  });

  test("are a table, with the end of the output of a gate that refused", () => {
    const text = textOf(reportWith(STOPPED));
    expect(text).toContain(`WAVES: 3, soak 5m, gate ./check slo
WAVE   WORKLOADS   DONE   SOAK     GATE          NAMES
1/3    1           1      5m       passed (0)    shop/deploy/a
2/3    1           1      passed   refused (7)   shop/deploy/b
3/3    5           0      5m       not asked     shop/deploy/c and 4 more

STOPPED BETWEEN WAVES
wave 2 of 3: the gate ./check slo refused with exit code 7
    (12 bytes before this are left out)
    errors: 3 %
    too many
`);
    const wide = [...renderText(reportWith(STOPPED), PLAIN, true)].join("");
    expect(wide).toContain("shop/deploy/f, shop/deploy/g");
  });

  test("are part of a plan", () => {
    const text = textOf(reportWith(new Map(), true));
    expect(text).toContain("WAVES: 3, soak 5m, gate ./check slo\n");
    expect(text).toContain("2/3    1           0      5m     not asked   shop/deploy/b\n");
  });

  test("are sections in Markdown, and test cases in JUnit", () => {
    const report = reportWith(STOPPED);
    const markdown = renderMarkdown(report);
    expect(markdown).toContain("## Waves: 3, soak 5m, gate ./check slo\n");
    expect(markdown).toContain("## Stopped between waves\n");
    expect(markdown).toContain("errors: 3 %<br>too many");
    const junit = [...renderJunit(report)].join("");
    expect(junit).toContain(`<testcase classname="wave 2" name="soak" time="30">`);
    expect(junit).toContain(
      `<failure message="the gate refused with exit code 7: errors: 3 % too many" type="gate-refused"/>`,
    );
  });

  test("decide the exit code", () => {
    const reasons = (checked: WaveChecked) => waveReasons(new Map([[1, checked]]));
    expect(reasons({ soak: SOAKED })).toEqual([]);
    expect(reasons({ soak: { ...SOAKED, result: "failed" } })).toEqual([
      { code: 3, text: "soak-failed" },
    ]);
    expect(reasons({ soak: { ...SOAKED, result: "unread" } })).toEqual([
      { code: 4, text: "soak-unread" },
    ]);
    expect(reasons({ soak: { ...SOAKED, result: "stopped" } })).toEqual([]);
    expect(reasons({ gate: ANSWER })).toEqual([{ code: 3, text: "gate-refused" }]);
    expect(reasons({ gate: { ...ANSWER, result: "unanswered" } })).toEqual([
      { code: 4, text: "gate-unanswered" },
    ]);
  });

  test("are repeated by the flags of the next command", () => {
    expect(waveFlags({ ...PACE, soak: 90_500 })).toEqual([
      "--waves",
      "1,50%",
      "--soak",
      "1m30.5s",
      "--gate",
      "./check slo",
      "--gate-timeout",
      "10m",
    ]);
    expect(waveFlags({ sizes: [], soak: 0, gate: undefined, gateTimeout: 1 })).toEqual([]);
  });
});

describe("the events of a wave", () => {
  const place = { wave: 2, of: 3 };
  const EVENTS: readonly ProgressEvent[] = [
    { type: "wave-started", ...place, workloads: 1 },
    { type: "soaking", ...place, duration: 300_000 },
    { type: "soaked", ...place, soak: SOAKED },
    { type: "gate-asked", ...place, command: "./check slo", timeout: 600_000 },
    { type: "gate-answered", ...place, gate: ANSWER },
  ];

  test("are sentences, with the wave as a field", () => {
    expect(EVENTS.map(formatEvent)).toEqual([
      "wave 2 of 3: restarting 1 workload",
      "wave 2 of 3: watching its pods for 5m",
      "wave 2 of 3: soak passed, all pods stayed healthy for 5m",
      "wave 2 of 3: asking the gate ./check slo, for at most 10m",
      "wave 2 of 3: the gate ./check slo refused with exit code 7",
    ]);
    const entries = EVENTS.map((event) => eventEntry(event, TIMES.startedAt));
    expect(entries.map(({ wave, waves, code }) => [wave, waves, code])).toEqual([
      [2, 3, null],
      [2, 3, null],
      [2, 3, "soak-passed"],
      [2, 3, null],
      [2, 3, "gate-refused"],
    ]);
    expect(eventEntry({ type: "notice", message: "" }, TIMES.startedAt)).not.toHaveProperty("wave");
  });

  test("are marked by their result", () => {
    expect(EVENTS.map((event) => mark(event).symbol)).toEqual(["›", "!", "✔", "!", "✖"]);
  });

  test("appear in the summary of the live view, with the rest of the soak", () => {
    let view = withEvent(
      EMPTY_VIEW,
      { type: "planned", steps: [step("b"), step("c")], message: "" },
      0,
    );
    const lines = EVENTS.map((event) => {
      view = withEvent(view, event, 0);
      return summaryLine(view, 61_000, 79).replace(/^\S+ /, "");
    });
    expect(lines).toEqual([
      "0 of 2 done, wave 2 of 3, v1.27.7-1 -> v1.27.9-6",
      "0 of 2 done, wave 2 of 3, soaking 3:59, v1.27.7-1 -> v1.27.9-6",
      "0 of 2 done, wave 2 of 3, v1.27.7-1 -> v1.27.9-6",
      "0 of 2 done, wave 2 of 3, asking the gate, v1.27.7-1 -> v1.27.9-6",
      "0 of 2 done, wave 2 of 3, v1.27.7-1 -> v1.27.9-6",
    ]);
  });
});
