import { expect, test } from "vitest";
import { renderMetrics, renderPrometheus } from "../../../src/report/prometheus.ts";
import { aged, assessmentOf } from "../../support/build/assessment.ts";
import { clusterError, fleetOf, inContext } from "../../support/build/fleet.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { checkReport, verifyReport } from "../../support/build/report.ts";
import { deployment, statefulSet } from "../../support/build/workload.ts";

const LATE = proxyImage("v1.27.7-1");
const late = (name: string) => assessmentOf(deployment(name, { pods: [sidecars(3, LATE)] }));
const current = assessmentOf(deployment("api", { pods: [sidecars(2, proxyImage("v1.27.9-6"))] }));
const lost = assessmentOf(statefulSet("ledger", { namespace: "pay", pods: [sidecars(3, LATE)] }), {
  labels: { rev: "asm-1-26" },
});

const textOf = (pieces: Iterable<string>) => [...pieces].join("");
/** The samples, without the lines about the metrics. */
const samplesIn = (text: string) => text.split("\n").filter((line) => /^[a-z]/.test(line));

test("a check is counted by namespace and verdict, and its pods by revision and version", () => {
  const old = aged(late("web"), { atLeast: 8 * 86_400, atMost: 31 * 86_400 });
  const report = checkReport({ assessments: [old, late("cart"), current, lost], exitCode: 2 });
  expect(textOf(renderPrometheus(report))).toMatchInlineSnapshot(`
    "# HELP istio_upgrade_workloads Workloads that have a sidecar, or should have one, by verdict.
    # TYPE istio_upgrade_workloads gauge
    istio_upgrade_workloads{cluster="prod",namespace="shop",verdict="outdated"} 2
    istio_upgrade_workloads{cluster="prod",namespace="shop",verdict="current"} 1
    istio_upgrade_workloads{cluster="prod",namespace="pay",verdict="would-lose"} 1
    # HELP istio_upgrade_restart_pending Outdated workloads that a restart fixes.
    # TYPE istio_upgrade_restart_pending gauge
    istio_upgrade_restart_pending{cluster="prod",namespace="shop"} 2
    # HELP istio_upgrade_pods Live pods with a sidecar, by the revision and the version of their sidecar.
    # TYPE istio_upgrade_pods gauge
    istio_upgrade_pods{cluster="prod",revision="asm-1-27",version="v1.27.7-1"} 9
    istio_upgrade_pods{cluster="prod",revision="asm-1-27",version="v1.27.9-6"} 2
    # HELP istio_upgrade_oldest_outdated_seconds Time for which the oldest outdated workload has been outdated, at least and at most.
    # TYPE istio_upgrade_oldest_outdated_seconds gauge
    istio_upgrade_oldest_outdated_seconds{cluster="prod",bound="at_least"} 691200
    istio_upgrade_oldest_outdated_seconds{cluster="prod",bound="at_most"} 2678400
    # HELP istio_upgrade_report_complete 1 if everything in scope was read and has a verdict, otherwise 0.
    # TYPE istio_upgrade_report_complete gauge
    istio_upgrade_report_complete{cluster="prod"} 1
    # HELP istio_upgrade_last_run_timestamp_seconds Time of the run, in seconds since 1970.
    # TYPE istio_upgrade_last_run_timestamp_seconds gauge
    istio_upgrade_last_run_timestamp_seconds{cluster="prod"} 1795377600
    "
  `);
});

test("a cluster without a report is there, and is not complete", () => {
  const fleet = fleetOf([inContext("prod-1", checkReport()), clusterError("prod-2")]);
  expect(samplesIn(textOf(renderPrometheus(fleet)))).toMatchInlineSnapshot(`
    [
      "istio_upgrade_oldest_outdated_seconds{cluster="prod-1",bound="at_least"} 0",
      "istio_upgrade_oldest_outdated_seconds{cluster="prod-1",bound="at_most"} 0",
      "istio_upgrade_report_complete{cluster="prod-1"} 1",
      "istio_upgrade_report_complete{cluster="prod-2"} 0",
      "istio_upgrade_last_run_timestamp_seconds{cluster="prod-1"} 1795377600",
      "istio_upgrade_last_run_timestamp_seconds{cluster="prod-2"} 1795377600",
    ]
  `);
});

test("an incomplete report is not complete", () => {
  const unknown = assessmentOf(deployment("cache", { rollout: { replicas: 2 } }));
  const text = textOf(renderPrometheus(verifyReport({ assessments: [unknown], exitCode: 6 })));
  expect(text).toContain('istio_upgrade_report_complete{cluster="prod"} 0\n');
});

test("an unknown age has no series, and pods without a sidecar are not counted", () => {
  const unknown = aged(late("web"), { atLeast: undefined, atMost: undefined });
  const none = assessmentOf(deployment("new", { pods: [bare(2)] }));
  const text = textOf(renderPrometheus(checkReport({ assessments: [unknown, none], exitCode: 2 })));
  expect(text).not.toContain("oldest_outdated");
  expect(text.match(/^istio_upgrade_pods.*$/gm)).toEqual([
    'istio_upgrade_pods{cluster="prod",revision="asm-1-27",version="v1.27.7-1"} 3',
  ]);
});

test("each series is there once, even if two clusters have the same name", () => {
  const same = inContext("a", checkReport({ assessments: [late("web")], exitCode: 2 }));
  const time = "2026-11-22T20:00:00Z";
  const samples = samplesIn(textOf(renderMetrics([same, same, clusterError("a")], time)));
  const names = samples.map((line) => line.replace(/ \S+$/, ""));
  expect(new Set(names).size).toBe(names.length);
  expect(samples).toContain('istio_upgrade_report_complete{cluster="a"} 0');
  expect(samples).toContain(
    'istio_upgrade_workloads{cluster="a",namespace="shop",verdict="outdated"} 2',
  );
});

test.each([
  ['a"b\\c', 'a\\"b\\\\c'],
  ["a\nb", "a\\nb"],
  ["\u001b[31m\u202e", "\\\\u001b[31m\\\\u202e"],
  ["日本", "日本"],
  ["n".repeat(600), `${"n".repeat(170)}…${"n".repeat(341)}`],
])("a label has the value %j as %s", (context, value) => {
  const text = textOf(renderMetrics([clusterError(context)], "2026-11-22T20:00:00Z"));
  expect(text).toContain(`istio_upgrade_report_complete{cluster="${value}"} 0\n`);
});

test("other reports have no metrics, which their settings say before", () => {
  expect(() => renderPrometheus({ kind: "StatusReport" } as never)).toThrow("has no metrics");
});
