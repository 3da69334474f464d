import { describe, expect, test } from "vitest";
import type { ClusterDocument, Fleet } from "../../../src/report/document.ts";
import { renderHtml } from "../../../src/report/html/document-page.ts";
import { renderJunit } from "../../../src/report/junit.ts";
import { renderMarkdown } from "../../../src/report/markdown.ts";
import { renderText } from "../../../src/report/text.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { clusterError, fleetOf, inContext } from "../../support/build/fleet.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { checkReport, PLAIN, PLAIN_80, verifyReport } from "../../support/build/report.ts";
import { deployment, statefulSet } from "../../support/build/workload.ts";

const LATE = proxyImage("v1.27.7-1");
const late = (name: string) => assessmentOf(deployment(name, { pods: [sidecars(3, LATE)] }));
const current = assessmentOf(deployment("api", { pods: [sidecars(2, proxyImage("v1.27.9-6"))] }));
const lost = assessmentOf(statefulSet("ledger", { namespace: "pay", pods: [sidecars(3, LATE)] }), {
  labels: { rev: "asm-1-26" },
});

const outdated = inContext("prod-1", {
  ...checkReport({
    assessments: [late("web"), current, lost],
    nextStep: "istio-upgrade restart --context prod-1 --namespace shop",
    exitCode: 2,
  }),
  exitReasons: ["outdated:1", "would-lose:1"],
});
const clean = inContext("prod-2", checkReport({ assessments: [current] }));
const unread = inContext(
  "prod-3",
  checkReport({
    assessments: [current],
    gaps: [
      {
        verb: "list",
        resource: "pods",
        namespace: "vault",
        reason: "forbidden",
        message: 'User "jane" cannot list resource "pods"',
        hint: "kubectl auth can-i list pods -n vault",
      },
    ],
    exitCode: 6,
  }),
);

const textOf = (fleet: Fleet, style = PLAIN_80, wide = false) =>
  [...renderText(fleet, style, wide)].join("");

test("groups are added up over all clusters", () => {
  const grouping = { groupBy: { kind: "namespace" }, labelColumns: [] } as const;
  const one = inContext("prod-1", checkReport({ assessments: [late("web"), lost], grouping }));
  const two = inContext("prod-2", checkReport({ assessments: [late("web"), current], grouping }));
  const text = textOf(fleetOf([one, two, clusterError("prod-3")]));
  expect(text.slice(text.indexOf("BY NAMESPACE"), text.indexOf("OUTDATED:")))
    .toMatchInlineSnapshot(`
    "BY NAMESPACE: 4 workloads, 11 pods, incomplete: see NOT READ
    NAMESPACE   OUTDATED   LOSE   CURRENT
    pay         0          1      0
    shop        2          0      1

    "
  `);
  const whole = textOf(fleetOf([one, two]));
  expect(whole).toContain("\nBY NAMESPACE: 4 workloads, 11 pods\n");
  expect(textOf(fleetOf([clean]))).not.toContain("BY ");
});

test("a row for each cluster is followed by what a person has to know", () => {
  const fleet = fleetOf([outdated, clean, unread, clusterError("prod-4")], { notes: ["a note"] });
  expect(textOf(fleet)).toMatchInlineSnapshot(`
    "CLUSTERS: 4, 1 not read (check)
    CLUSTER   RESULT        WORKLOADS   CURRENT   OUTDATED   LOSE   GAPS
    prod-1    outdated      3           1         1          1      0
    prod-2    ok            1           1         0          0      0
    prod-3    incomplete    1           1         0          0      1
    prod-4    unreachable   -           -         -          -      -

    NOT READ: 1 cluster, so this report is incomplete
    prod-4: unreachable
        could not read from the API server of the context "prod-4"
        -> check whether kubectl can: kubectl --context prod-4 get --raw /readyz

    NOT READ: 1 gap, so this report is incomplete
    prod-3: list pods in vault: forbidden
        User "jane" cannot list resource "pods"
        -> kubectl auth can-i list pods -n vault

    OUTDATED: 1 workload
    CLUSTER   NAMESPACE   WORKLOAD     FROM        TO          PODS   CHANGE
    prod-1    shop        deploy/web   v1.27.7-1   v1.27.9-6   3      patch

    NEEDS YOU: 1 workload
    prod-1 (1)
      Would lose its sidecar: namespace pay has istio.io/rev=asm-1-26, which names
      no installed revision or tag
        pay/sts/ledger
        -> kubectl label namespace pay istio.io/rev=asm-1-27 --overwrite && istio-upgrade restart --namespace pay --allow-revision asm-1-27

    NOTE
        a note

    4 clusters, 5 workloads, 12 pods: 1 would-lose, 1 outdated, 3 current.

    NEXT
      istio-upgrade restart --context prod-1 --namespace shop
    "
  `);
});

