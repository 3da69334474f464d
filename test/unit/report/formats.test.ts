import { describe, expect, test } from "vitest";
import type { AnyDocument, ScopeEntry } from "../../../src/report/document.ts";
import { renderJunit } from "../../../src/report/junit.ts";
import { renderMarkdown } from "../../../src/report/markdown.ts";
import { aged, assessmentOf } from "../../support/build/assessment.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { checkReport, restartReport, verifyReport } from "../../support/build/report.ts";
import { someResult } from "../../support/build/step.ts";
import { deployment, statefulSet } from "../../support/build/workload.ts";

const TARGET = proxyImage("v1.27.9-6");
const LATE = proxyImage("v1.27.7-1");

const late = assessmentOf(deployment("web", { pods: [sidecars(3, LATE)] }));
const current = assessmentOf(deployment("api", { pods: [sidecars(2, TARGET)] }));
const lost = assessmentOf(
  statefulSet("ledger", { namespace: "pay", pods: [sidecars(3, TARGET)] }),
  { labels: { rev: "asm-1-26" } },
);
const unknown = assessmentOf(deployment("cache", { rollout: { replicas: 2 } }));
const GAP = {
  verb: "list",
  resource: "pods",
  namespace: "vault",
  reason: "forbidden",
  message: 'User "jane" cannot list resource "pods"',
  hint: "kubectl auth can-i list pods -n vault",
} as const;
const failed = someResult({
  ref: { namespace: "pay", kind: "StatefulSet", name: "ledger", uid: "u" },
  outcome: "failed",
  code: "pod-failed",
  message: "the new pod ledger-2 is in ImagePullBackOff: <b>|no|</b> `such` image\u001b[31m",
  nextStep: "kubectl describe pod ledger-2 -n pay | less",
});
const late2 = someResult({ outcome: "not-started", code: "deadline", message: "too late" });
const skipped = someResult({ outcome: "skipped", code: "already-current", message: "on target" });

const DOCUMENTS: Readonly<Record<string, AnyDocument>> = {
  check: checkReport({
    assessments: [lost, current, late, unknown],
    gaps: [GAP],
    nextStep: "istio-upgrade restart --namespace shop",
    exitCode: 2,
  }),
  restart: {
    ...restartReport([failed, someResult(), late2, skipped], { assessments: [current, lost] }),
    exitCode: 3,
    exitReasons: ["failed:1", "not-started:1"],
    reason: "CHG-4711",
  },
  plan: restartReport([someResult({ outcome: "skipped" })], {
    assessments: [late],
    dryRun: "client",
  }),
};

test.each(Object.entries(DOCUMENTS))("%s as Markdown and as JUnit", async (name, document) => {
  await expect(renderMarkdown(document)).toMatchFileSnapshot(`golden/${name}.md`);
  await expect([...renderJunit(document)].join("")).toMatchFileSnapshot(`golden/${name}.junit.xml`);
});

test("a check without findings is a JUnit suite without failures", () => {
  const xml = [...renderJunit(checkReport({ assessments: [current] }))].join("");
  expect(xml).toContain("shop/deploy/api");
  expect(xml).not.toMatch(/<(failure|error)/);
});

test("a test case in JUnit says for how long a workload has been outdated", () => {
  const old = aged(late, { atLeast: 8 * 86_400, atMost: undefined });
  const xml = [...renderJunit(checkReport({ assessments: [old], exitCode: 2 }))].join("");
  expect(xml).toContain('<failure message="outdated for at least 8d: 3 pods would get ');
});

test("a test case in JUnit is skipped if --max-age keeps it from the exit code", () => {
  const young = aged(late, { atLeast: 8 * 86_400, atMost: undefined });
  const report = checkReport({ assessments: [young], maxAge: 36 * 3600 * 20 });
  const xml = [...renderJunit(report)].join("");
  expect(xml).toContain("<skipped/>");
  expect(xml).toContain("outdated for at least 8d, within 30 days: 3 pods would get ");
  expect(xml).not.toMatch(/<(failure|error)/);
});

test("a ticket shows the scope and the notes of a restart", () => {
  const scope: ScopeEntry = {
    namespaces: ["shop", "pay"],
    namespaceSelector: null,
    workloads: [],
    selector: "tier=front",
    revision: null,
    exclude: ["--exclude sts"],
    include: ["missing"],
  };
  const text = renderMarkdown({ ...restartReport([]), scope, notes: ["a | note"] });
  expect(text).toMatch(
    /\| Scope +\| `shop`, `pay`; `--selector tier=front`; `--exclude sts`; `--include missing` +\|/,
  );
  expect(text).toContain("## Notes\n");
  expect(text).toContain("a \\| note");
});

describe("Markdown", () => {
  const rows = (text: string, title: string) =>
    (text.split(`## ${title}`)[1] ?? "").split("\n## ")[0]?.match(/^\|.*/gm) ?? [];

  test("has the targets and the warnings of check, verify and restart", () => {
    const pods = [sidecars(3, proxyImage("v1.27.9-6"), { ready: 1 })];
    const web = assessmentOf(deployment("web", { pods }));
    const warned = { ...web, warnings: [{ code: "flux", message: "it *is* down" }] };
    const options = { assessments: [warned] };
    const reports = [checkReport(options), verifyReport(options), restartReport([], options)];
    for (const text of reports.map(renderMarkdown)) {
      expect(rows(text, "Targets")[0]).toMatch(/^\| Revision \| Image +\| Ready \|$/);
      expect(rows(text, "Warnings")[2]).toMatch(/^\| it \\\*is\\\* down \| shop\/deploy\/web \|$/);
    }
    const unready = reports.map((report) => rows(renderMarkdown(report), "Not ready: 1 workload"));
    expect(unready.map(([, , row]) => row)).toEqual([
      undefined,
      "| shop      | deploy/web | 1/3   |",
      undefined,
    ]);
  });

  test("formats the command in a note as code, and the sentence around it as text", () => {
    const notes = ["2 revisions are installed; before you remove one: istio-upgrade revisions"];
    expect(renderMarkdown({ ...checkReport(), notes })).toContain(
      "| 2 revisions are installed; before you remove one: `istio-upgrade revisions` |",
    );
  });

  test("omits a column without any text", () => {
    const scaled = assessmentOf(deployment("web", { pods: [bare(1)] }));
    const finding = { code: "no-sidecar", reason: "why", nextStep: "" };
    const head = (nextStep: string) => {
      const one = { ...scaled, finding: { ...finding, nextStep } };
      const text = renderMarkdown(checkReport({ assessments: [one] }));
      return rows(text, "Needs you: 1 workload")[0]?.replace(/ +/g, " ");
    };
    expect(head("")).toBe("| What | Workloads | Why |");
    expect(head("wait")).toBe("| What | Workloads | Why | Next step |");
  });

  test("shows the consents of a restart", () => {
    const text = renderMarkdown({
      ...restartReport([]),
      allowDowntime: true,
      allowRevisions: ["asm-1-28"],
    });
    expect(text).toMatch(
      /\| Scope +\| all namespaces; `--allow-downtime`; `--allow-revision asm-1-28` +\|/,
    );
  });
});
