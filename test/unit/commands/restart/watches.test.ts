import { expect, test } from "vitest";
import { createWatches } from "../../../../src/commands/restart/watches.ts";
import { ApiError } from "../../../../src/http/api-error.ts";
import type { Api } from "../../../../src/http/api.ts";
import { someStep } from "../../../support/build/step.ts";
import { virtualIo } from "../../../support/build/virtual-clock.ts";

const WEB = someStep().ref;
const FORBIDDEN = new ApiError("the watch was rejected: HTTP 403", { status: 403, reason: "" });
const BUSY = new ApiError("the watch was rejected: HTTP 429", { status: 429, reason: "" });

interface Case {
  readonly rule: string;
  /** The seconds after which each watch ends; the last one repeats. */
  readonly last: readonly number[];
  readonly error?: Error;
  /** The seconds in which watches are opened. */
  readonly opened: readonly number[];
}

/** Watches two workloads, one after the other, for two minutes each. */
async function play(last: readonly number[], error: Error | undefined) {
  const io = virtualIo();
  const opened: number[] = [];
  const asked: string[] = [];
  let closed = 0;
  const watch: Api["watch"] = async ({ path, fieldSelector }, _onEvent, signal) => {
    asked.push(`${path} ${fieldSelector}`);
    opened.push(io.elapsed() / 1000);
    await io.sleep((last[opened.length - 1] ?? last.at(-1) ?? 0) * 1000, signal);
    if (error !== undefined) throw error;
  };
  const watches = createWatches({ watch }, io);
  const listener = {
    onEvent: () => undefined,
    onClose: () => {
      closed += 1;
    },
  };
  for (const name of ["web", "api"]) {
    const end = new AbortController();
    watches.keepOpen({ ...WEB, name }, listener, end.signal);
    await io.sleep(120_000);
    end.abort();
  }
  await io.sleep(600_000);
  return { opened, closed, asked };
}

test.each<Case>([
  { rule: "stays open until the rollout has ended", last: [1000], opened: [0, 120] },
  {
    rule: "that the server ends after its time limit is opened again",
    last: [50],
    opened: [0, 51, 102, 120, 171, 222],
  },
  {
    rule: "that ends at once is opened again after longer and longer pauses",
    last: [0],
    opened: [0, 1, 3, 7, 15, 31, 63, 120, 121, 123, 127, 135, 151, 183],
  },
  {
    rule: "that fails for the moment is opened again after longer and longer pauses",
    last: [0],
    error: BUSY,
    opened: [0, 1, 3, 7, 15, 31, 63, 120, 121, 123, 127, 135, 151, 183],
  },
  {
    rule: "that is forbidden is requested once for all workloads of the kind and namespace",
    last: [0],
    error: FORBIDDEN,
    opened: [0],
  },
])("a watch $rule", async ({ last, error, opened }) => {
  expect((await play(last, error)).opened).toEqual(opened);
});

test("a watch is about one workload, and tells its listener if it ends before the rollout", async () => {
  const { asked, closed } = await play([50, 1000], undefined);
  const path = "/apis/apps/v1/namespaces/shop/deployments metadata.name=";
  expect(asked).toEqual([`${path}web`, `${path}web`, `${path}api`]);
  expect(closed).toBe(1);
});
