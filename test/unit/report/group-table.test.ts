import { describe, expect, test } from "vitest";
import { type GroupingSettings, groupingSettings } from "../../../src/grouping.ts";
import type { Report, ScopeEntry } from "../../../src/report/document.ts";
import { renderJunit } from "../../../src/report/junit.ts";
import { renderMarkdown } from "../../../src/report/markdown.ts";
import { renderReport } from "../../../src/report/report-text.ts";
import type { Assessment } from "../../../src/mesh/assessment.ts";
import { aged, assessmentOf } from "../../support/build/assessment.ts";
import { namespace } from "../../support/build/namespace.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import {
  checkReport,
  PLAIN,
  PLAIN_80,
  restartReport,
  verifyReport,
} from "../../support/build/report.ts";
import { parseReport } from "../../support/report-schema.ts";
import { resultOf, stepFor } from "../../support/build/step.ts";
import { deployment, otherWorkload } from "../../support/build/workload.ts";

const LATE = proxyImage("v1.27.7-1");
const TARGET = proxyImage("v1.27.9-6");
const DAY = 86_400;

/** The namespaces of seven teams, with the numbers of their workloads. */
const TEAMS: Readonly<Record<string, readonly [team: string, late: number, current: number]>> = {
  auth: ["identity", 4, 1],
  cart: ["storefront", 6, 2],
  etl: ["data", 0, 6],
  ledger: ["payments", 5, 0],
  ml: ["data", 7, 1],
  monitoring: ["platform", 6, 1],
  pay: ["payments", 7, 2],
  "search-and-discovery": ["search", 4, 0],
  shop: ["storefront", 6, 2],
};
const PLACES = Object.entries(TEAMS).map(([name, [team]]) =>
  namespace(name, {
    labels: { team },
    annotations: { "example.com/owner": `${team}@example.com` },
  }),
);

function workloadsOf(home: string, number: number, image: string): readonly Assessment[] {
  return Array.from({ length: number }, (_, index) => {
    const name = `${image === LATE ? "late" : "current"}-${index}`;
    const found = assessmentOf(deployment(name, { namespace: home, pods: [sidecars(2, image)] }));
    return image === LATE ? aged(found, { atLeast: 8 * DAY, atMost: 31 * DAY }) : found;
  });
}

const ALL = [
  ...Object.entries(TEAMS).flatMap(([home, [, late, current]]) => [
    ...workloadsOf(home, late, LATE),
    ...workloadsOf(home, current, TARGET),
  ]),
  assessmentOf(
    otherWorkload("Pod", "tool", {
      namespace: "pay",
      pods: [sidecars(1, LATE, { podNames: ["tool"] })],
    }),
  ),
  assessmentOf(deployment("lost", { namespace: "auth", pods: [sidecars(2, TARGET)] }), {
    labels: { rev: "asm-1-26" },
  }),
];

function groupedCheck(
  flags: Readonly<Record<string, unknown>> = {},
  assessments: readonly Assessment[] = ALL,
) {
  const grouping: GroupingSettings = groupingSettings(flags);
  const report = checkReport({ assessments, grouping, places: PLACES, exitCode: 2 });
  return parseReport("CheckReport", JSON.stringify(report));
}

function text(report: Report, { wide = false, style = PLAIN_80 } = {}): string {
  return [...renderReport(report, style, wide)].join("");
}

function within(report: Report, scope: Partial<ScopeEntry>): Report {
  return { ...report, scope: { ...report.scope, ...scope } };
}

/** The lines of a section, from its title to the next empty line. */
function section(rendered: string, title: string): string {
  return rendered.split("\n\n").find((part) => part.startsWith(title)) ?? "";
}

