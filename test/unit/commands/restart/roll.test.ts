import { describe, expect, test } from "vitest";
import type { RestartSession } from "../../../../src/commands/restart/restart-session.ts";
import { rollWorkload, type RunControl } from "../../../../src/commands/restart/roll.ts";
import { createWatches } from "../../../../src/commands/restart/watches.ts";
import { ApiError } from "../../../../src/http/api-error.ts";
import type { Api } from "../../../../src/http/api.ts";
import type { ApiRequest } from "../../../../src/http/request.ts";
import { NO_CONSENT } from "../../../../src/mesh/consent.ts";
import type { ProgressEvent } from "../../../../src/report/progress-event.ts";
import { type Answer, forbidden, respondingApi } from "../../../support/build/scripted-api.ts";
import { someStep } from "../../../support/build/step.ts";
import { type VirtualIo, virtualIo } from "../../../support/build/virtual-clock.ts";
import { type WebState, webApi } from "../../../support/build/web-api.ts";

const STEP = someStep();
const NOT_FOUND = new ApiError("not found", { status: 404, reason: "NotFound" });
const CONFLICT = new ApiError("it was changed", { status: 409, reason: "Conflict" });
const LATE_CONFLICT = new ApiError("it was changed", {
  status: 409,
  reason: "Conflict",
  afterLostAnswer: true,
});
const LATE_REJECTION = new ApiError("denied the request", {
  status: 403,
  reason: "Forbidden",
  afterLostAnswer: true,
});
const LOST = new ApiError("the connection was closed", { status: 0, reason: "" });

function control(): RunControl {
  return {
    stopReason: () => undefined,
    requestStart: () => ({ kind: "granted" }),
    abort: new AbortController().signal,
  };
}

function sessionWith(api: Api, io: VirtualIo, events: ProgressEvent[] = []): RestartSession {
  return {
    api,
    io,
    watches: createWatches(api, io),
    approved: undefined,
    prover: { when: "never" },
    progress: { emit: (event: ProgressEvent) => events.push(event) },
    settings: {
      istioNamespace: "aks-istio-system",
      consent: NO_CONSENT,
      scope: { excludes: [], workloads: [] },
      timeout: 60_000,
      schedulingTimeout: 30_000,
      maxParallel: 4,
    },
  } as unknown as RestartSession;
}

interface Case {
  readonly rule: string;
  /** The state of `web` after a number of seconds; `taken` is the restart time that it has. */
  readonly state: (second: number, taken: string | undefined) => WebState;
  /** The answer to each patch. */
  readonly patches: (second: number) => Answer;
  readonly outcome: string;
  /** The second in which the attempt ends. */
  readonly end: number;
  /** The second of the first patch, if the workload may have been restarted. */
  readonly startedAt?: number;
  readonly waits?: readonly string[];
  /** The number of patches. */
  readonly patched: number;
  /** The number of restart times in the patches; 1 unless the row says otherwise. */
  readonly times?: number;
}

const ACCEPTED = { kind: "Deployment" };
const EARLIER = "2026-11-22T19:00:00Z";
const BEFORE: WebState = { restartedAt: undefined, updated: 0, available: 3 };
/** `web` once it was restarted: a new pod every ten seconds. */
const after = (restartedAt: string | undefined, second: number): WebState => ({
  restartedAt,
  updated: Math.min(3, Math.floor(second / 10)),
  available: 3,
});
const ROLLING = (updated: number) => `already rolling: ${updated} of 3 new pods have been created`;

test.each<Case>([
  {
    rule: "is restarted and followed",
    state: (second, taken) => (taken === undefined ? BEFORE : after(taken, second)),
    patches: () => ACCEPTED,
    outcome: "restarted rolled-out",
    end: 30,
    startedAt: 0,
    patched: 1,
  },
  {
    rule: "is waited for while it rolls already, however long that takes if it makes progress",
    state: (second) => ({ ...after(EARLIER, second / 5), available: 3 }),
    patches: () => ACCEPTED,
    outcome: "waited on-target",
    end: 150,
    waits: [ROLLING(0), ROLLING(1), ROLLING(2)],
    patched: 0,
  },
  {
    rule: "is given up if a rollout that it waits for makes no progress",
    state: () => after(EARLIER, 10),
    patches: () => ACCEPTED,
    outcome: "timed-out still-waiting",
    end: 60,
    waits: [ROLLING(1)],
    patched: 0,
  },
  {
    rule: "is patched again after a conflict",
    state: (second, taken) => (taken === undefined ? BEFORE : after(taken, second)),
    patches: (second) => (second < 5 ? CONFLICT : ACCEPTED),
    outcome: "restarted rolled-out",
    end: 30,
    startedAt: 5,
    patched: 21,
    times: 6,
  },
  {
    rule: "is followed if a conflict comes from its own patch, whose answer was lost",
    state: (second, taken) => (taken === undefined ? BEFORE : after(taken, second)),
    patches: () => LATE_CONFLICT,
    outcome: "restarted rolled-out",
    end: 30.25,
    startedAt: 0,
    patched: 1,
  },
  {
    rule: "may have been restarted if a patch without an answer was rejected the second time",
    state: () => BEFORE,
    patches: () => LATE_REJECTION,
    outcome: "failed api-error",
    end: 0.25,
    startedAt: 0,
    patched: 1,
  },
  {
    rule: "is given up if it keeps changing",
    state: () => BEFORE,
    patches: () => CONFLICT,
    outcome: "timed-out still-changing",
    end: 60,
    patched: 240,
    times: 60,
  },
  {
    rule: "is followed if the answer was lost",
    state: (second, taken) => (taken === undefined ? BEFORE : after(taken, second)),
    patches: () => LOST,
    outcome: "restarted rolled-out",
    end: 30.25,
    startedAt: 0,
    patched: 1,
  },
  {
    rule: "may have been restarted if no patch was answered",
    state: () => BEFORE,
    patches: () => LOST,
    outcome: "failed api-error",
    end: 0.25,
    startedAt: 0,
    patched: 1,
  },
])(
  "a workload $rule",
  async ({ state, patches, outcome, end, startedAt, waits = [], patched, times: most = 1 }) => {
    const io = virtualIo();
    const second = () => Math.floor(io.elapsed() / 1000);
    const times: string[] = [];
    let taken: string | undefined;
    const api = webApi(
      () => state(second(), taken),
      ({ body }) => {
        const time = restartTimeIn(body);
        times.push(time);
        const answer = patches(second());
        if (answer !== CONFLICT) taken = time;
        return answer;
      },
    );
    const events: ProgressEvent[] = [];
    const result = await rollWorkload(sessionWith(api, io, events), STEP, control());
    expect(`${result.outcome} ${result.code}`).toBe(outcome);
    expect(io.elapsed() / 1000).toBe(end);
    const started = result.startedAt && result.startedAt.getTime() - io.now().getTime();
    expect(started === undefined ? undefined : started / 1000 + end).toBe(startedAt);
    expect(events.flatMap((event) => (event.type === "waiting" ? event.message : []))).toEqual(
      waits,
    );
    // A repeated patch writes the same time, unless no earlier one can have been accepted.
    expect([times.length, new Set(times).size]).toEqual([patched, Math.min(patched, most)]);
  },
);

