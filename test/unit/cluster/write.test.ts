import { expect, test } from "vitest";
import { chooseRestartTime } from "../../../src/cluster/write.ts";

const NOW = new Date("2026-11-22T20:35:08.700Z");

test.each<[what: string, last: string | undefined, time: string]>([
  ["for the first time", undefined, "2026-11-22T20:35:08Z"],
  ["again", "2026-11-22T20:35:07Z", "2026-11-22T20:35:08Z"],
  ["by somebody whose clock is ahead", "2026-11-22T23:35:08Z", "2026-11-22T20:35:08Z"],
  [
    "in the second that is written there: it would change nothing",
    "2026-11-22T20:35:08Z",
    "2026-11-22T20:35:09Z",
  ],
])("what is restarted %s gets a time of its own", (_what, last, time) => {
  expect(chooseRestartTime(NOW, last)).toBe(time);
});
