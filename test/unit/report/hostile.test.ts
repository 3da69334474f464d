import * as fc from "fast-check";
import { SaxesParser } from "saxes";
import { describe, expect, test } from "vitest";
import { main } from "../../../src/main.ts";
import type { AnyDocument, Explanation, RevisionsReport } from "../../../src/report/document.ts";
import { formatEvent } from "../../../src/report/events.ts";
import type { ProgressEvent } from "../../../src/report/progress-event.ts";
import { EMPTY_VIEW, rollingLines, summaryLine, withEvent } from "../../../src/report/live-view.ts";
import { loadRenderer } from "../../../src/report/render.ts";
import type { Gap } from "../../../src/snapshot.ts";
import type { Style } from "../../../src/report/style.ts";
import { countEntries, resultLine } from "../../../src/report/exit-reasons.ts";
import { OUTPUTS } from "../../../src/settings.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { clusterError, fleetOf } from "../../support/build/fleet.ts";
import { ATTACKS, hostileDocument, hostileText } from "../../support/build/hostile.ts";
import { namespace } from "../../support/build/namespace.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { recordedIo } from "../../support/build/recorded-io.ts";
import { checkReport, PLAIN_80, restartReport, verifyReport } from "../../support/build/report.ts";
import { someResult } from "../../support/build/step.ts";
import { deployment, otherWorkload, statefulSet } from "../../support/build/workload.ts";

/** Characters that control a terminal, change the direction of text, are invisible, or are not text. */
const STEERS = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}\p{NChar}]/u;
const WIDE = { ...PLAIN_80, width: undefined };

const LATE = proxyImage("v1.27.7-1");
const late = assessmentOf(
  deployment("web", { pods: [sidecars(3, LATE)], template: { probed: false } }),
);
const lost = assessmentOf(statefulSet("db", { pods: [sidecars(3, LATE, { ready: 1 })] }), {
  labels: { rev: "asm-1-26" },
});
const alone = assessmentOf(otherWorkload("Pod", "single", { pods: [sidecars(1, LATE)] }));
const gaps: readonly Gap[] = [
  {
    verb: "list",
    resource: "pods",
    namespace: "pay",
    reason: "refused",
    message: "no",
    hint: "ask",
  },
];
const head = { assessments: [late, lost, alone], gaps, nextStep: "do it", exitCode: 6 as const };
const CHECK = { ...checkReport(head), notes: ["a note"] };
const failed = someResult({ outcome: "failed", code: "pod-failed", message: "m", nextStep: "n" });

const { apiVersion, generatedAt, version, cluster } = CHECK;
const HEAD = { apiVersion, generatedAt, version, cluster, gaps: CHECK.gaps };
const EXPLANATION: Explanation = {
  ...HEAD,
  notes: CHECK.notes,
  kind: "Explanation",
  subject: { namespace: "shop", kind: "Deployment", name: "web", pod: "web-1" },
  complete: false,
  steps: (["namespace", "webhook", "revision", "target", "pods", "pod"] as const).map((step) => ({
    step,
    subject: "namespace/shop",
    result: "injected",
    detail: "a detail",
  })),
  workload: CHECK.workloads[0] ?? null,
  verdict: "outdated",
  code: "image-differs",
  reason: "why",
  nextStep: "do it",
  exitCode: 2,
  exitReasons: [],
};
const REVISIONS: RevisionsReport = {
  ...HEAD,
  kind: "RevisionsReport",
  revision: "asm-1-27",
  assertUnused: true,
  complete: false,
  revisions: ["asm-1-27", "asm-1-28"].map((revision) => ({
    revision,
    installed: true,
    elsewhere: null,
    ready: true,
    image: LATE,
    source: "configmap/a",
    tags: ["prod", "test"],
    namespaces: [{ name: "shop", label: "istio.io/rev=prod", tag: "prod" }],
    pods: { sidecars: 3, gateways: 1, terminating: 1, managed: 1 },
    warnings: [{ code: "shared-configmap-settings", message: "why", nextStep: "do it" }],
    removal: ["istioctl uninstall --revision x"],
    holders: [
      {
        kind: "pods",
        releasedBy: "restart",
        count: 12,
        names: ["shop/deploy/web"],
        release: "restart",
      },
    ],
  })),
  unattributed: { pods: 1, names: ["shop/deploy/lost"], tags: ["prod"] },
  exitCode: 6 as const,
  exitReasons: [],
};

