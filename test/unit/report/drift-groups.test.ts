import { describe, expect, test } from "vitest";
import type { Drift } from "../../../src/mesh/drift.ts";
import { driftGroups } from "../../../src/report/drift-groups.ts";
import { renderMarkdown } from "../../../src/report/markdown.ts";
import { renderReport } from "../../../src/report/report-text.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { appCpu, PROXY_CPU } from "../../support/build/drift.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { checkReport, PLAIN, restartReport } from "../../support/build/report.ts";
import { someResult } from "../../support/build/step.ts";
import { deployment } from "../../support/build/workload.ts";

const [LATE, TARGET] = [proxyImage("v1.27.7-1"), proxyImage("v1.27.9-6")];
const IMAGE: Drift = {
  path: "spec.containers[istio-proxy].image",
  what: "proxy-image",
  from: LATE,
  to: TARGET,
};

function drifting(name: string, image: string, drift: readonly Drift[]) {
  return assessmentOf(deployment(name, { pods: [sidecars(2, image)] }), { answers: { drift } });
}

const REPORT = checkReport({
  assessments: [
    drifting("web", LATE, [IMAGE, PROXY_CPU, appCpu("web")]),
    drifting("api", LATE, [IMAGE, PROXY_CPU, appCpu("api")]),
    drifting("done", TARGET, []),
  ],
});

const linesOf = (pieces: Iterable<string>) => [...pieces].join("");

describe("the changes of a restart", () => {
  test("are grouped, without the image of an outdated sidecar", () => {
    expect(driftGroups(REPORT)).toEqual([
      { ...PROXY_CPU, workloads: ["shop/deploy/web", "shop/deploy/api"] },
      {
        ...appCpu("web"),
        path: "spec.containers[*].resources.requests.cpu",
        workloads: ["shop/deploy/web", "shop/deploy/api"],
      },
    ]);
  });

  test("include the image of an init container if the sidecar is on target", () => {
    const report = checkReport({ assessments: [drifting("web", TARGET, [IMAGE])] });
    expect(driftGroups(report)).toHaveLength(1);
    expect(linesOf(renderReport(report, PLAIN, false))).not.toContain("Nothing is left to do");
  });

  test("have a table", () => {
    const text = linesOf(renderReport(REPORT, PLAIN, false));
    expect(text).toContain(
      [
        "A RESTART WOULD ALSO CHANGE: 2 workloads",
        "WHAT              PATH                                                  FROM   TO     WORKLOADS",
        "proxy-resources   spec.containers[istio-proxy].resources.requests.cpu   100m   250m   2",
        "application       spec.containers[*].resources.requests.cpu             -      -      2",
      ].join("\n"),
    );
    expect(renderMarkdown(REPORT)).toContain("## A restart would also change: 2 workloads");
  });

  test("are those of the plan, and of the workloads that were restarted", () => {
    const result = someResult();
    const base = restartReport([result], { exitCode: 0 });
    const steps = base.steps.map((step) => ({ ...step, drift: [PROXY_CPU] }));
    expect(renderMarkdown({ ...base, steps })).toContain("## The restart also changed: 1 workload");
    const plan = { ...base, steps, results: [], dryRun: "client" } as const;
    expect(renderMarkdown(plan)).toContain("## A restart would also change: 1 workload");
    const failed = { ...base, steps, results: [] };
    expect(renderMarkdown(failed)).not.toContain("also changed");
  });
});
