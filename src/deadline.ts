import { readDuration } from "./duration.ts";

/** When nothing starts any more, as it was asked for. */
export type Deadline =
  /** Milliseconds from the start of the run. */
  | { readonly after: number }
  /** The next time that the clock on this machine's wall shows it. */
  | { readonly hours: number; readonly minutes: number };

const CLOCK = /^([01]?\d|2[0-3]):([0-5]\d)$/;

/** `2h`, or `06:00`; `undefined` where the text is neither. */
export function readDeadline(text: string): Deadline | undefined {
  const [, hours, minutes] = CLOCK.exec(text) ?? [];
  if (hours !== undefined) return { hours: Number(hours), minutes: Number(minutes) };
  const after = readDuration(text);
  return after === undefined || after === 0 ? undefined : { after };
}

/** The moment itself: a time of day that has passed today is tomorrow's. */
export function resolveDeadline(deadline: Deadline, now: Date): Date {
  if ("after" in deadline) return new Date(now.getTime() + deadline.after);
  const at = new Date(now);
  at.setHours(deadline.hours, deadline.minutes, 0, 0);
  if (at.getTime() <= now.getTime()) at.setDate(at.getDate() + 1);
  return at;
}

/** `2026-11-24 06:00 CET`: local time with its zone, so that nobody has to guess which. */
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