const fleet = fleetOf(
  [CHECK, verifyReport(head), REVISIONS, clusterError("lost"), clusterError("late")],
  { notes: ["a note"] },
);

const DOCUMENTS: Record<string, AnyDocument> = {
  "a fleet": { ...fleet, clusters: [...fleet.clusters] },
  "a check": CHECK,
  // Hostile texts give all workloads one name, and an outdated workload that failed has one entry.
  "a restart": restartReport([failed, someResult()], { ...head, assessments: [lost] }),
  "a plan": restartReport([someResult({ outcome: "skipped" })], { ...head, dryRun: "client" }),
  "a verification": verifyReport(head),
  "an explanation": EXPLANATION,
  revisions: REVISIONS,
};
const GROUPING = {
  groupBy: { kind: "namespace-annotation", key: "example.com/owner" },
  labelColumns: ["team"],
} as const;
const TEAMS = {
  grouping: GROUPING,
  places: ["shop", "pay"].map((name) =>
    namespace(name, { labels: { team: "t" }, annotations: { "example.com/owner": name } }),
  ),
};
// Hostile texts would turn one group into several, or several into one.
const GROUPED = checkReport({ ...head, ...TEAMS, assessments: [lost] });

DOCUMENTS["a check of teams"] = GROUPED;
// Hostile texts would make workloads new that the earlier report has.
DOCUMENTS["a check with an earlier report"] = {
  ...CHECK,
  workloads: [],
  since: {
    generatedAt: "2026-11-21T20:00:00.000Z",
    new: [
      { namespace: "shop", kind: "Deployment", name: "web", verdict: "outdated", before: null },
    ],
    gone: [
      { namespace: "pay", kind: "Deployment", name: "api", verdict: "missing", now: "current" },
    ],
  },
};
DOCUMENTS["a plan of teams"] = {
  ...restartReport([someResult({ outcome: "skipped" })], { ...head, dryRun: "client" }),
  ...GROUPED,
  kind: "RestartReport",
};

type Render = (document: AnyDocument, style: Style) => string;
const renderers = new Map<string, Render>();
for (const output of OUTPUTS) {
  const render = await loadRenderer(output);
  renderers.set(output, (document, style) => [...render(document, style)].join(""));
}
/** The documents that have metrics. */
const MEASURED: ReadonlySet<string> = new Set(["a fleet", "a check", "a verification"]);
const FORMATS = [...renderers].flatMap(([output, render]) =>
  Object.entries(DOCUMENTS)
    .filter(([what]) => output !== "prometheus" || MEASURED.has(what))
    .map(([what, document]) => ({ what, output, document, render })),
);

/** Returns the rendered lines, for a terminal and for a pipe. */
function linesOf(render: Render, document: AnyDocument): readonly string[] {
  return [PLAIN_80, WIDE].flatMap((style) => render(document, style).split("\n"));
}

/** Returns the first line that is not harmless. */
function steering(lines: readonly string[]): string | undefined {
  return lines.find((line) => STEERS.test(line));
}

/** Counts the cells in each line of a Markdown table. In GFM, a backslash hides a bar. */
function cellsIn(markdown: string): readonly number[] {
  return markdown
    .split("\n")
    .map((line) => [...line.matchAll(/\\.|(\|)/g)].filter(([, bar]) => bar).length);
}

/** Returns the elements of well-formed XML, and throws for any other text. */
function elementsOf(xml: string): readonly string[] {
  const names: string[] = [];
  const parser = new SaxesParser();
  parser.on("opentag", ({ name }) => names.push(name));
  parser.on("error", (error) => {
    throw error;
  });
  parser.write(xml).close();
  return names;
}

/** Shortens commands, which are never cut. */
function shortCommands(key: string, value: unknown): unknown {
  return ["nextStep", "hint", "release"].includes(key) ? "do it" : value;
}

/**
 * Returns the structure that a reader of the format sees. Equal rows may be merged, so the width of
 * rows counts, not their number.
 */
function shapeOf(output: string, text: string): readonly unknown[] {
  if (output === "markdown") return [...new Set(cellsIn(text))].sort();
  return output === "junit" ? elementsOf(text) : [];
}