function restartTimeIn(body: ApiRequest["body"]): string {
  const patch = body as { spec: { template: { metadata: { annotations: object } } } };
  return String(Object.values(patch.spec.template.metadata.annotations)[0]);
}

describe("the Event before a restart", () => {
  const roll = async (begin: (io: VirtualIo, abort: AbortController) => Promise<void>) => {
    const [io, abort] = [virtualIo(), new AbortController()];
    const patches: ApiRequest[] = [];
    const taken = () => (patches.length === 0 ? undefined : "2026-11-22T20:00:00Z");
    const api = webApi(
      () => (taken() === undefined ? BEFORE : after(taken(), 30)),
      (request) => {
        patches.push(request);
        return ACCEPTED;
      },
    );
    const begun: unknown[][] = [];
    const notices = {
      begin: async (step: typeof STEP, version?: string) => {
        begun.push([step.ref.name, step.to.image, version, patches.length]);
        await begin(io, abort);
      },
    };
    const session = { ...sessionWith(api, io), notices } as unknown as RestartSession;
    const result = await rollWorkload(session, STEP, { ...control(), abort: abort.signal });
    return { result, begun, patches };
  };

  test("comes before the patch, with its version", async () => {
    const { result, begun, patches } = await roll(async () => undefined);
    expect(begun).toEqual([["web", STEP.to.image, expect.any(String), 0]]);
    const resourceVersion = begun.flat()[2];
    expect(patches).toMatchObject([{ body: { metadata: { resourceVersion } } }]);
    expect(result.outcome).toBe("restarted");
  });

  test("is followed by no patch if the run is aborted meanwhile", async () => {
    const { result, patches } = await roll(async (io, abort) => {
      abort.abort({ kind: "interrupted" });
      await io.sleep(500);
    });
    expect([patches.length, result.outcome, result.startedAt]).toEqual([
      0,
      "not-started",
      undefined,
    ]);
  });
});

describe("a workload that cannot be read", () => {
  /** An API that answers each request by itself. */
  const roll = (respond: (request: ApiRequest) => Answer) =>
    rollWorkload(sessionWith(respondingApi(respond), virtualIo()), STEP, control());

  test("is skipped if its namespace was deleted", async () => {
    const result = await roll(({ path }) =>
      path.includes("/namespaces/shop") ? NOT_FOUND : forbidden("list", "services"),
    );
    expect(result).toMatchObject({
      outcome: "skipped",
      code: "not-read",
      message: expect.stringContaining('the namespace "shop" does not exist'),
      startedAt: undefined,
    });
  });

  test("is gone if it was deleted, even if the rules of injection cannot be read", async () => {
    const result = await roll(({ path }) => {
      if (path === "/api/v1/namespaces/shop") {
        return { kind: "Namespace", metadata: { name: "shop" } };
      }
      return path.includes("/namespaces/shop/") ? NOT_FOUND : forbidden("list", "services");
    });
    expect(result).toMatchObject({ outcome: "skipped", code: "gone" });
  });
});

describe("an unexpected error", () => {
  const surprise = new RangeError("Maximum call stack size exceeded");
  const roll = async (respond: (patched: boolean) => void) => {
    let isPatched = false;
    const api = webApi(
      () => {
        respond(isPatched);
        return BEFORE;
      },
      () => {
        isPatched = true;
        return ACCEPTED;
      },
    );
    return rollWorkload(sessionWith(api, virtualIo()), STEP, control());
  };

  test("before the restart skips the workload", async () => {
    const result = await roll(() => {
      throw surprise;
    });
    expect(result).toMatchObject({
      outcome: "skipped",
      code: "unexpected-error",
      message: expect.stringContaining(surprise.message),
      startedAt: undefined,
    });
  });

  test("after the restart is a failure, with the command that shows the rollout", async () => {
    const result = await roll((isPatched) => {
      if (isPatched) throw surprise;
    });
    expect(result).toMatchObject({
      outcome: "failed",
      code: "unexpected-error",
      startedAt: expect.any(Date),
      nextStep: { args: ["rollout", "status", "deployment/web", "-n", "shop"] },
    });
  });
});