test("without findings, the table and the totals remain", () => {
  expect(textOf(fleetOf([clean, inContext("prod-9", clean)]))).toMatchInlineSnapshot(`
    "CLUSTERS: 2 (check)
    CLUSTER   RESULT   WORKLOADS   CURRENT   OUTDATED
    prod-2    ok       1           1         0
    prod-9    ok       1           1         0

    2 clusters, 2 workloads, 4 pods: 2 current.
    "
  `);
});

test("without headers, each cluster is one row of as many columns", () => {
  const text = textOf(fleetOf([outdated, clean, clusterError("prod-4")]), {
    ...PLAIN,
    headers: false,
  });
  expect(text).toMatchInlineSnapshot(`
    "prod-1   outdated      3   1   1   0   1   0   0   0   0   -
    prod-2   ok            1   1   0   0   0   0   0   0   0   -
    prod-4   unreachable   -   -   -   -   -   -   -   -   -   -
    "
  `);
  const widths = text
    .trimEnd()
    .split("\n")
    .map((row) => row.split(/ +/).length);
  expect(new Set(widths).size).toBe(1);
});

test("without headers, -o wide has a row for each workload, after its cluster", () => {
  const fleet = fleetOf([outdated, clean, clusterError("prod-4")]);
  expect(textOf(fleet, { ...PLAIN, headers: false }, true)).toMatchInlineSnapshot(`
    "prod-1   shop   deploy/web   outdated     asm-1-27   mcr.microsoft.com/oss/v2/istio/proxyv2:v1.27.7-1   3/3
    prod-1   shop   deploy/api   current      asm-1-27   mcr.microsoft.com/oss/v2/istio/proxyv2:v1.27.9-6   2/2
    prod-1   pay    sts/ledger   would-lose   asm-1-27   mcr.microsoft.com/oss/v2/istio/proxyv2:v1.27.7-1   3/3
    prod-2   shop   deploy/api   current   asm-1-27   mcr.microsoft.com/oss/v2/istio/proxyv2:v1.27.9-6   2/2
    prod-4   unreachable
    "
  `);
});

test("more than 20 outdated workloads are only counted, except by -o wide", () => {
  const many = Array.from({ length: 21 }, (_, index) => late(`web-${index}`));
  const fleet = fleetOf([inContext("prod-1", checkReport({ assessments: many, exitCode: 2 }))]);
  expect(textOf(fleet)).toContain("OUTDATED: 21 workloads\nto see each of them: -o wide");
  expect(textOf(fleet)).not.toContain("web-20");
  expect(textOf(fleet, PLAIN, true)).toContain("web-20");
});

test("verify names the workloads that are not ready", () => {
  const unready = assessmentOf(
    deployment("web", { pods: [sidecars(3, proxyImage("v1.27.9-6"), { ready: 1 })] }),
  );
  const report = inContext("prod-1", verifyReport({ assessments: [unready], exitCode: 4 }));
  const text = textOf(fleetOf([report], { command: "verify" }));
  expect(text).toMatch(/^prod-1 +not ready +/m);
  expect(text).toMatch(/^prod-1 +shop +deploy\/web +1\/3$/m);
});

describe("the other formats", () => {
  const documents: readonly ClusterDocument[] = [outdated, clean, clusterError("prod-4")];

  test("Markdown has the clusters as a table, and their reports below headings", () => {
    const text = renderMarkdown(fleetOf(documents));
    expect(text.match(/^#+ .*$/gm)).toEqual([
      "# Istio of 3 clusters: check",
      "## Clusters",
      "## Istio sidecars of prod-1",
      "### Targets",
      "### Outdated: 1 workload",
      "### Needs you: 1 workload",
      "## Istio sidecars of prod-2",
      "### Targets",
      "## prod-4: not read",
    ]);
    expect(text).toMatch(/^\| prod-4 +\| unreachable +\|/m);
  });

  test("JUnit has suites for each cluster, and an error for one without a report", () => {
    const xml = [...renderJunit(fleetOf(documents))].join("");
    expect([...xml.matchAll(/<testsuite name="([^"]*)"/g)].map(([, name]) => name)).toEqual([
      "prod-1: sidecars",
      "prod-2: sidecars",
      "prod-4: reading",
    ]);
    expect(xml).toContain('<testsuites tests="5" failures="2" errors="1" skipped="0">');
  });
});

test("a page has every cluster, with a next step for one without a report", () => {
  const page = [...renderHtml(fleetOf([outdated, clean, clusterError("prod-4")]))].join("");
  expect(page).toContain("<h1>Istio sidecars of 3 clusters</h1>");
  for (const name of ["prod-1", "prod-2", "prod-4"]) expect(page).toContain(name);
  expect(page).toContain("kubectl --context prod-4 get --raw /readyz");
});

test("a page about revisions has a row for each cluster", () => {
  const fleet = fleetOf([clusterError("prod-4"), clusterError("prod-5")], { command: "revisions" });
  const page = [...renderHtml(fleet)].join("");
  expect(page).toContain("<h1>Istio revisions of 2 clusters</h1>");
  expect(page).toContain("2 of 2 clusters could not be read as a whole");
  expect(page).toMatch(/<th scope="row"[^>]*>\s*prod-5/);
});