describe.each(FORMATS)("$what as $output", ({ output, document, render }) => {
  const shape = shapeOf(output, render(document, WIDE));

  test("shows every known attack as text", () => {
    for (const text of Object.values(ATTACKS)) {
      const hostile = hostileDocument(document, [text]);
      expect(steering(linesOf(render, hostile))).toBeUndefined();
      expect(shapeOf(output, render(hostile, WIDE))).toEqual(shape);
    }
  });

  test("is harmless for any texts", () => {
    fc.assert(
      fc.property(fc.array(hostileText, { minLength: 5, maxLength: 5 }), (texts) => {
        const hostile = hostileDocument(document, texts);
        expect(steering(linesOf(render, hostile))).toBeUndefined();
        expect(shapeOf(output, render(hostile, WIDE))).toEqual(shape);
      }),
      { numRuns: 15 },
    );
  });

  test("has the same value for a program", () => {
    if (output !== "json" && output !== "jsonl") return;
    const hostile = hostileDocument(document, Object.values(ATTACKS));
    expect(JSON.parse(render(hostile, WIDE))).toEqual(JSON.parse(JSON.stringify(hostile)));
  });

  // Regular expressions with backtracking take minutes, which exceeds the time limit.
  test("is quick and short for long texts", () => {
    // JSON keeps the whole text.
    if (output === "json" || output === "jsonl") return;
    const texts = ["n", "a ", "\u001b;#", "\u001b]x"].map((piece) => piece.repeat(50_000));
    const hostile = JSON.parse(JSON.stringify(hostileDocument(document, texts)), shortCommands);
    expect(render(hostile as AnyDocument, PLAIN_80).length).toBeLessThan(500_000);
  });
});

test("one long name does not widen every row", () => {
  const [entry] = CHECK.workloads;
  if (entry === undefined) throw new Error("there is one");
  const workloads = [{ ...entry, name: "n".repeat(100_000) }];
  for (let index = 0; index < 1000; index += 1) workloads.push({ ...entry, name: `web-${index}` });
  const scope = { ...CHECK.scope, namespaces: ["shop"] };
  for (const output of ["table", "wide", "markdown"]) {
    const text = renderers.get(output)?.({ ...CHECK, scope, workloads }, WIDE) ?? "";
    expect(text).toContain("web-999");
    expect(text.length / workloads.length, output).toBeLessThan(3000);
  }
});

describe("a line on stderr", () => {
  const events = (text: string): readonly ProgressEvent[] => {
    const ref = { namespace: text, kind: text, name: text, uid: "u" };
    const from = [{ image: text, revision: text, pods: 1 }];
    const to = { revision: text, image: text };
    return [
      { type: "reading", what: text },
      { type: "planned", steps: [{ ref, from, to }], message: text },
      { type: "started", ref, from, to },
      { type: "rolling", ref, message: text, ready: 1, wanted: 2 },
      { type: "waiting", ref, message: text },
      { type: "notice", message: text, cluster: text },
      { type: "cluster-read", cluster: text, exitCode: 1, message: text, done: 1, of: 2 },
      { type: "stopped", reason: "deadline", notStarted: 1, message: text },
      { type: "ended", result: someResult({ ref, message: text }) },
    ];
  };
  const said = (text: string) => {
    let view = EMPTY_VIEW;
    const lines: string[] = [resultLine(2, text, countEntries([], 0))];
    for (const event of events(text)) {
      view = withEvent(view, event, 1000);
      const size = { columns: 80, rows: 24 };
      lines.push(
        formatEvent(event),
        summaryLine(view, 2000, 76),
        ...rollingLines(view, 2000, size),
      );
    }
    return lines;
  };

  test.each(Object.entries(ATTACKS))("is harmless: %s", (_what, text) => {
    expect(steering(said(text))).toBeUndefined();
  });

  test("is harmless for any text", () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        expect(steering(said(text))).toBeUndefined();
      }),
    );
  });

  test("RESULT is one line of fields separated by spaces, for any name of the cluster", () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const line = resultLine(2, text, countEntries([], 0));
        expect(line.split(/\s/)).toHaveLength(12);
        expect(line).toMatch(/^RESULT exit=2 cluster=/);
      }),
    );
  });

  test.each(Object.entries(ATTACKS))(
    "is harmless in an error and its stack: %s",
    async (_, text) => {
      const io = recordedIo({ DEBUG: "1" });
      await main(["check", "--output", text], io);
      await main(["explain", text], io);
      await main(["check", "--kubeconfig", `/nonexistent/${text.replaceAll("\0", "")}`], io);
      expect(io.written.stderr).toContain("error: ");
      expect(steering(io.written.stderr.split("\n"))).toBeUndefined();
    },
  );
});
