import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AnyDocument, ErrorDocument } from "../../../../src/report/document.ts";
import {
  overviewPage,
  renderHtml,
  sidecarPage,
} from "../../../../src/report/html/document-page.ts";
import { renderPage } from "../../../../src/report/html/page.ts";
import { isUnfinishedPage } from "../../../../src/report/page-file.ts";
import { VERDICTS } from "../../../../src/mesh/verdict.ts";
import { assessmentOf } from "../../../support/build/assessment.ts";
import {
  ASSESSMENTS,
  CHECK,
  DOCUMENTS,
  ERROR,
  GAP,
  LATE,
  MOVE,
  PLAN,
  RESTART,
  STATUS,
} from "../../../support/build/documents.ts";
import { ATTACKS, hostileDocument, hostileText } from "../../../support/build/hostile.ts";
import { proxyImage, sidecars } from "../../../support/build/pod-group.ts";
import { checkReport } from "../../../support/build/report.ts";
import { deployment } from "../../../support/build/workload.ts";
import {
  type Element,
  findElements,
  pageHeadline,
  pageRows,
  parsePage,
  shownText,
} from "../../../support/html-page.ts";

const pageText = (document: AnyDocument | ErrorDocument) => [...renderHtml(document)].join("");
const pageOf = (document: AnyDocument | ErrorDocument) => parsePage(pageText(document));

/** The elements of a page with the names of their attributes, each once. */
function shapeOf(page: Element): ReadonlySet<string> {
  return new Set(
    findElements(page, () => true).map(
      ({ name, attributes }) => `${name} ${Object.keys(attributes).sort().join(" ")}`,
    ),
  );
}

/** The elements and attributes of all documents together. */
const SHAPES = new Set(
  Object.values(DOCUMENTS).flatMap((document) => [...shapeOf(pageOf(document))]),
);

