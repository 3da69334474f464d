import { describe, expect, test } from "vitest";
import { type ReadPace, startReadPace } from "../../../../src/commands/restart/read-pace.ts";
import { virtualIo } from "../../../support/build/virtual-clock.ts";

const INTERVAL = 1000;

type Change = keyof ReadPace["listener"];

/** The events of one workload, by the second in which they come. */
interface Given {
  readonly changes?: readonly (readonly [second: number, change: Change])[];
  /** True if no read has an answer. */
  readonly unanswered?: true;
  /** The second in which the run is aborted. */
  readonly abortAt?: number;
  /** The milliseconds that a read takes. */
  readonly readTakes?: number;
}

interface Case extends Given {
  readonly rule: string;
  /** The seconds of the first reads. */
  readonly reads: readonly number[];
}

/** Returns the seconds of the reads until the given second. */
async function readTimes(
  { changes = [], unanswered, abortAt, readTakes = 0 }: Given,
  until: number,
): Promise<readonly number[]> {
  const io = virtualIo();
  const abort = new AbortController();
  const pace = startReadPace(io, INTERVAL, abort.signal);
  const at = (second: number, act: () => void) => void io.sleep(second * 1000).then(act);
  for (const [second, change] of changes) at(second, () => pace.listener[change]());
  if (abortAt !== undefined) at(abortAt, () => abort.abort());
  const times: number[] = [];
  while (!abort.signal.aborted) {
    await pace.untilDue(unanswered !== true);
    if (io.elapsed() > until * 1000) break;
    times.push(io.elapsed() / 1000);
    await io.sleep(readTakes);
  }
  return times;
}

describe("a workload is read", () => {
  test.each<Case>([
    { rule: "once in a poll interval without a watch", reads: [1, 2, 3, 4] },
    {
      rule: "in three poll intervals if nothing changes",
      changes: [[0.5, "onEvent"]],
      reads: [1, 4, 7],
    },
    {
      rule: "once in a poll interval if nothing changes, but reads have no answer",
      changes: [[0.5, "onEvent"]],
      unanswered: true,
      reads: [1, 2, 3],
    },
    {
      rule: "soon after a change",
      changes: [
        [0.5, "onEvent"],
        [5, "onEvent"],
      ],
      reads: [1, 4, 5.05, 8.05],
    },
    {
      rule: "once for changes that come together",
      changes: [
        [0.5, "onEvent"],
        [5, "onEvent"],
        [5.02, "onEvent"],
        [5.04, "onEvent"],
      ],
      reads: [1, 4, 5.05, 8.05],
    },
    {
      rule: "no sooner than without a watch after its restart",
      changes: [[0.01, "onEvent"]],
      reads: [1, 4],
    },
    {
      rule: "twice in a poll interval only after a pause",
      changes: [
        [0.5, "onEvent"],
        [3.5, "onEvent"],
        [3.6, "onEvent"],
        [3.7, "onEvent"],
      ],
      reads: [1, 3.55, 3.65, 4.55, 7.55],
    },
    {
      rule: "soon after its watch has ended, then once in a poll interval",
      changes: [
        [0.5, "onEvent"],
        [4.5, "onClose"],
      ],
      reads: [1, 4, 4.55, 5.55, 6.55],
    },
    {
      rule: "at once and no more after an abort",
      changes: [[0.5, "onEvent"]],
      abortAt: 4.5,
      reads: [1, 4, 4.5],
    },
    {
      rule: "again if it changes while it is read",
      changes: [
        [0.5, "onEvent"],
        [4.5, "onEvent"],
      ],
      readTakes: 400,
      reads: [1, 4.4, 4.8, 8.2],
    },
  ])("$rule", async ({ reads, ...given }) => {
    const times = await readTimes(given, 20);
    expect(given.abortAt === undefined ? times.slice(0, reads.length) : times).toEqual(reads);
  });

  test("at most once more than without a watch, however often it changes", async () => {
    const events = Array.from({ length: 1200 }, (_, index) => [index / 20, "onEvent"] as const);
    const times = await readTimes({ changes: events }, 60);
    expect(times.length).toBeGreaterThan(55);
    expect(times.length).toBeLessThanOrEqual(61);
  });
});
