import { describe, expect, test } from "vitest";
import type { ScopeAssessment } from "../../../../src/commands/assess-scope.ts";
import type { ReadyToRestart } from "../../../../src/commands/restart/preparation.ts";
import { withLease } from "../../../../src/commands/restart/run-lease.ts";
import type { RestartSession } from "../../../../src/commands/restart/restart-session.ts";
import { leasePlace, takeUnlessSignalled } from "../../../../src/commands/restart/take-lease.ts";
import { ApiError } from "../../../../src/http/api-error.ts";
import type { Api } from "../../../../src/http/api.ts";
import type { KubeObject } from "../../../support/embedded/kinds.ts";
import { type LeaseApi, leaseApi } from "../../../support/build/lease-api.ts";
import { type Answer, respondingApi } from "../../../support/build/scripted-api.ts";
import { type VirtualIo, virtualIo } from "../../../support/build/virtual-clock.ts";

const PLACE = { namespace: "ops", name: "istio-upgrade" };
const START = Date.parse("2026-11-22T20:00:00Z");
const ME = expect.stringMatching(/^ops-1_\d+_[0-9a-f]{12}$/);
const NO_ANSWER = new ApiError("no answer", { status: 0, reason: "ECONNREFUSED" });
const LOST_ANSWER = new ApiError("already exists", {
  status: 409,
  reason: "AlreadyExists",
  afterLostAnswer: true,
});

interface Surroundings {
  readonly session: RestartSession;
  readonly io: VirtualIo;
  readonly notices: string[];
  /** Sends a signal to the run. */
  readonly signal: () => void;
}

