import { expect, test } from "vitest";
import type { ExitCode } from "../../../src/exit-codes.ts";
import type { ClusterDocument } from "../../../src/report/document.ts";
import { jsonLinePieces, jsonPieces, toJson } from "../../../src/report/json.ts";
import { aged, assessmentOf } from "../../support/build/assessment.ts";
import { clusterError, fleetOf, inContext } from "../../support/build/fleet.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { checkReport } from "../../support/build/report.ts";
import { deployment } from "../../support/build/workload.ts";

const report = (exitCode: ExitCode, exitReasons: readonly string[] = []): ClusterDocument => ({
  ...checkReport({ exitCode }),
  exitReasons,
});
const lost = clusterError("lost");
const denied = clusterError("denied", "unauthorized");
const misused = clusterError("misused", "usage", 64);
const interrupted = clusterError("late", "interrupted", 130);
const ended = clusterError("late", "terminated", 143);

test.each<[name: string, documents: readonly ClusterDocument[], code: ExitCode]>([
  ["all are current", [report(0), report(0)], 0],
  ["one is outdated", [report(0), report(2)], 2],
  ["one is outdated, and another one incomplete", [report(6), report(2)], 2],
  ["one needs a person, and another one is incomplete", [report(5), report(6)], 6],
  ["one is not ready, and another one outdated", [report(4), report(2)], 4],
  ["one could not be read, and the others are current", [report(0), lost], 6],
  ["one could not be read, and another one needs a person", [report(5), lost], 6],
  ["one could not be read, and another one is outdated", [report(2), lost, denied], 2],
  ["none could be read", [lost, denied], 1],
  ["one has a problem with the arguments", [report(2), misused], 64],
  ["one was interrupted", [report(2), interrupted], 130],
  ["one was interrupted, and no other one could be read", [lost, interrupted], 130],
  ["all were terminated", [ended, ended], 143],
])("the exit code if %s", (_, documents, code) => {
  expect(fleetOf(documents).exitCode).toBe(code);
});

test("--exit-zero gives 0 if a cluster has a report", () => {
  const exitZero = true;
  expect(fleetOf([report(0, ["outdated:1"]), lost], { exitZero }).exitCode).toBe(0);
  expect(fleetOf([lost, denied], { exitZero }).exitCode).toBe(1);
  expect(fleetOf([report(0), interrupted], { exitZero }).exitCode).toBe(130);
});

test("equal reasons are added up, and clusters without a report are one", () => {
  const documents = [
    report(2, ["outdated:9", "phase:moving"]),
    report(5, ["would-lose:1", "phase:moving"]),
    report(2, ["outdated:3"]),
    lost,
    denied,
    interrupted,
  ];
  const { exitReasons, summary, complete } = fleetOf(documents);
  expect(exitReasons).toEqual([
    "outdated:12",
    "phase:moving",
    "would-lose:1",
    "unreachable:2",
    "interrupted:1",
  ]);
  expect(summary).toMatchObject({ clusters: 6, unreachable: 2, interrupted: 1 });
  expect(complete).toBe(false);
});

test("the summary adds up the clusters, and has the age of the oldest", () => {
  const late = assessmentOf(deployment("web", { pods: [sidecars(3, proxyImage("v1.27.7-1"))] }));
  const current = assessmentOf(deployment("api", { pods: [sidecars(2, proxyImage("v1.27.9-6"))] }));
  const old = (days: number) => aged(late, { atLeast: days * 86_400, atMost: undefined });
  const { summary, complete } = fleetOf([
    checkReport({ assessments: [old(3), current] }),
    checkReport({ assessments: [old(8)] }),
  ]);
  expect(summary.sidecars).toEqual({
    workloads: 3,
    pods: 8,
    byVerdict: { current: 1, outdated: 2 },
    oldest: { atLeast: "P8D", atMost: null },
  });
  expect(complete).toBe(true);
});

test("the pieces of its JSON form the text of the whole document", () => {
  const late = assessmentOf(deployment("web", { pods: [sidecars(3, proxyImage("v1.27.7-1"))] }));
  const fleet = fleetOf([
    inContext("one", checkReport({ assessments: [late], exitCode: 2 })),
    lost,
    inContext("\u001b[31m", checkReport()),
  ]);
  const whole = { ...fleet, clusters: [...fleet.clusters] };
  expect([...jsonPieces(fleet)].join("")).toBe(toJson(whole, 2));
  expect([...jsonLinePieces(fleet)].join("")).toBe(toJson(whole));
});
