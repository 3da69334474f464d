import { expect, test } from "vitest";
import { quotaWarning } from "../../../src/mesh/quota.ts";

const NEEDS = { pods: 1, "requests.cpu": 0.2, "requests.memory": 256 };

test.each<[what: string, surge: number, room: Record<string, number>, short?: string]>([
  ["pods fit", 2, { pods: 2 }],
  ["one pod too many", 2, { pods: 1 }, "(pods) for the 2 pods"],
  ["no room at all", 1, { pods: 0 }, "(pods) for the pod"],
  ["cpu runs out", 3, { pods: 9, "requests.cpu": 0.5 }, "(requests.cpu) for the 3 pods"],
  ["memory runs out", 1, { "requests.memory": 255 }, "(requests.memory) for the pod"],
  ["what pods do not take does not matter", 5, { "count/secrets": 0 }],
  ["nothing is added", 0, { pods: 0 }],
])("%s", (_what, surge, room, short) => {
  const message = short && `the quota small has no room ${short} that a restart adds for a while`;
  expect(quotaWarning(surge, NEEDS, [{ name: "small", room }])).toEqual(
    message && { code: "quota", message },
  );
});

test("the first quota that is too small is named", () => {
  const quotas = [
    { name: "wide", room: { pods: 10 } },
    { name: "small", room: { pods: 0 } },
  ];
  expect(quotaWarning(1, NEEDS, quotas)?.message).toContain("the quota small");
});
