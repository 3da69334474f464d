import { describe, expect, test } from "vitest";
import type { HeldLease } from "../../../../src/commands/restart/held-lease.ts";
import { createLoginWatch } from "../../../../src/commands/restart/login.ts";
import type { RestartSession } from "../../../../src/commands/restart/restart-session.ts";
import { runPlan } from "../../../../src/commands/restart/run.ts";
import { createWatches } from "../../../../src/commands/restart/watches.ts";
import { ApiError } from "../../../../src/http/api-error.ts";
import type { Api } from "../../../../src/http/api.ts";
import { NO_CONSENT } from "../../../../src/mesh/consent.ts";
import { type Answer, forbidden } from "../../../support/build/scripted-api.ts";
import { someStep } from "../../../support/build/step.ts";
import { type VirtualIo, virtualIo } from "../../../support/build/virtual-clock.ts";
import { webApi } from "../../../support/build/web-api.ts";

const WEB = someStep();
const GONE = { ...WEB, ref: { ...WEB.ref, name: "gone", uid: "uid-gone" } };
const LATER = { ...WEB, ref: { ...WEB.ref, name: "later", uid: "uid-later" } };
const UNAUTHORIZED = new ApiError("Unauthorized", { status: 401, reason: "Unauthorized" });

/** The events that say why a run starts nothing more. */
const STOPS: ReadonlySet<string> = new Set(["stopped", "notice"]);

interface Limits {
  readonly maxParallel?: number;
  readonly pause?: number;
}

function sessionWith(
  server: Api,
  io: VirtualIo,
  notices: string[],
  limits: Limits,
  lease?: HeldLease,
) {
  const { api, watch } = createLoginWatch(server, io);
  return {
    api,
    io,
    login: { watch },
    watches: createWatches(api, io),
    approved: undefined,
    prover: { when: "never" },
    progress: {
      emit: (event: { readonly type: string; readonly message?: string }) =>
        STOPS.has(event.type) ? notices.push(event.message ?? "") : undefined,
    },
    lease,
    settings: {
      istioNamespace: "aks-istio-system",
      consent: NO_CONSENT,
      scope: { excludes: [], workloads: [] },
      timeout: 600_000,
      schedulingTimeout: 30_000,
      maxParallel: 2,
      maxFailures: 1,
      pause: 0,
      ...limits,
    },
  } as unknown as RestartSession;
}

/**
 * Runs a plan with `web`, `gone` and `later` against a server on which `web` never rolls out.
 *
 * @param change the answer of the server to each request, instead of its own, some seconds after the
 *   restart of `web`.
 */
async function play(
  change: (second: number, method: string) => Answer | undefined,
  limits: Limits = {},
  record: () => void = () => undefined,
  leaseOf: (io: VirtualIo) => HeldLease | undefined = () => undefined,
) {
  const io = virtualIo();
  const notices: string[] = [];
  let reads = 0;
  let patchedAt: number | undefined;
  const server = webApi(
    () => {
      reads += 1;
      const restartedAt = patchedAt === undefined ? undefined : "2026-11-22T20:00:00Z";
      return { restartedAt, updated: 0, available: 3 };
    },
    () => {
      patchedAt ??= io.elapsed();
      return { kind: "Deployment" };
    },
  );
  const changed: Api = {
    ...server,
    send: async (request) => {
      const second = patchedAt === undefined ? -1 : (io.elapsed() - patchedAt) / 1000;
      const answer = change(second, request.method);
      if (answer instanceof ApiError) throw answer;
      return server.send(request);
    },
  };
  const plan = { steps: [WEB, GONE, LATER], waits: [], leftOut: [] };
  const run = await runPlan(
    sessionWith(changed, io, notices, limits, leaseOf(io)),
    plan,
    undefined,
    record,
  );
  const results = run.results.map(({ ref, outcome, code }) => [ref.name, outcome, code]);
  const seconds = io.elapsed() / 1000;
  const readsOfRun = reads;
  await io.sleep(60_000);
  expect(reads).toBe(readsOfRun);
  return { run, results, seconds, notices };
}

test("an unexpected error ends a run with every result so far, and stops what follows rollouts", async () => {
  const record = () => {
    throw new TypeError("x is not iterable");
  };
  const { run, results } = await play(() => undefined, { pause: 5000 }, record);
  expect(run).toMatchObject({ failure: { message: "x is not iterable" }, aborted: true });
  expect(results).toEqual([
    ["web", "still-rolling", "interrupted"],
    ["gone", "skipped", "gone"],
    ["later", "not-started", "interrupted"],
  ]);
});

