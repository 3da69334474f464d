import pLimit from "p-limit";
import { expect, test } from "vitest";
import { awaitRestart } from "../../../../src/commands/restart/wait.ts";
import type { RestartSession } from "../../../../src/commands/restart/restart-session.ts";
import { ApiError } from "../../../../src/http/api-error.ts";
import type { ProgressEvent } from "../../../../src/report/progress-event.ts";
import { someStep } from "../../../support/build/step.ts";
import { virtualIo } from "../../../support/build/virtual-clock.ts";
import { type WebState, webApi } from "../../../support/build/web-api.ts";

const RESTARTED_AT = "2026-11-22T19:59:00Z";
const TIMEOUT = 60_000;
const INTERVAL = 1000;
const SILENT = new ApiError("no answer", { status: 503, reason: "" });

const pods = (available: number): WebState => ({
  updated: 3,
  available,
  restartedAt: RESTARTED_AT,
});

interface Case {
  readonly rule: string;
  /** The state of `web` after a number of seconds. */
  readonly state: (second: number) => WebState | ApiError;
  readonly abortAt?: number;
  readonly outcome: string;
  /** The second in which the wait ends. */
  readonly end: number;
  /** The reports of the wait after the first. */
  readonly reports: readonly string[];
}

const READY = (count: number) => `${count} of 3 new pods are available`;

test.each<Case>([
  {
    rule: "ends as soon as all pods are ready",
    state: (second) => pods(Math.min(3, 1 + Math.floor(second / 10))),
    outcome: "waited rolled-out",
    end: 20,
    reports: [READY(1), READY(2)],
  },
  {
    rule: "ends without progress for the timeout",
    state: (second) => pods(second < 30 ? 1 : 2),
    outcome: "timed-out no-progress",
    end: 90,
    reports: [READY(1), READY(2)],
  },
  {
    rule: "takes pods that become ready and unready again for no progress",
    state: (second) => pods(second % 2),
    outcome: "timed-out no-progress",
    end: 61,
    reports: [READY(0), READY(1), READY(0)],
  },
  {
    rule: "continues while the server does not answer",
    state: (second) => (second > 0 && second < 50 ? SILENT : pods(second < 50 ? 1 : 3)),
    outcome: "waited rolled-out",
    end: 50,
    reports: [READY(1)],
  },
  {
    rule: "ends after the timeout if the server never answers",
    state: () => SILENT,
    outcome: "timed-out no-progress",
    end: 60,
    reports: [],
  },
  {
    rule: "ends at once after an abort",
    state: () => pods(1),
    abortAt: 5,
    outcome: "still-rolling interrupted",
    end: 5,
    reports: [READY(1)],
  },
])("a wait $rule", async ({ state, abortAt, outcome, end, reports }) => {
  const io = virtualIo();
  const events: ProgressEvent[] = [];
  const session = {
    api: webApi(() => state(Math.floor(io.elapsed() / 1000))),
    io,
    progress: { emit: (event: ProgressEvent) => events.push(event) },
    settings: { timeout: TIMEOUT, schedulingTimeout: 30_000 },
  } as unknown as RestartSession;
  const abort = new AbortController();
  if (abortAt !== undefined) void io.sleep(abortAt * 1000).then(() => abort.abort());
  const wait = { ...someStep(), restartedAt: RESTARTED_AT };
  const turns = { limit: pLimit(1), interval: INTERVAL };
  const result = await awaitRestart(session, wait, abort.signal, turns);
  expect(`${result.outcome} ${result.code}`).toBe(outcome);
  expect(io.elapsed() / 1000).toBe(end);
  const messages = events.map((event) => event.type === "waiting" && event.message);
  expect(messages.slice(1)).toEqual(reports);
});
