import { expect, test } from "vitest";
import type { TargetEntry } from "../../../src/report/document.ts";
import { renderReport } from "../../../src/report/report-text.ts";
import { revisionNote } from "../../../src/report/revision-note.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { formatStep } from "../../support/build/next-step.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { checkReport, PLAIN_80 } from "../../support/build/report.ts";
import { AKS_GATEWAY, deployment } from "../../support/build/workload.ts";

const IMAGE = proxyImage("v1.27.9-6");
const [TARGET] = checkReport().targets;

function target(revision: string): TargetEntry {
  if (TARGET === undefined) throw new Error("the report has no target");
  return { ...TARGET, revision };
}

const REPORT = checkReport({
  assessments: [
    assessmentOf(deployment("a", { pods: [sidecars(2, IMAGE)] })),
    assessmentOf(
      deployment("b", {
        pods: [sidecars(4, IMAGE), sidecars(1, IMAGE, { revision: "asm-1-100" })],
      }),
    ),
    assessmentOf(deployment("gw", { ...AKS_GATEWAY, pods: [sidecars(9, IMAGE)] })),
  ],
});

function noteFor(...revisions: readonly string[]): string {
  return formatStep(revisionNote({ ...REPORT, targets: revisions.map(target) }) ?? "");
}

test("one revision needs no note", () => {
  expect(noteFor("asm-1-27")).toBe("");
});

test("two revisions: the uses of each in scope, and the commands to run before one is removed", () => {
  expect(noteFor("asm-1-100", "asm-1-27")).toBe(
    "2 revisions are installed: in scope, asm-1-27 has 6 pods (2 workloads), asm-1-100 has 1 pod (1 workload); before you complete the upgrade: istio-upgrade revisions asm-1-27; before you roll it back: istio-upgrade revisions asm-1-100",
  );
  expect(noteFor("asm-1-27", "asm-1-28")).toContain(", asm-1-28 has no pods; ");
});

test("more than two revisions: the command that shows all of them", () => {
  expect(noteFor("asm-1-26", "asm-1-27", "asm-1-28")).toContain(
    "; before you remove one: istio-upgrade revisions",
  );
});

test("the commands of a note stand alone, so that they can be pasted", () => {
  const report = { ...REPORT, notes: [noteFor("asm-1-27", "asm-1-100")] };
  expect([...renderReport(report, PLAIN_80, false)].join("")).toContain(`NOTE
    2 revisions are installed: in scope, asm-1-27 has 6 pods (2 workloads),
    asm-1-100 has 1 pod (1 workload)
    before you complete the upgrade:
    -> istio-upgrade revisions asm-1-27
    before you roll it back:
    -> istio-upgrade revisions asm-1-100
`);
});
