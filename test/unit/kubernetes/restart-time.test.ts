import { expect, test } from "vitest";
import { chooseRestartTime } from "../../../src/kubernetes/restart-time.ts";

const NOW = new Date("2026-11-22T20:35:08.700Z");

test.each<[what: string, last: string | undefined, time: string]>([
  ["for the first time", undefined, "2026-11-22T20:35:08Z"],
  ["again", "2026-11-22T20:35:07Z", "2026-11-22T20:35:08Z"],
  ["after one with a clock that is ahead", "2026-11-22T23:35:08Z", "2026-11-22T20:35:08Z"],
  ["in the second that is already written", "2026-11-22T20:35:08Z", "2026-11-22T20:35:09Z"],
])("a restart %s gets a new time", (_what, last, time) => {
  expect(chooseRestartTime(NOW, last)).toBe(time);
});
