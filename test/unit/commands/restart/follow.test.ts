import { expect, test } from "vitest";
import { createRolloutReader } from "../../../../src/commands/restart/rollout-reader.ts";
import { followRollout } from "../../../../src/commands/restart/follow.ts";
import type { Milestones } from "../../../../src/rollout/milestones.ts";
import type { RestartSession } from "../../../../src/commands/restart/restart-session.ts";
import { createWatches } from "../../../../src/commands/restart/watches.ts";
import { ApiError } from "../../../../src/http/api-error.ts";
import type { Api } from "../../../../src/http/api.ts";
import type { ProgressEvent } from "../../../../src/report/progress-event.ts";
import { proxyImage } from "../../../support/build/pod-group.ts";
import { someStep } from "../../../support/build/step.ts";
import { virtualIo } from "../../../support/build/virtual-clock.ts";
import { type WebState, webApi } from "../../../support/build/web-api.ts";

const RESTART = {
  target: { revision: "asm-1-27", image: proxyImage("v1.27.9-6") },
  restartedAt: "2026-11-22T20:00:00Z",
  knownRefusals: new Set<string>(),
};
const SILENT = new ApiError("no answer", { status: 503, reason: "" });
const GONE = new ApiError("not found", { status: 404, reason: "NotFound" });

const pods = (updated: number, available = 3): WebState => ({
  updated,
  available,
  restartedAt: RESTART.restartedAt,
});

interface Case {
  readonly rule: string;
  /** The state of `web` after a number of seconds. */
  readonly state: (second: number) => WebState | ApiError;
  readonly abortAt?: number;
  /** The seconds in which its watch has an event; absent if it cannot be watched. */
  readonly events?: readonly number[];
  readonly outcome: string;
  /** The second in which the rollout is no longer followed. */
  readonly end: number;
  readonly reports: readonly string[];
}

const CREATED = (count: number) => `${count} of 3 new pods have been created`;

test.each<Case>([
  {
    rule: "is followed until it is done",
    state: (second) => pods(Math.floor(second / 10)),
    outcome: "restarted rolled-out",
    end: 30,
    reports: [CREATED(0), CREATED(1), CREATED(2)],
  },
  {
    rule: "ends without progress for the timeout",
    state: (second) => pods(second < 50 ? 1 : 2),
    outcome: "timed-out no-progress",
    end: 110,
    reports: [CREATED(1), CREATED(2)],
  },
  {
    rule: "makes no progress while its pods become ready and unready again",
    state: (second) => pods(2, second % 2 === 0 ? 2 : 3),
    outcome: "timed-out no-progress",
    end: 61,
    reports: [CREATED(2), CREATED(2), CREATED(2)],
  },
  {
    rule: "is followed while the server does not answer",
    state: (second) => (second > 5 && second < 50 ? SILENT : pods(second < 50 ? 1 : 3)),
    outcome: "restarted rolled-out",
    end: 50,
    reports: [CREATED(1)],
  },
  {
    rule: "ends if its workload is deleted",
    state: (second) => (second < 10 ? pods(1) : GONE),
    outcome: "skipped gone",
    end: 10,
    reports: [CREATED(1)],
  },
  {
    rule: "ends at once after an abort",
    state: () => pods(1),
    abortAt: 5.2,
    outcome: "still-rolling interrupted",
    end: 5.2,
    reports: [CREATED(1)],
  },
  {
    rule: "that is watched is read as soon as it changes",
    state: (second) => pods(second < 31 ? 1 : 3),
    events: [0, 31.1],
    outcome: "restarted rolled-out",
    end: 31.15,
    reports: [CREATED(1)],
  },
  {
    rule: "is read even if its watch misses the change",
    state: (second) => pods(second < 31 ? 1 : 3),
    events: [0],
    outcome: "restarted rolled-out",
    end: 32,
    reports: [CREATED(1)],
  },
  {
    rule: "is read as often as without a watch if its watch has no event",
    state: (second) => pods(second < 31 ? 1 : 3),
    events: [],
    outcome: "restarted rolled-out",
    end: 31,
    reports: [CREATED(1)],
  },
  {
    rule: "that is watched ends at once after an abort",
    state: () => pods(1),
    events: [0],
    abortAt: 5.2,
    outcome: "still-rolling interrupted",
    end: 5.2,
    reports: [CREATED(1)],
  },
])("a rollout $rule", async ({ state, abortAt, events, outcome, end, reports }) => {
  const io = virtualIo();
  const progress: ProgressEvent[] = [];
  let open = 0;
  const watch: Api["watch"] = async (_request, onEvent, signal) => {
    open += 1;
    for (const second of events ?? []) void io.sleep(second * 1000).then(onEvent);
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    open -= 1;
  };
  const api = {
    ...webApi(() => state(Math.floor(io.elapsed() / 1000))),
    ...(events === undefined ? {} : { watch }),
  };
  const session = {
    api,
    io,
    watches: createWatches(api, io),
    progress: { emit: (event: ProgressEvent) => progress.push(event) },
    settings: { timeout: 60_000, schedulingTimeout: 30_000, maxParallel: 4 },
  } as unknown as RestartSession;
  const abort = new AbortController();
  if (abortAt !== undefined) void io.sleep(abortAt * 1000).then(() => abort.abort());
  const { ref } = someStep();
  const reader = createRolloutReader(session, ref, async () => new Set());
  let milestones: Milestones | undefined;
  const ending = await followRollout(session, ref, reader, RESTART, abort.signal, (seen) => {
    milestones = seen;
  });
  expect(`${ending.outcome} ${ending.code}`).toBe(outcome);
  expect(io.elapsed() / 1000).toBe(end);
  expect(progress.map((event) => event.type === "rolling" && event.message)).toEqual(reports);
  expect(open).toBe(0);
  // The milestones of an aborted rollout are known as well.
  const { firstPodAt = 0, readyAt } = milestones ?? {};
  expect(firstPodAt).toBeGreaterThan(0);
  expect(readyAt === undefined).toBe(ending.outcome !== "restarted");
});
