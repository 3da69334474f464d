import { expect, test } from "vitest";
import { quotaWarning } from "../../../src/mesh/quota.ts";

const NEEDS = { pods: 1, "requests.cpu": 0.2, "requests.memory": 256 };

test.each<[what: string, surge: number, room: Record<string, number>, exhausted?: string]>([
  ["enough room", 2, { pods: 2 }],
  ["room for one pod less", 2, { pods: 1 }, "(pods) for the 2 pods"],
  ["no room", 1, { pods: 0 }, "(pods) for the pod"],
  ["too little CPU", 3, { pods: 9, "requests.cpu": 0.5 }, "(requests.cpu) for the 3 pods"],
  ["too little memory", 1, { "requests.memory": 255 }, "(requests.memory) for the pod"],
  ["no room for a resource that pods do not use", 5, { "count/secrets": 0 }],
  ["no surge", 0, { pods: 0 }],
])("the warning given %s", (_what, surge, room, exhausted) => {
  const message =
    exhausted && `the quota small has no room ${exhausted} that a restart adds temporarily`;
  expect(quotaWarning(surge, NEEDS, [{ name: "small", room }])).toEqual(
    message && { code: "quota", message },
  );
});

test("the warning names the first quota that is too small", () => {
  const quotas = [
    { name: "wide", room: { pods: 10 } },
    { name: "small", room: { pods: 0 } },
  ];
  expect(quotaWarning(1, NEEDS, quotas)?.message).toContain("the quota small");
});
