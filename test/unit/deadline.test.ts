import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { formatLocal, readDeadline, resolveDeadline } from "../../src/deadline.ts";

const zone = process.env["TZ"];
beforeEach(() => {
  process.env["TZ"] = "Europe/Berlin";
});
afterEach(() => {
  if (zone === undefined) delete process.env["TZ"];
  else process.env["TZ"] = zone;
});

test.each([
  ["2h", { after: 7_200_000 }],
  ["90s", { after: 90_000 }],
  ["06:00", { hours: 6, minutes: 0 }],
  ["6:00", { hours: 6, minutes: 0 }],
  ["23:59", { hours: 23, minutes: 59 }],
])("%s is a deadline", (text, deadline) => {
  expect(readDeadline(text)).toEqual(deadline);
});

test.each(["", "0", "0s", "6", "24:00", "12:60", "6pm", "06:00:00", "-1h", "tomorrow"])(
  "%j is none",
  (text) => {
    expect(readDeadline(text)).toBeUndefined();
  },
);

describe("a deadline resolves to the next such moment in local time", () => {
  // 22:10 in Berlin, in winter.
  const now = new Date("2026-11-24T21:10:00Z");

  test.each([
    [{ hours: 23, minutes: 0 }, "2026-11-24T22:00:00.000Z"],
    [{ hours: 6, minutes: 0 }, "2026-11-25T05:00:00.000Z"],
    [{ hours: 22, minutes: 10 }, "2026-11-25T21:10:00.000Z"],
    [{ after: 7_200_000 }, "2026-11-24T23:10:00.000Z"],
  ])("%j", (deadline, at) => {
    expect(resolveDeadline(deadline, now).toISOString()).toBe(at);
  });

  test("a time of day stays the same across a change of the clocks", () => {
    const evening = new Date("2026-10-24T20:00:00Z");
    expect(resolveDeadline({ hours: 6, minutes: 0 }, evening).toISOString()).toBe(
      "2026-10-25T05:00:00.000Z",
    );
  });
});

test("a local time is formatted with its zone", () => {
  expect(formatLocal(new Date("2026-11-25T05:00:00Z"))).toMatch(/^2026-11-25 06:00 (CET|GMT\+1)$/);
});