describe("a login that expires", () => {
  test("ends the run within five seconds, with what may still be rolling and how to continue", async () => {
    const expired = (second: number) => (second >= 3 ? UNAUTHORIZED : undefined);
    const { run, results, seconds, notices } = await play(expired, { maxParallel: 1 });
    expect(results).toEqual([
      ["web", "still-rolling", "login-expired"],
      ["gone", "not-started", "login-expired"],
      ["later", "not-started", "login-expired"],
    ]);
    expect(run).toMatchObject({ loginLost: "Unauthorized", failure: undefined });
    expect(seconds).toBeLessThanOrEqual(8);
    expect(run.results[0]).toMatchObject({
      message:
        "may still be rolling: the API server no longer accepts the login: Unauthorized; last seen: 0 of 3 new pods have been created; 3 old pods still serve",
      cause: { pod: undefined, oldPodsReady: 3 },
      nextStep: {
        parts: ["log in again, then: ", { args: ["verify", "--namespace", "shop"] }],
      },
    });
    expect(notices).toEqual([
      "the API server no longer accepts the login: Unauthorized; no new restarts, 1 workload may still be rolling",
    ]);
  });

  test("before the first restart starts nothing", async () => {
    const { results } = await play(() => UNAUTHORIZED, { maxParallel: 1 });
    expect(results).toEqual(
      ["web", "gone", "later"].map((name) => [name, "not-started", "login-expired"]),
    );
  });

  test("for two seconds changes nothing", async () => {
    const flaky = (second: number) => (second >= 3 && second < 5 ? UNAUTHORIZED : undefined);
    const { results } = await play(flaky);
    expect(results[0]).toEqual(["web", "timed-out", "no-progress"]);
  });
});

test("a permission that is withdrawn ends the run within five seconds", async () => {
  const withdrawn = (second: number, method: string) =>
    second >= 3 && method === "GET" ? forbidden("get", "deployments") : undefined;
  const { results, seconds, notices } = await play(withdrawn, { maxParallel: 1 });
  expect(results).toEqual([
    ["web", "still-rolling", "permission-lost"],
    ["gone", "not-started", "permission-lost"],
    ["later", "not-started", "permission-lost"],
  ]);
  expect(seconds).toBeLessThanOrEqual(8);
  expect(notices).toEqual([
    "no new restarts: a permission was withdrawn during the run: 2 not started",
  ]);
});

describe("a lease that is lost", () => {
  const MESSAGE = 'the lease "ops/istio-upgrade" could not be renewed in time';

  /** A lease that is lost some seconds after the start, and that says so or not. */
  function lostAfter(seconds: number, isReported = true) {
    return (io: VirtualIo): HeldLease => {
      const lossOf = () =>
        io.elapsed() >= seconds * 1000
          ? ({ kind: "not-renewed", message: undefined } as const)
          : undefined;
      const listeners = new Set<(message: string) => void>();
      const report = () => {
        for (const listener of listeners) listener(MESSAGE);
        listeners.clear();
      };
      if (isReported) void io.sleep(seconds * 1000).then(report);
      return {
        place: { namespace: "ops", name: "istio-upgrade" },
        holder: "ops-1",
        loss: () => {
          const loss = lossOf();
          if (loss !== undefined) report();
          return loss;
        },
        watch: (listener) => {
          listeners.add(listener);
          return () => void listeners.delete(listener);
        },
        release: () => Promise.resolve(),
      };
    };
  }

  const nothing = () => undefined;

  test("lets nothing new start, and what is rolling is followed to its end", async () => {
    const limits = { maxParallel: 1 };
    const { run, results, seconds, notices } = await play(nothing, limits, nothing, lostAfter(5));
    expect(results).toEqual([
      ["web", "timed-out", "no-progress"],
      ["gone", "not-started", "lease-lost"],
      ["later", "not-started", "lease-lost"],
    ]);
    expect(seconds).toBeGreaterThan(600);
    expect(run).toMatchObject({ stopped: "lease-lost", aborted: false });
    expect(run.results[1]?.message).toBe(`no new restarts: ${MESSAGE}`);
    expect(notices).toEqual([`no new restarts: ${MESSAGE}: 2 not started`]);
  });

  test("is noticed before each restart, although nothing has reported it", async () => {
    const { results } = await play(nothing, {}, nothing, lostAfter(0, false));
    expect(results[0]).toEqual(["web", "not-started", "lease-lost"]);
  });

  test("after the last restart changes nothing but the message", async () => {
    const limits = { maxParallel: 3 };
    const { run, results, notices } = await play(nothing, limits, nothing, lostAfter(30));
    expect(results[0]).toEqual(["web", "timed-out", "no-progress"]);
    expect(run.stopped).toBe("lease-lost");
    expect(notices).toEqual([`no new restarts: ${MESSAGE}`]);
  });
});
