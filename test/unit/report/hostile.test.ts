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
import { resultLine } from "../../../src/report/exit-reasons.ts";
import { countEntries } from "../../../src/report/exit-reasons.ts";
import { OUTPUTS } from "../../../src/settings.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { ATTACKS, hostileDocument, hostileText } from "../../support/build/hostile.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { recordedIo } from "../../support/build/recorded-io.ts";
import { checkReport, PLAIN_80, restartReport, verifyReport } from "../../support/build/report.ts";
import { someResult } from "../../support/build/step.ts";
import { deployment, otherWorkload, statefulSet } from "../../support/build/workload.ts";

/** Whatever a terminal would obey, turn round or not show, and what is no text at all. */
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
    ready: true,
    image: LATE,
    source: "configmap/a",
    tags: ["prod", "test"],
    namespaces: [{ name: "shop", label: "istio.io/rev=prod", tag: "prod" }],
    pods: { sidecars: 3, gateways: 1, terminating: 1, managed: 1 },
    holders: [{ kind: "pods", count: 12, names: ["shop/deploy/web"], release: "restart" }],
  })),
  unattributed: { pods: 1, names: ["shop/deploy/lost"], tags: ["prod"] },
  exitCode: 6 as const,
  exitReasons: [],
};

const DOCUMENTS: Readonly<Record<string, AnyDocument>> = {
  "a check": CHECK,
  "a restart": restartReport([failed, someResult()], head),
  "a plan": restartReport([someResult({ outcome: "skipped" })], { ...head, dryRun: "client" }),
  "a verification": verifyReport(head),
  "an explanation": EXPLANATION,
  revisions: REVISIONS,
};
type Render = (document: AnyDocument, style: Style) => string;
const renderers = new Map<string, Render>();
for (const output of OUTPUTS) {
  const render = await loadRenderer(output);
  renderers.set(output, (document, style) => [...render(document, style)].join(""));
}
const FORMATS = [...renderers].flatMap(([output, render]) =>
  Object.entries(DOCUMENTS).map(([what, document]) => ({ what, output, document, render })),
);

/** Every renderer's lines, on a terminal and in a pipe. */
function linesOf(render: Render, document: AnyDocument): readonly string[] {
  return [PLAIN_80, WIDE].flatMap((style) => render(document, style).split("\n"));
}

/** The first line that is not harmless. */
function steering(lines: readonly string[]): string | undefined {
  return lines.find((line) => STEERS.test(line));
}

/** Cells of each line of a table in Markdown, by GFM's rule: a backslash hides a bar. */
function cellsIn(markdown: string): readonly number[] {
  return markdown
    .split("\n")
    .map((line) => [...line.matchAll(/\\.|(\|)/g)].filter(([, bar]) => bar).length);
}

/** Elements of well-formed XML. @throws for any other text. */
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

/** Commands alone are never cut. */
function shortCommands(key: string, value: unknown): unknown {
  return ["nextStep", "hint", "release"].includes(key) ? "do it" : value;
}

/**
 * What a reader of the format makes of it, whatever its texts say. Rows that say the same may be said
 * once: how many there are is no matter, but how wide they are.
 */
function shapeOf(output: string, text: string): readonly unknown[] {
  if (output === "markdown") return [...new Set(cellsIn(text))].sort();
  return output === "junit" ? elementsOf(text) : [];
}

describe.each(FORMATS)("$what as $output", ({ output, document, render }) => {
  const shape = shapeOf(output, render(document, WIDE));

  test("shows no more than text of every known attack", () => {
    for (const text of Object.values(ATTACKS)) {
      const hostile = hostileDocument(document, [text]);
      expect(steering(linesOf(render, hostile))).toBeUndefined();
      expect(shapeOf(output, render(hostile, WIDE))).toEqual(shape);
    }
  });

  test("is harmless whatever every text in it says", () => {
    fc.assert(
      fc.property(fc.array(hostileText, { minLength: 5, maxLength: 5 }), (texts) => {
        const hostile = hostileDocument(document, texts);
        expect(steering(linesOf(render, hostile))).toBeUndefined();
        expect(shapeOf(output, render(hostile, WIDE))).toEqual(shape);
      }),
      { numRuns: 15 },
    );
  });

  test("says the same to a program", () => {
    if (output !== "json" && output !== "jsonl") return;
    const hostile = hostileDocument(document, Object.values(ATTACKS));
    expect(JSON.parse(render(hostile, WIDE))).toEqual(JSON.parse(JSON.stringify(hostile)));
  });

  // With regular expressions that look back it takes minutes: longer than any test may.
  test("takes no time and no room for texts that are long", () => {
    // JSON has them whole.
    if (output === "json" || output === "jsonl") return;
    const texts = ["n", "a ", "\u001b;#", "\u001b]x"].map((piece) => piece.repeat(50_000));
    const hostile = JSON.parse(JSON.stringify(hostileDocument(document, texts)), shortCommands);
    expect(render(hostile as AnyDocument, PLAIN_80).length).toBeLessThan(500_000);
  });
});

test("one long name is not paid for in every row", () => {
  const [entry] = CHECK.workloads;
  if (entry === undefined) throw new Error("there is one");
  const workloads = [{ ...entry, name: "n".repeat(100_000) }];
  for (let index = 0; index < 1000; index += 1) workloads.push({ ...entry, name: `web-${index}` });
  for (const output of ["table", "wide", "markdown"]) {
    const text = renderers.get(output)?.({ ...CHECK, workloads }, WIDE) ?? "";
    expect(text).toContain("web-999");
    expect(text.length / workloads.length, output).toBeLessThan(3000);
  }
});

describe("what is said on stderr", () => {
  const events = (text: string): readonly ProgressEvent[] => {
    const ref = { namespace: text, kind: text, name: text, uid: "u" };
    const from = [{ image: text, revision: text, pods: 1 }];
    return [
      { type: "reading", what: text },
      { type: "planned", steps: 1, message: text },
      { type: "started", ref, from, image: text },
      { type: "rolling", ref, message: text, ready: 1, wanted: 2 },
      { type: "waiting", ref, message: text },
      { type: "notice", message: text },
      { type: "ended", result: someResult({ ref, message: text }) },
    ];
  };
  const said = (text: string) => {
    let view = EMPTY_VIEW;
    const lines: string[] = [resultLine(2, text, countEntries([], 0))];
    for (const event of events(text)) {
      view = withEvent(view, event, 1000);
      lines.push(formatEvent(event), summaryLine(view, 2000), ...rollingLines(view, 2000, 80));
    }
    return lines;
  };

  test.each(Object.entries(ATTACKS))("is harmless: %s", (_what, text) => {
    expect(steering(said(text))).toBeUndefined();
  });

  test("is harmless whatever a text says", () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        expect(steering(said(text))).toBeUndefined();
      }),
    );
  });

  test("RESULT is one line of words apart by spaces, whatever the cluster is called", () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const line = resultLine(2, text, countEntries([], 0));
        expect(line.split(/\s/)).toHaveLength(10);
        expect(line).toMatch(/^RESULT exit=2 cluster=/);
      }),
    );
  });

  test.each(Object.entries(ATTACKS))("an error, and with DEBUG its stack: %s", async (_, text) => {
    const io = recordedIo({ DEBUG: "1" });
    await main(["check", "--output", text], io);
    await main(["explain", text], io);
    await main(["check", "--kubeconfig", `/nonexistent/${text.replaceAll("\0", "")}`], io);
    expect(io.written.stderr).toContain("error: ");
    expect(steering(io.written.stderr.split("\n"))).toBeUndefined();
  });
});
