import { expect, test } from "vitest";
import { workloadEntry } from "../../../src/report/entries.ts";
import { createEntryInterner } from "../../../src/report/intern-entries.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { deployment } from "../../support/build/workload.ts";
import { formatStep } from "../../support/build/next-step.ts";

const entryOf = (name: string, tag: string) =>
  workloadEntry(
    assessmentOf(deployment(name, { pods: [sidecars(3, proxyImage(tag))] })),
    formatStep,
  );
const WORKLOADS = [
  entryOf("web", "v1.27.7-1"),
  entryOf("api", "v1.27.7-1"),
  entryOf("db", "v1.27.9-6"),
];

test("an interned entry equals the original", () => {
  const share = createEntryInterner(true);
  expect(WORKLOADS.map(share)).toEqual(WORKLOADS);
});

test("targets that read alike stay different", () => {
  const [web] = WORKLOADS;
  if (web === undefined) throw new Error("there is none");
  const entries = [
    { ...web, target: { revision: "a b", image: "c" } },
    { ...web, target: { revision: "a", image: "b c" } },
    { ...web, target: { revision: "undefined", image: "undefined" } },
    { ...web, target: null },
  ];
  expect(entries.map(createEntryInterner(true))).toEqual(entries);
});

test("entries share equal values", () => {
  const [web, api] = WORKLOADS.map(createEntryInterner(true));
  expect(WORKLOADS[1]?.target).not.toBe(WORKLOADS[0]?.target);
  expect(api?.target).toBe(web?.target);
  expect([api?.warnings, web?.warnings]).toEqual([[], []]);
  expect(api?.warnings).toBe(web?.warnings);
});

test("pod names are dropped for formats that do not show them", () => {
  const namesIn = (entries: typeof WORKLOADS) =>
    entries.map(({ running }) => running.map(({ podNames }) => podNames?.length));
  expect(namesIn(WORKLOADS)).toEqual([[3], [3], [undefined]]);
  expect(namesIn(WORKLOADS.map(createEntryInterner(false)))).toEqual([
    [undefined],
    [undefined],
    [undefined],
  ]);
});