describe("60 workloads of 7 teams at 80 columns", () => {
  test("are counted by namespace, and each change is one row", () => {
    const rendered = text(groupedCheck());
    expect(section(rendered, "BY ")).toBe(`BY NAMESPACE: 62 workloads, 123 pods
NAMESPACE              OUTDATED   BY HAND   LOSE   CURRENT   OLDEST
auth                   4          0         1      1         >8d
cart                   6          0         0      2         >8d
etl                    0          0         0      6         -
ledger                 5          0         0      0         >8d
ml                     7          0         0      1         >8d
monitoring             6          0         0      1         >8d
pay                    8          1         0      2         >8d
search-and-discovery   4          0         0      0         >8d
shop                   6          0         0      2         >8d`);
    expect(section(rendered, "OUTDATED")).toBe(`OUTDATED: 45 workloads, 90 pods
FROM        TO          CHANGE   WORKLOADS   PODS
v1.27.7-1   v1.27.9-6   patch    45          90
each workload: -o wide, or --namespace NAMESPACE`);
    // Workloads for a person are never hidden.
    expect(section(rendered, "NEEDS YOU")).toContain("auth/deploy/lost");
    expect(section(rendered, "NEEDS YOU")).toContain("pay/pod/tool");
  });

  test("are counted by team, with the labels of its workloads", () => {
    const flags = { groupBy: "namespace-label=team", labelColumns: ["example.com/owner"] };
    expect(section(text(groupedCheck(flags)), "BY ")).toBe(
      `BY TEAM: 62 workloads, 123 pods
TEAM         OWNER                  OUTDATED   BY HAND   LOSE   CURRENT   OLDEST
data         data@example.com       7          0         0      7         >8d
identity     identity@example.com   4          0         1      1         >8d
payments     payments@example.com   13         1         0      2         >8d
platform     platform@example.com   6          0         0      1         >8d
search       search@example.com     4          0         0      0         >8d
storefront   storef…t@example.com   12         0         0      4         >8d`,
    );
  });

  test.each([
    {},
    { groupBy: "namespace-label=team" },
    { labelColumns: ["team", "example.com/owner"] },
  ])("fit on 80 columns: %j", (flags) => {
    const tables = text(groupedCheck(flags)).split("NEEDS YOU")[0] ?? "";
    expect(tables.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });

  test("have a row each with -o wide, in a named namespace, and for a script", () => {
    const report = groupedCheck();
    const rows = (rendered: string) => rendered.match(/^\S+ +deploy\/late-\d+ .*patch/gm)?.length;
    expect(rows(text(report))).toBeUndefined();
    expect(rows(text(report, { wide: true, style: PLAIN }))).toBe(45);
    expect(rows(text(within(report, { namespaces: ["pay"] }), { style: PLAIN }))).toBe(45);
    expect(rows(text(within(report, { workloads: ["Deployment/web"] }), { style: PLAIN }))).toBe(
      45,
    );
    expect(rows(text(report, { style: { ...PLAIN, headers: false } }))).toBe(45);
    const selected = { namespaces: ["pay"], namespaceSelector: "team=payments" };
    expect(rows(text(within(report, selected)))).toBeUndefined();
    for (const scope of [{ namespaces: ["pay"] }, { workloads: ["Deployment/web"] }]) {
      expect(section(text(within(report, scope)), "BY ")).toBe("");
    }
  });

  test("name the downgrades", () => {
    const newer = assessmentOf(
      deployment("newer", { namespace: "pay", pods: [sidecars(1, proxyImage("v1.28.0-1"))] }),
    );
    const rendered = section(text(groupedCheck({}, [...ALL, newer])), "OUTDATED");
    expect(rendered).toContain("(1 to an older version)");
    expect(rendered).toContain("v1.28.0-1   v1.27.9-6   downgrade   1");
  });
});

describe("a summary", () => {
  test("of few workloads is only shown if it was asked for", () => {
    const few = ALL.slice(0, 20);
    expect(section(text(groupedCheck({}, few)), "BY ")).toBe("");
    const asked = text(groupedCheck({ groupBy: "kind" }, few));
    expect(section(asked, "BY KIND")).toContain("Deployment   ");
    expect(section(asked, "OUTDATED")).toContain("deploy/late-0");
  });

  test("of workloads that are all current is not shown", () => {
    const current = workloadsOf("shop", 30, TARGET);
    expect(section(text(groupedCheck({}, current)), "BY ")).toBe("");
  });

  test("of few outdated among many workloads has their rows as well", () => {
    const rendered = text(
      groupedCheck({}, [...workloadsOf("shop", 3, LATE), ...workloadsOf("pay", 30, TARGET)]),
    );
    expect(section(rendered, "BY NAMESPACE")).toContain("pay ");
    expect(section(rendered, "OUTDATED").match(/deploy\/late/g)).toHaveLength(3);
  });

  test("of many namespaces leaves out those with nothing left to do", () => {
    const done = Array.from({ length: 25 }, (_, index) => workloadsOf(`done-${index}`, 1, TARGET));
    const rendered = section(
      text(groupedCheck({}, [...done.flat(), ...workloadsOf("shop", 1, LATE)])),
      "BY NAMESPACE",
    );
    expect(rendered.split("\n").slice(2)).toEqual([
      "shop        1          0         >8d",
      "and 25 namespaces with nothing left to do: -o wide",
    ]);
  });

  test("never hides a workload whose verdict is unknown", () => {
    const unknown = assessmentOf(
      deployment("odd", { namespace: "vault", rollout: { replicas: 2 } }),
    );
    expect(unknown.verdict).toBe("unknown");
    const many = [...workloadsOf("shop", 25, TARGET), unknown];
    const rendered = section(text(groupedCheck({}, many)), "BY NAMESPACE");
    expect(rendered).toMatch(/^NAMESPACE +OUTDATED +UNKNOWN +CURRENT$/m);
    expect(rendered).toMatch(/^vault +0 +1 +0$/m);
  });

  test("says if a group may have more workloads, which could not be read", () => {
    const gap = {
      verb: "list",
      resource: "pods",
      namespace: "pay",
      reason: "forbidden",
      message: "no",
      hint: "ask",
    } as const;
    const grouping = groupingSettings({ groupBy: "namespace-label=team" });
    const options = { assessments: ALL, grouping, places: PLACES, gaps: [gap] };
    const report = checkReport({ ...options, exitCode: 2 });
    expect(text(report)).toContain("BY TEAM: 62 workloads, 123 pods, incomplete: see NOT READ\n");
    expect(renderMarkdown(report)).toContain(
      "## By namespace-label=team, incomplete: see Not read\n",
    );
  });

  test("of verify shows which namespaces are not ready", () => {
    const slow = assessmentOf(
      deployment("slow", { namespace: "pay", pods: [sidecars(3, TARGET, { ready: 1 })] }),
    );
    const assessments = [...workloadsOf("shop", 25, TARGET), slow];
    const rendered = section(text(verifyReport({ assessments, exitCode: 4 })), "BY NAMESPACE");
    expect(rendered).toMatch(/^NAMESPACE +OUTDATED +NOT READY +CURRENT$/m);
    expect(rendered).toMatch(/^pay +0 +1 +1$/m);
  });

  test("too wide for the terminal keeps the columns with problems", () => {
    const [first] = ALL;
    if (first === undefined) throw new Error("there is one");
    const verdicts = ["would-lose", "blocked", "missing", "unknown", "pinned"] as const;
    const odd = verdicts.map((verdict) => ({ ...first, verdict }));
    const report = groupedCheck({ groupBy: "namespace" }, [...ALL, ...odd]);
    const [, head = ""] = section(text(report), "BY NAMESPACE").split("\n");
    expect(head.split(/ {3,}/)).toEqual(
      "NAMESPACE,OUTDATED,BY HAND,LOSE,BLOCKED,MISSING,UNKNOWN".split(","),
    );
    const [, all = ""] = section(text(report, { style: PLAIN }), "BY NAMESPACE").split("\n");
    expect(all.split(/ {3,}/).slice(-3)).toEqual(["CURRENT", "OTHER", "OLDEST"]);
  });

  test("for a script has every column, and no title", () => {
    const report = groupedCheck({
      groupBy: "namespace-label=team",
      labelColumns: ["team", "none"],
    });
    const lines = text(report, { style: { ...PLAIN, headers: false } })
      .trimEnd()
      .split("\n");
    expect(lines).toHaveLength(6);
    expect(lines[2]?.split(/ +/)).toEqual("payments - 13 1 0 0 0 0 0 2 0 >8d".split(" "));
  });

  test("says which workloads belong to no group", () => {
    const [none] = groupedCheck({ groupBy: "label=team" }).groups ?? [];
    expect(none).toMatchObject({
      name: null,
      workloads: 62,
      outdated: 46,
      byHand: 1,
      wouldLose: 1,
    });
    expect(text(groupedCheck({ groupBy: "label=team" }))).toMatch(/^\(none\) +46/m);
  });

  test("keeps the keys apart that end alike", () => {
    const flags = { labelColumns: ["a.io/team", "b.io/team", "team"] };
    const report = groupedCheck(flags, ALL.slice(0, 2));
    expect(text(report, { style: PLAIN })).toContain("A.IO/TEAM   B.IO/TEAM   TEAM");
  });
});

describe("columns of labels", () => {
  const flags = { labelColumns: ["team"] };

  test("are in every table of workloads, and beside the workloads that need a person", () => {
    const few = groupedCheck(flags, [...ALL.slice(0, 2), ...ALL.slice(-2)]);
    const rendered = text(few, { style: PLAIN, wide: true });
    expect(section(rendered, "OUTDATED")).toMatch(/^auth +deploy\/late-0 .* identity$/m);
    expect(section(rendered, "WORKLOADS")).toMatch(/^pay +pod\/tool .* payments$/m);
    expect(section(rendered, "NEEDS YOU")).toContain("auth/deploy/lost (identity)");
    const markdown = renderMarkdown(few);
    expect(markdown).toMatch(/\| auth +\| deploy\/late-0 .*\| identity +\|/);
    expect(markdown).toContain("auth/deploy/lost (identity)");
  });

  test("are in the rows of verify that are not ready", () => {
    const slow = assessmentOf(
      deployment("slow", { namespace: "pay", pods: [sidecars(3, TARGET, { ready: 1 })] }),
    );
    const grouping = groupingSettings(flags);
    const report = verifyReport({ assessments: [slow], grouping, places: PLACES, exitCode: 4 });
    expect(section(text(report), "NOT READY")).toMatch(/^pay +deploy\/slow +1\/3 +payments$/m);
  });
});

describe("a plan", () => {
  const late = ALL.filter(({ restart }) => restart.answer === "yes");
  const results = late.map((assessment) => resultOf(stepFor(assessment)));
  const skipped = results.map((result) => ({ ...result, outcome: "skipped" as const }));
  const options = { assessments: ALL, places: PLACES };

  test("of many workloads shows its changes and its namespaces", () => {
    const rendered = text(restartReport(skipped, { ...options, dryRun: "client" }));
    expect(section(rendered, "PLAN: 45 workloads to restart\n")).toContain(
      "v1.27.7-1   v1.27.9-6   patch    45          90",
    );
    const byNamespace = section(rendered, "BY NAMESPACE");
    expect(byNamespace).toMatch(/^NAMESPACE +PLANNED +OUTDATED +BY HAND +LOSE +CURRENT$/m);
    expect(byNamespace).toMatch(/^pay +7 +8 +1 +0 +2$/m);
  });

  test("is complete with -o wide, and in a ticket", () => {
    const plan = restartReport(skipped, { ...options, dryRun: "client" });
    const rows = (rendered: string) =>
      rendered.match(/^\|? ?\S+ +\|? ?deploy\/late-\d+ /gm)?.length;
    const wide = text(plan, { wide: true, style: PLAIN }).split("\n\nNOT RESTARTED")[0] ?? "";
    expect(wide).toContain("PLAN: 45 workloads to restart, in this order");
    expect(rows(section(wide, "PLAN"))).toBe(45);
    const ticket = renderMarkdown(plan);
    expect(rows(ticket.split("## Plan")[1]?.split("\n## ")[0] ?? "")).toBe(45);
    expect(ticket).toMatch(/^\| Namespace +\| Planned \| Outdated/m);
  });

  test("that was carried out counts what was done", () => {
    const done = results.slice(0, 44);
    const failed = { ...results.at(-1), outcome: "failed", code: "pod-failed", message: "m" };
    const rendered = text(
      restartReport([...done, failed as (typeof results)[number]], { ...options, exitCode: 3 }),
    );
    expect(section(rendered, "RESTARTED: 44 of 45 workloads")).toContain("patch    44 ");
    expect(section(rendered, "NOT DONE")).toContain("shop   deploy/late-5   failed");
    expect(section(rendered, "BY NAMESPACE")).toMatch(/^shop +6 +5 /m);
  });
});

test("each group is a suite in JUnit", () => {
  const xml = [...renderJunit(groupedCheck({ groupBy: "namespace-label=team" }))].join("");
  const suites = [...xml.matchAll(/<testsuite name="([^"]*)"[^>]* tests="(\d+)"/g)];
  expect(suites.map(([, name, tests]) => `${name}: ${tests}`)).toEqual([
    "sidecars of data: 14",
    "sidecars of identity: 6",
    "sidecars of payments: 15",
    "sidecars of platform: 7",
    "sidecars of search: 4",
    "sidecars of storefront: 16",
  ]);
});

test("the sums of the groups are those of the report", () => {
  for (const groupBy of ["namespace", "kind", "revision", "namespace-label=team", "label=x"]) {
    const { groups = [], summary, workloads } = groupedCheck({ groupBy });
    const sum = (of: (group: (typeof groups)[number]) => number) =>
      groups.reduce((total, group) => total + of(group), 0);
    expect(sum(({ workloads: number }) => number)).toBe(workloads.length);
    expect(sum(({ pods }) => pods)).toBe(summary.pods);
    expect(sum(({ outdated }) => outdated)).toBe(summary.byVerdict.outdated);
  }
});