describe.each(Object.entries(DOCUMENTS))("the page of %s", (_what, document) => {
  const text = pageText(document);
  const page = parsePage(text);

  test("loads nothing, and allows only its own script and style", () => {
    const [policy] = findElements(
      page,
      ({ attributes }) => attributes["http-equiv"] === "Content-Security-Policy",
    );
    const hash = (name: string) => {
      const [, content = ""] = new RegExp(`<${name}>(.*?)</${name}>`, "s").exec(text) ?? [];
      return `'sha256-${createHash("sha256").update(content).digest("base64")}'`;
    };
    expect(policy?.attributes["content"]).toBe(
      `default-src 'none'; style-src ${hash("style")}; script-src ${hash("script")}; base-uri 'none'; form-action 'none'`,
    );
    for (const shape of shapeOf(page)) {
      expect(shape).not.toMatch(/^(?:link|img|iframe|object|embed|base) | (?:src|style|on\w+)\b/);
    }
    const links = findElements(page, ({ name }) => name === "a");
    for (const { attributes } of links) expect(attributes["href"]).toMatch(/^#/);
  });

  test("has one title, a result, and sections with names", () => {
    const named = (name: string) => findElements(page, (element) => element.name === name);
    expect([named("h1").length, named("main").length, named("header").length]).toEqual([1, 1, 1]);
    expect(pageHeadline(page).text).not.toBe("");
    const ids = findElements(page, ({ attributes }) => "id" in attributes).map(
      ({ attributes }) => attributes["id"],
    );
    expect(new Set(ids).size).toBe(ids.length);
    for (const { attributes } of named("section")) {
      const label = attributes["aria-labelledby"];
      expect(label === undefined ? attributes["aria-label"] : ids.includes(label)).toBeTruthy();
    }
  });

  test("shows every known attack as text", () => {
    for (const attack of Object.values(ATTACKS)) {
      const hostile = pageOf(hostileDocument(document, [attack]));
      expect([...shapeOf(hostile)].filter((shape) => !SHAPES.has(shape))).toEqual([]);
    }
  });

  test("has no other elements or attributes for any texts", () => {
    fc.assert(
      fc.property(fc.array(hostileText, { minLength: 5, maxLength: 5 }), (texts) => {
        const hostile = pageOf(hostileDocument(document, texts));
        expect([...shapeOf(hostile)].filter((shape) => !SHAPES.has(shape))).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });
});

describe("the page of a check", () => {
  const page = pageOf(CHECK);

  test("has a row for each workload, the most urgent first", () => {
    const rows = pageRows(page, "Workloads").map((cells) => cells.slice(0, 7));
    expect(rows).toEqual([
      ["sts/ledger", "pay", "would-lose", "v1.27.9-6", "", "3/3 ready", ""],
      ["deploy/cache", "shop team: front", "unknown", "", "v1.27.9-6", "0/2 ready", ""],
      [
        "pod/single",
        "shop team: front",
        "outdated by hand",
        "v1.27.7-1",
        "v1.27.9-6 patch",
        "1/1 ready",
        "",
      ],
      [
        "deploy/web",
        "shop team: front",
        "outdated within 30 days",
        "v1.27.7-1",
        "v1.27.9-6 patch",
        "4/4 ready",
        "outdated for >8d",
      ],
      ["deploy/new", "pay", "missing", "no sidecar", "v1.27.9-6", "2/2 ready", ""],
      ["deploy/api", "shop team: front", "current", "v1.27.9-6", "", "1/2 ready", ""],
    ]);
  });

  test("has the share of each group that the user asked for", () => {
    expect(pageRows(page, "Workloads by team")).toEqual([
      ["front", "", "25 %", "4", "1 current 2 outdated 1 unknown"],
      ["(none)", "", "0 %", "2", "1 missing 1 would-lose"],
    ]);
  });

  test("has what is new and gone since an earlier report", () => {
    expect(pageRows(page, "New")).toEqual([["pay/pod/x", "blocked"]]);
    expect(pageRows(page, "Gone")).toEqual([["pay/pod/y", "unknown", "current"]]);
    const since = { generatedAt: CHECK.generatedAt, new: [], gone: [] };
    const same = pageOf({ ...CHECK, since });
    expect(shownText(same)).toContain("Nothing new since 2026-11-22 20:00");
  });

  test("shows the numbers of each namespace, and which one was not read as a whole", () => {
    const report = checkReport({
      assessments: ASSESSMENTS,
      gaps: [{ ...GAP, namespace: "pay" }],
      exitCode: 6,
    });
    expect(pageRows(pageOf(report), "Workloads by namespace")).toEqual([
      ["shop", "", "25 %", "4", "1 current 2 outdated 1 unknown"],
      ["pay not all read", "", "0 %", "2", "1 missing 1 would-lose"],
    ]);
  });

  test("shows the gaps before everything else", () => {
    const sections = findElements(page, ({ name }) => name === "section");
    const [, second] = sections;
    expect(second?.attributes["id"]).toBe("unread");
    expect(pageRows(page, "Not read")).toEqual([
      ["list pods", "vault", "forbidden", "not allowed", "kubectl auth can-i list pods -n vault"],
    ]);
  });

  test("folds namespaces after the first ones, but not their workloads", () => {
    const assessments = Array.from({ length: 30 }, (_, index) =>
      assessmentOf(
        deployment("web", {
          namespace: `n-${index}`,
          pods: [sidecars(1, proxyImage("v1.27.7-1"))],
        }),
      ),
    );
    const many = pageOf(checkReport({ assessments, exitCode: 2 }));
    expect(pageRows(many, "Workloads by namespace")).toHaveLength(25);
    expect(pageRows(many, "Workloads by namespace, continued")).toHaveLength(5);
    expect(pageRows(many, "Workloads")).toHaveLength(30);
  });

  test.each(VERDICTS)("shows the verdict %s in the bar, the numbers and the row", (verdict) => {
    const report = checkReport({ assessments: [{ ...LATE, verdict }] });
    const shown = pageOf(report);
    const classes = findElements(shown, ({ name }) => name === "rect").map(
      ({ attributes }) => attributes["class"],
    );
    expect(classes).toContain(`v-${verdict}`);
    expect(pageRows(shown, "Workloads")[0]?.[2]).toContain(verdict);
    expect(pageRows(shown, "Workloads by namespace")[0]?.at(-1)).toBe(`1 ${verdict}`);
  });
});

describe("the page of a restart", () => {
  const page = pageOf(RESTART);

  test("has the times of each rollout, soak and gate, by wave", () => {
    expect(pageRows(page, "Timeline")).toEqual([
      ["Wave 1 of 2: 1 of 1 workload done"],
      ["shop/deploy/web", "", "20:00:00", "+3s", "+21s", "+30s", "restarted"],
      ["Soak", "", "20:00:30", "", "", "+5m 0s", "passed all pods stayed healthy for 5m"],
      [
        "Gate ./check-slo",
        "",
        "20:05:30",
        "",
        "",
        "+14s",
        "passed exited with 0 Output error rate 0.02 %ok",
      ],
      ["Wave 2 of 2: 0 of 1 workload done"],
      [
        "orders/deploy/cart",
        "",
        "20:06:40",
        "",
        "",
        "+44s",
        "failed the new pod crashes kubectl describe pod cart-1 -n orders",
      ],
      ["Gate ./check-slo", "", "", "", "", "", "not asked after wave 2"],
    ]);
  });

  test("names who restarted, why, and the plan", () => {
    const facts = findElements(page, ({ name }) => name === "dd").map(shownText);
    expect(facts).toEqual(expect.arrayContaining(["jane", "CHG-4711", "3 (failed:1)"]));
  });

  test("that moved namespaces has them, and the way back", () => {
    const moved = pageOf(MOVE);
    expect(pageRows(moved, "Namespaces")[0]).toEqual([
      "shop",
      "asm-1-27, istio-injection=enabled",
      "prod",
      "labelled",
      "3 on asm-1-28",
      "2026-11-22 20:00:00",
      "why do it",
    ]);
    const [back] = findElements(moved, ({ attributes }) => attributes["id"] === "way-back");
    expect(back && shownText(back)).toBe("Way back istio-upgrade move x");
  });

  test("that was only planned has the steps and the waves, and no timeline", () => {
    const plan = pageOf(PLAN);
    expect(pageRows(plan, "Plan")).toEqual([
      ["shop", "deploy/web", "v1.27.7-1", "v1.27.9-6", "3", "patch"],
    ]);
    expect(pageRows(plan, "Waves")).toHaveLength(2);
    expect(pageRows(plan, "Timeline")).toEqual([]);
  });
});

describe("a page of a run in progress", () => {
  test("is known by its tag", () => {
    const unfinished = { ...RESTART, exitReasons: ["failed:1", "unfinished:2"] };
    expect([unfinished, RESTART].map(pageText).map(isUnfinishedPage)).toEqual([true, false]);
  });

  test("shows no state of the cluster, and no next command", () => {
    const unfinished = pageOf({ ...RESTART, nextStep: "do it", exitReasons: ["unfinished:2"] });
    const ids = findElements(unfinished, ({ name }) => name === "section").map(
      ({ attributes }) => attributes["id"],
    );
    expect(ids).toEqual([undefined, "timeline"]);
    expect(shownText(unfinished)).toContain("1 done 1 failed 2 not ended");
  });

  test("cannot be forged by a name in the cluster", () => {
    const tag = '<meta name="istio-upgrade-exit-reasons" content="unfinished:1"/>';
    for (const document of [CHECK, RESTART]) {
      expect(isUnfinishedPage(pageText(hostileDocument(document, [tag])))).toBe(false);
    }
  });
});

describe("the page of several clusters", () => {
  const other = checkReport({ assessments: [ASSESSMENTS[1] ?? LATE] });
  const healthy = { ...other, cluster: { ...other.cluster, context: "test" } };
  const broken = { ...ERROR, cluster: { context: "dr" }, message: "no <answer>" };
  const base = { facts: [], exitReasons: [], version: "1.0.0" };
  const pageOfAll = parsePage(
    [...renderPage(sidecarPage([CHECK, healthy, broken], base))].join(""),
  );

  test("begins with those that could not be read, and with the share of each", () => {
    expect(pageHeadline(pageOfAll)).toEqual({
      tone: "incomplete",
      text: "4 of 7 workloads are not on target, and this report is incomplete",
    });
    expect(pageRows(pageOfAll, "Not read").map(([cluster, what]) => [cluster, what])).toEqual([
      ["prod", "list pods"],
      ["dr", "read the cluster"],
    ]);
    expect(pageRows(pageOfAll, "Clusters")).toEqual([
      [
        "prod",
        "incomplete",
        "",
        "16 %",
        "6",
        "1 current 2 outdated 1 missing 1 would-lose 1 unknown",
        ">8d",
        "2",
      ],
      ["test", "complete", "", "100 %", "1", "1 current", "", "0"],
      ["dr", "not read no <answer>", "", "", "", "", "", "1"],
    ]);
  });

  test("has the workloads of all, each with its cluster", () => {
    const rows = pageRows(pageOfAll, "Workloads").map(([cluster, name]) => `${cluster} ${name}`);
    expect(rows).toHaveLength(7);
    expect(rows).toEqual(expect.arrayContaining(["prod deploy/api", "test deploy/api"]));
    const namespaces = pageRows(pageOfAll, "Workloads by namespace").map(([name]) => name);
    expect(namespaces).toEqual(["prod/shop", "prod/pay", "test/shop"]);
  });
});

describe("the page of the upgrades of several clusters", () => {
  const base = { facts: [], exitReasons: [], version: "1.0.0" };
  const done = { ...STATUS, phase: "current" as const, nextStep: "", exitCode: 0 as const };
  const broken = { ...ERROR, cluster: { context: "dr" } };
  const page = (...documents: Parameters<typeof overviewPage>[1]) =>
    parsePage([...renderPage(overviewPage("StatusReport", documents, base))].join(""));

  test("has a row for each, and everything about each", () => {
    const all = page(STATUS, { ...done, cluster: { ...STATUS.cluster, context: "test" } }, broken);
    expect(pageHeadline(all)).toEqual({
      tone: "incomplete",
      text: "1 of 3 clusters could not be read as a whole",
    });
    const next = "istio-upgrade restart -A";
    expect(pageRows(all, "Clusters").map(([name, , , step, code]) => [name, step, code])).toEqual([
      ["prod", next, "2"],
      ["test", "", "0"],
      ["dr", "try again", "1"],
    ]);
    const ids = findElements(all, ({ attributes }) => "id" in attributes);
    expect(new Set(ids.map(({ attributes }) => attributes["id"])).size).toBe(ids.length);
    expect(shownText(all)).toContain("Steps: test");
  });

  test("is good only if nothing is left in any of them", () => {
    expect(pageHeadline(page(done, done)).tone).toBe("good");
    expect(pageHeadline(page(done, STATUS)).tone).toBe("warning");
    expect(pageHeadline(page(done, { ...done, complete: false })).tone).toBe("incomplete");
  });
});
