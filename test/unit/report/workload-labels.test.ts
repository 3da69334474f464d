import { describe, expect, test } from "vitest";
import { groupingSettings } from "../../../src/grouping.ts";
import {
  createLabelling,
  createStepLabelling,
  labelNotes,
} from "../../../src/report/workload-labels.ts";
import type { Namespace, Workload } from "../../../src/snapshot.ts";
import { namespace } from "../../support/build/namespace.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { deployment, otherWorkload } from "../../support/build/workload.ts";

const IMAGE = proxyImage("v1.27.7-1");
const PLACES: ReadonlyMap<string, Namespace> = new Map(
  [
    namespace("shop", {
      labels: { team: "storefront" },
      annotations: { owner: "jane@example.com" },
    }),
    namespace("pay"),
  ].map((place) => [place.name, place]),
);

const WEB = deployment("web", { labels: { team: "web", tier: "front" } });
const PLAIN = deployment("api");
const JOB: Workload = {
  ...otherWorkload("Job", "import", { template: { labels: { tier: "batch" } } }),
  apiVersion: "batch/v1",
};
const ELSEWHERE = deployment("db", { namespace: "pay" });

function groupOf(groupBy: string, workload: Workload): string | null | undefined {
  return createLabelling(groupingSettings({ groupBy }), PLACES)(workload).group;
}

function labelsOf(keys: readonly string[], workload: Workload) {
  return createLabelling(groupingSettings({ labelColumns: keys }), PLACES)(workload).labels;
}

describe("a workload is counted by", () => {
  test.each<[groupBy: string, workload: Workload, group: string | null]>([
    ["namespace", WEB, "shop"],
    ["kind", WEB, "Deployment"],
    ["label=team", WEB, "web"],
    ["label=team", PLAIN, null],
    ["label=tier", JOB, "batch"],
    ["label=constructor", WEB, null],
    ["namespace-label=team", WEB, "storefront"],
    ["namespace-label=team", ELSEWHERE, null],
    ["namespace-label=toString", WEB, null],
    ["namespace-annotation=owner", PLAIN, "jane@example.com"],
    ["namespace-annotation=owner", ELSEWHERE, null],
  ])("%s", (groupBy, workload, group) => {
    expect(groupOf(groupBy, workload)).toBe(group);
  });

  test("the revisions of its pods, each workload once", () => {
    const on = (...revisions: readonly string[]) =>
      deployment("web", { pods: revisions.map((revision) => sidecars(1, IMAGE, { revision })) });
    expect(groupOf("revision", on("asm-1-27"))).toBe("asm-1-27");
    expect(groupOf("revision", on("asm-1-28", "asm-1-27"))).toBe("asm-1-27,asm-1-28");
    expect(groupOf("revision", deployment("web", { pods: [bare(2)] }))).toBeNull();
  });

  test("a namespace that could not be read, as no group", () => {
    const unread = deployment("web", { namespace: "vault" });
    expect(groupOf("namespace-label=team", unread)).toBeNull();
    expect(groupOf("namespace", unread)).toBe("vault");
  });
});

test("a column has the label of the workload, or of its namespace, or the annotation", () => {
  const keys = ["tier", "team", "owner", "none", "constructor"];
  expect(labelsOf(keys, WEB)).toEqual({ tier: "front", team: "web", owner: "jane@example.com" });
  expect(labelsOf(keys, PLAIN)).toEqual({ team: "storefront", owner: "jane@example.com" });
  expect(labelsOf(keys, ELSEWHERE)).toEqual({});
});

test("without flags, nothing is added", () => {
  const grouping = groupingSettings({});
  expect(createLabelling(grouping, PLACES)(WEB)).toEqual({});
  const read = { workloads: [WEB], namespaces: PLACES };
  expect(createStepLabelling(grouping, read)(WEB)).toEqual({});
});

test("a step has the labels from before the run, even if its workload is gone", () => {
  const grouping = groupingSettings({ groupBy: "namespace-label=team", labelColumns: ["tier"] });
  const labelling = createStepLabelling(grouping, { workloads: [WEB], namespaces: PLACES });
  expect(labelling(WEB)).toEqual({ labels: { tier: "front" }, group: "storefront" });
  expect(labelling(ELSEWHERE)).toEqual({ labels: {}, group: null });
});

describe("a note names a key that is probably misspelled:", () => {
  test.each<[flags: Readonly<Record<string, unknown>>, notes: readonly string[]]>([
    [{ labelColumns: ["team"] }, []],
    [
      { labelColumns: ["taem"] },
      ["no workload in scope has the label taem, nor has its namespace"],
    ],
    [{ groupBy: "label=tier" }, []],
    [{ groupBy: "label=stage" }, ["no workload in scope has the label stage"]],
    [
      { groupBy: "label=owner" },
      ["no workload in scope has the label owner: use --group-by namespace-annotation=owner"],
    ],
    [
      { groupBy: "namespace-label=owner" },
      ["no namespace in scope has the label owner: use --group-by namespace-annotation=owner"],
    ],
    [
      { groupBy: "namespace-annotation=team" },
      ["no namespace in scope has the annotation team: use --group-by namespace-label=team"],
    ],
    [{ groupBy: "revision" }, []],
  ])("%j", (flags, notes) => {
    const grouping = groupingSettings(flags);
    const entries = [WEB, PLAIN].map(createLabelling(grouping, PLACES));
    expect(labelNotes(grouping, entries, PLACES)).toEqual(notes);
    expect(labelNotes(grouping, [], PLACES)).toEqual([]);
  });
});