function surroundings(api: Api): Surroundings {
  const notices: string[] = [];
  const listeners = new Set<(name: "SIGINT") => void>();
  const io: VirtualIo = {
    ...virtualIo(),
    onSignal: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  const progress = { emit: ({ message }: { readonly message: string }) => notices.push(message) };
  const session = { api, io, progress } as unknown as RestartSession;
  const signal = () => {
    for (const listener of listeners) listener("SIGINT");
  };
  return { session, io, notices, signal };
}

/** The spec that another run wrote, by seconds after the start. */
function specOf(holder: string, renewed: number, transitions = 2): KubeObject {
  const at = (seconds: number) =>
    new Date(START + seconds * 1000).toISOString().replace("Z", "000Z");
  return {
    holderIdentity: holder,
    leaseDurationSeconds: 30,
    acquireTime: at(renewed - 60),
    renewTime: at(renewed),
    leaseTransitions: transitions,
  };
}

async function take(server: LeaseApi) {
  const around = surroundings(server.api);
  const taken = await takeUnlessSignalled(around.session, PLACE);
  if (!("lease" in taken)) throw new Error("it is held");
  return { ...around, lease: taken.lease };
}

describe("taking a lease", () => {
  test("creates it with the name of the run, by which a person recognizes the run", async () => {
    const server = leaseApi();
    const { lease, io } = await take(server);
    expect(server.spec()).toEqual({
      holderIdentity: ME,
      leaseDurationSeconds: 30,
      acquireTime: "2026-11-22T20:00:00.000000Z",
      renewTime: "2026-11-22T20:00:00.000000Z",
      leaseTransitions: 0,
    });
    expect(lease.holder).toBe(server.spec()?.["holderIdentity"]);
    await lease.release();
    expect(io.elapsed()).toBe(0);
  });

  test("writes nothing if another run holds it, and waits for nothing", async () => {
    const server = leaseApi();
    server.put(specOf("other", -4));
    const { session, io } = surroundings(server.api);
    const taken = await takeUnlessSignalled(session, PLACE);
    expect(taken).toMatchObject({ held: { holder: "other" } });
    expect([server.requests, io.elapsed()]).toEqual([["GET"], 0]);
  });

  test("waits for the duration of an expired one, says so once, and takes it", async () => {
    const server = leaseApi();
    server.put(specOf("dead", -90));
    const { lease, io, notices } = await take(server);
    expect(io.elapsed()).toBe(30_000);
    expect(notices).toEqual([
      'waiting 30s for the lease "ops/istio-upgrade": its holder dead last renewed it at 2026-11-22T19:58:30Z',
    ]);
    expect(server.spec()).toMatchObject({ holderIdentity: ME, leaseTransitions: 3 });
    await lease.release();
  });

  test.each<[rule: string, race: (server: LeaseApi) => void]>([
    ["creates it", () => undefined],
    ["takes it", (server) => server.put(specOf("", -1))],
  ])("leaves it to the run that %s a moment earlier", async (_rule, prepare) => {
    const server: LeaseApi = leaseApi(({ method }) => {
      if (method !== "GET" && server.spec()?.["holderIdentity"] !== "faster") {
        server.put(specOf("faster", 0));
      }
      return undefined;
    });
    prepare(server);
    const taken = await takeUnlessSignalled(surroundings(server.api).session, PLACE);
    expect(taken).toMatchObject({ held: { holder: "faster" } });
  });

  test("recognizes itself after the answer to its creation was lost", async () => {
    const server = leaseApi(undefined, ({ method }) =>
      method === "POST" ? LOST_ANSWER : undefined,
    );
    const { lease } = await take(server);
    expect(server.spec()).toMatchObject({ holderIdentity: lease.holder, leaseTransitions: 0 });
    await lease.release();
  });

  test.each<[rule: string, answer: ApiError, expected: object]>([
    [
      "a namespace that does not exist",
      new ApiError("not found", { status: 404, reason: "NotFound" }),
      { code: "not-found", message: expect.stringContaining('no namespace "ops" for the lease') },
    ],
    [
      "an API server that does not answer",
      NO_ANSWER,
      { code: "unreachable", message: expect.stringMatching(/^could not take the lease "ops\//) },
    ],
  ])("ends the command because of %s", async (_rule, answer, expected) => {
    const server = leaseApi(({ method }) => (method === "POST" ? answer : undefined));
    const { session } = surroundings(server.api);
    await expect(takeUnlessSignalled(session, PLACE)).rejects.toMatchObject({
      name: "CannotRun",
      ...expected,
    });
  });

  test.each<[write: string, prepare: (server: LeaseApi) => void]>([
    ["creation", () => undefined],
    ["write", (server) => server.put(specOf("", -1))],
  ])("ends the command after the third %s that conflicts with nobody", async (_write, prepare) => {
    const conflict = new ApiError("conflict", { status: 409, reason: "Conflict" });
    const server = leaseApi(({ method }) => (method === "GET" ? undefined : conflict));
    prepare(server);
    const { session } = surroundings(server.api);
    await expect(takeUnlessSignalled(session, PLACE)).rejects.toMatchObject({
      name: "CannotRun",
      message: expect.stringMatching(/^could not take the lease "ops\/.*: conflict/),
    });
    expect(server.requests).toHaveLength(6);
  });

  test("ends at a signal while it waits, with nothing written", async () => {
    const server = leaseApi();
    server.put(specOf("dead", -90));
    const { session, io, signal } = surroundings(server.api);
    const taking = takeUnlessSignalled(session, PLACE);
    void io.sleep(5000).then(signal);
    await expect(taking).rejects.toMatchObject({ name: "Interrupted", signal: "SIGINT" });
    expect(server.requests).not.toContainEqual(expect.stringContaining("PATCH"));
    expect(io.elapsed()).toBe(5000);
  });

  test("gives it back if the signal came while it was created", async () => {
    const around = { signal: () => undefined } as { signal: () => void };
    const server = leaseApi(({ method }) => {
      if (method === "POST") around.signal();
      return undefined;
    });
    const { session, signal } = surroundings(server.api);
    around.signal = signal;
    await expect(takeUnlessSignalled(session, PLACE)).rejects.toMatchObject({
      name: "Interrupted",
    });
    expect(server.spec()).toMatchObject({ holderIdentity: "", leaseDurationSeconds: 1 });
  });

  test("uses the namespace of the context, if none is named", () => {
    const { api } = leaseApi();
    const name = { text: "istio-upgrade", name: "istio-upgrade" };
    expect(leasePlace(api, { ...name, namespace: undefined }).namespace).toBe("default");
    expect(leasePlace(api, { ...name, namespace: "ops" }).namespace).toBe("ops");
  });
});

describe("holding a lease", () => {
  test("renews it every ten seconds, and gives it back at the end", async () => {
    const server = leaseApi();
    const { lease, io } = await take(server);
    await io.sleep(35_000);
    expect(server.requests.map((request) => request.split(" ")[0])).toEqual([
      "GET",
      "POST",
      "PATCH",
      "PATCH",
      "PATCH",
    ]);
    expect(server.spec()).toMatchObject({
      acquireTime: "2026-11-22T20:00:00.000000Z",
      renewTime: "2026-11-22T20:00:30.000000Z",
      leaseTransitions: 0,
    });
    expect(lease.loss()).toBeUndefined();
    await lease.release();
    expect(server.spec()).toMatchObject({ holderIdentity: "", leaseDurationSeconds: 1 });
    const sent = server.requests.length;
    await io.sleep(60_000);
    expect(server.requests).toHaveLength(sent);
  });

  /** Holds a lease on a server that changes after some seconds, and returns the loss. */
  async function holdUntilLoss(
    server: LeaseApi,
    change: () => void,
  ): Promise<readonly [second: number, message: string][]> {
    const { lease, io } = await take(server);
    const losses: (readonly [number, string])[] = [];
    lease.watch((message) => losses.push([io.elapsed() / 1000, message]));
    await io.sleep(15_000);
    change();
    await io.sleep(60_000);
    const again: string[] = [];
    lease.watch((message) => again.push(message));
    expect(again).toHaveLength(1);
    const before = server.spec();
    await lease.release();
    expect(server.spec()).toEqual(before);
    return losses as [number, string][];
  }

  test("is over at the next renewal after another run has taken it", async () => {
    const server = leaseApi();
    const losses = await holdUntilLoss(server, () => server.put(specOf("thief", 15, 1)));
    expect(losses).toEqual([
      [
        20,
        'the lease "ops/istio-upgrade" is now held by thief since 2026-11-22T19:59:15Z (renewed 5s ago)',
      ],
    ]);
  });

  test("is over at the next renewal after somebody has deleted it", async () => {
    const server = leaseApi();
    const losses = await holdUntilLoss(server, () => server.put(undefined));
    expect(losses).toEqual([
      [20, 'the lease "ops/istio-upgrade" was deleted, or its holder was removed'],
    ]);
  });

  test.each<[rule: string, answer: Answer | Promise<Answer>, message: string]>([
    ["no request succeeds", NO_ANSWER, ": no answer"],
    ["no request is answered at all", new Promise<Answer>(() => undefined), ""],
  ])("is over twenty seconds after the last renewal if %s", async (_rule, answer, message) => {
    let isDown = false;
    const server = leaseApi(() => (isDown ? answer : undefined));
    const losses = await holdUntilLoss(server, () => (isDown = true));
    expect(losses).toEqual([
      [30, `the lease "ops/istio-upgrade" could not be renewed in time${message}`],
    ]);
  });

  test("continues if the API server answers again within that time", async () => {
    let isDown = false;
    const server = leaseApi(() => (isDown ? NO_ANSWER : undefined));
    const { lease, io } = await take(server);
    await io.sleep(9000);
    isDown = true;
    await io.sleep(8500);
    isDown = false;
    await io.sleep(60_000);
    expect(lease.loss()).toBeUndefined();
    await lease.release();
  });

  test("continues after somebody has changed something else of it", async () => {
    const server = leaseApi();
    const { lease, io } = await take(server);
    await io.sleep(5000);
    // The same content with another version, as after a label.
    server.put(server.spec());
    await io.sleep(60_000);
    expect(lease.loss()).toBeUndefined();
    await lease.release();
    expect(server.spec()).toMatchObject({ holderIdentity: "" });
  });

  test("is over at once in a process that was suspended", async () => {
    const server = leaseApi();
    const { session, io } = surroundings(server.api);
    let ahead = 0;
    const late = { ...io, now: () => new Date(io.now().getTime() + ahead) };
    const taken = await takeUnlessSignalled({ ...session, io: late }, PLACE);
    if (!("lease" in taken)) throw new Error("it is held");
    ahead = 25_000;
    expect(taken.lease.loss()).toEqual({ kind: "not-renewed", message: undefined });
    await taken.lease.release();
  });
});

describe("giving a lease back", () => {
  test("waits for a renewal that is under way", async () => {
    const late: { until?: () => Promise<void> } = {};
    const server: LeaseApi = leaseApi(undefined, ({ method }) => {
      const answer = { kind: "Lease", metadata: {}, spec: server.spec() };
      return method === "PATCH" ? late.until?.().then(() => answer) : undefined;
    });
    const { lease, io } = await take(server);
    late.until = () => io.sleep(500);
    await io.sleep(10_001);
    await lease.release();
    expect(server.spec()).toMatchObject({ holderIdentity: "" });
    expect(server.requests.at(-2)).toBe("GET");
    expect(io.elapsed()).toBe(11_000);
  });

  test("comes before the report, and only once", async () => {
    const server = leaseApi();
    const { session } = surroundings(server.api);
    const noted: unknown[] = [];
    const record = {
      noteLease: (lease: unknown) => noted.push(lease),
      conclude: async () => {
        expect(server.spec()).toMatchObject({ holderIdentity: "" });
        return 0;
      },
    };
    const settings = { lease: { text: "ops/istio-upgrade", ...PLACE }, dryRun: undefined };
    const opened = { ...session, settings } as unknown as RestartSession;
    const ready = { record } as unknown as ReadyToRestart;
    const assessed = {} as ScopeAssessment;
    const status = await withLease(opened, ready, async (held, { record: own }) => {
      expect(server.spec()).toMatchObject({ holderIdentity: held.lease?.holder });
      return own.conclude(assessed, []);
    });
    expect([status, noted]).toEqual([0, [{ ...PLACE, holder: ME, outcome: "taken" }]]);
    expect(server.requests.filter((request) => request === "PATCH")).toHaveLength(1);
  });

  test("comes also if the run ends with an error", async () => {
    const server = leaseApi();
    const { session } = surroundings(server.api);
    const settings = { lease: { text: "ops/istio-upgrade", ...PLACE }, dryRun: undefined };
    const opened = { ...session, settings } as unknown as RestartSession;
    const ready = { record: { noteLease: () => undefined } } as unknown as ReadyToRestart;
    const run = withLease(opened, ready, () => Promise.reject(new Error("no report file")));
    await expect(run).rejects.toThrow("no report file");
    expect(server.spec()).toMatchObject({ holderIdentity: "" });
  });

  test("takes at most two seconds if the API server does not answer", async () => {
    let isDown = false;
    const server = leaseApi(() => (isDown ? new Promise(() => undefined) : undefined));
    const { lease, io } = await take(server);
    isDown = true;
    await lease.release();
    expect(io.elapsed()).toBe(2000);
  });

  test("says so if it fails", async () => {
    let isDown = false;
    const server = leaseApi(() => (isDown ? NO_ANSWER : undefined));
    const { lease, notices } = await take(server);
    isDown = true;
    await lease.release();
    expect(notices).toEqual([
      'the lease "ops/istio-upgrade" could not be given back, and expires by itself: no answer',
    ]);
  });
});

test("a server that rejects a read is no free lease", async () => {
  const rejected = new ApiError("rejected", { status: 500, reason: "InternalError" });
  const { session } = surroundings(respondingApi(() => rejected));
  await expect(takeUnlessSignalled(session, PLACE)).rejects.toMatchObject({ name: "CannotRun" });
});
