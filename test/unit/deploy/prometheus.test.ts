import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { renderPrometheus } from "../../../src/report/prometheus.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { checkReport } from "../../support/build/report.ts";
import { deployment } from "../../support/build/workload.ts";

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const RULES = read("deploy/prometheus/rules.yaml");
const PAGE = read("docs/metrics.md");

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string }[] }[];
}

test("both files of alert rules have the same rules", () => {
  const resource = parse(read("deploy/prometheus/prometheusrule.yaml")) as { readonly spec: Rules };
  expect(resource).toMatchObject({
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PrometheusRule",
  });
  expect(resource.spec).toEqual(parse(RULES));
});

/** The metrics and their labels, as the program prints them. */
function printedMetrics(): ReadonlyMap<string, readonly string[]> {
  const late = assessmentOf(deployment("web", { pods: [sidecars(3, proxyImage("v1.27.7-1"))] }));
  const text = [...renderPrometheus(checkReport({ assessments: [late], exitCode: 2 }))].join("");
  return new Map(
    [...text.matchAll(/^([a-z_]+)\{(.*)\} /gm)].map(([, name = "", labels = ""]) => [
      name,
      [...labels.matchAll(/(\w+)=/g)].map(([, label = ""]) => label),
    ]),
  );
}

test("the rules are about metrics that the program prints", () => {
  const used = RULES.match(/istio_upgrade_\w+/g) ?? [];
  expect(used.length).toBeGreaterThan(4);
  const known = printedMetrics();
  expect(used.filter((name) => !known.has(name))).toEqual([]);
});

test("the page has every metric with its labels, and every alert", () => {
  const rows = [...PAGE.matchAll(/^\| `(istio_\w+)` +\| (.*?) \|/gm)].map(
    ([, name = "", labels = ""]) =>
      [name, [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label)] as const,
  );
  expect(rows).toEqual([...printedMetrics()]);
  const alerts = [...PAGE.matchAll(/^\| `(Istio\w+)`/gm)].map(([, name]) => name);
  const { groups } = parse(RULES) as Rules;
  expect(alerts).toEqual(groups.flatMap(({ rules }) => rules.map(({ alert }) => alert)));
});
