import { expect, test } from "vitest";
import type { AnyDocument, ScopeEntry } from "../../../src/report/document.ts";
import { renderJunit } from "../../../src/report/junit.ts";
import { renderMarkdown } from "../../../src/report/markdown.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { checkReport, restartReport } from "../../support/build/report.ts";
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

test("a ticket shows the scope and the notes of a restart", () => {
  const scope: ScopeEntry = {
    namespaces: ["shop", "pay"],
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
