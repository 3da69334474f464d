import { readDuration } from "./duration.ts";

/** The value of `--deadline`: no restart begins after it. */
export type Deadline =
  /** Milliseconds from the start of the run. */
  | { readonly after: number }
  /** A time of day, in the local time zone. */
  | { readonly hours: number; readonly minutes: number };

const CLOCK = /^([01]?\d|2[0-3]):([0-5]\d)$/;

/** Reads `2h` or `06:00`. Returns `undefined` for any other text. */
export function readDeadline(text: string): Deadline | undefined {
  const [, hours, minutes] = CLOCK.exec(text) ?? [];
  if (hours !== undefined) return { hours: Number(hours), minutes: Number(minutes) };
  const after = readDuration(text);
  return after === undefined || after === 0 ? undefined : { after };
}

/** Returns the moment of a deadline. A time of day that has passed today means tomorrow. */
export function resolveDeadline(deadline: Deadline, now: Date): Date {
  if ("after" in deadline) return new Date(now.getTime() + deadline.after);
  const at = new Date(now);
  at.setHours(deadline.hours, deadline.minutes, 0, 0);
  if (at.getTime() <= now.getTime()) at.setDate(at.getDate() + 1);
  return at;
}

/** Formats local time with its zone: `2026-11-24 06:00 CET`. */
export function formatLocal(time: Date): string {
  const parts = new Intl.DateTimeFormat("en-GB", {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    timeZoneName: "short",
  }).formatToParts(time);
  const part = (type: string) => parts.find((each) => each.type === type)?.value ?? "";
  return `${part("year")}-${part("month")}-${part("day")} ${part("hour")}:${part("minute")} ${part("timeZoneName")}`;
}
