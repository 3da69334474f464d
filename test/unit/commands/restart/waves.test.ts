import { describe, expect, test } from "vitest";
import { createLoginWatch } from "../../../../src/commands/restart/login.ts";
import type { RestartSession } from "../../../../src/commands/restart/restart-session.ts";
import { runPlan } from "../../../../src/commands/restart/run.ts";
import type { WavesOfRun } from "../../../../src/commands/restart/wave-tasks.ts";
import { createWatches } from "../../../../src/commands/restart/watches.ts";
import { ApiError } from "../../../../src/http/api-error.ts";
import type { Api } from "../../../../src/http/api.ts";
import { NO_CONSENT } from "../../../../src/mesh/consent.ts";
import type { Wave } from "../../../../src/rollout/waves.ts";
import { formatStep } from "../../../support/build/next-step.ts";
import { someStep } from "../../../support/build/step.ts";
import { virtualIo } from "../../../support/build/virtual-clock.ts";
import { webApi } from "../../../support/build/web-api.ts";

const WEB = someStep();
const GONE = { ...WEB, ref: { ...WEB.ref, name: "gone", uid: "uid-gone" } };
const LATER = { ...WEB, ref: { ...WEB.ref, name: "later", uid: "uid-later" } };
const wave = (number: number, ...steps: Wave["steps"]): Wave => ({
  number,
  done: [],
  waits: [],
  steps,
});
const WAVES: readonly Wave[] = [wave(1, GONE), wave(2, WEB), wave(3, LATER)];

/** Runs `gone`, `web` and `later` in three waves; only `web` exists, and never rolls out. */
async function play(given: Partial<WavesOfRun>, change: (server: Api) => Api = (server) => server) {
  const io = virtualIo();
  const lines: string[] = [];
  const server = webApi(
    () => ({ restartedAt: undefined, updated: 0, available: 3 }),
    () => ({ kind: "Deployment" }),
  );
  const { api, watch } = createLoginWatch(change(server), io);
  const session = {
    api,
    io,
    formatStep,
    login: { watch },
    watches: createWatches(api, io),
    approved: undefined,
    prover: { when: "never" },
    progress: {
      emit: ({ type, ...event }: { readonly type: string; readonly wave?: number }) =>
        lines.push(event.wave === undefined ? type : `${type} ${event.wave}`),
    },
    settings: {
      istioNamespace: "aks-istio-system",
      connection: {},
      consent: NO_CONSENT,
      scope: { excludes: [], workloads: [] },
      timeout: 60_000,
      schedulingTimeout: 30_000,
      maxParallel: 2,
      maxFailures: 1,
      pause: 0,
    },
  } as unknown as RestartSession;
  const plan = { steps: [GONE, WEB, LATER], waits: [], leftOut: [] };
  const run = await runPlan(session, plan, undefined, () => undefined, {
    waves: WAVES,
    soak: 0,
    gate: undefined,
    ...given,
  });
  const results = run.results.map(({ ref, outcome, code, message }) => [
    ref.name,
    outcome,
    code,
    message,
  ]);
  return { run, lines, results, seconds: io.elapsed() / 1000 };
}

describe("the start of a wave", () => {
  test("is reported before its first restart, and once for each wave", async () => {
    const { lines } = await play({});
    expect(lines).toEqual([
      "wave-started 1",
      "ended",
      "wave-started 2",
      "started",
      ...lines.slice(4),
    ]);
    expect(lines).not.toContain("wave-started 3");
  });
});

describe("a login that expires in a soak", () => {
  test("ends the soak and the run at once", async () => {
    const unauthorized = new ApiError("Unauthorized", { status: 401, reason: "Unauthorized" });
    let reads = 0;
    const change = (server: Api): Api => {
      const send = async (request: Parameters<Api["send"]>[0]) => {
        if (!request.path.endsWith("/events")) return server.send(request);
        reads += 1;
        if (reads > 2) throw unauthorized;
        return { kind: "EventList", metadata: {}, items: [] };
      };
      return { ...server, send: send as Api["send"] };
    };
    const done = [{ ...WEB, restartedAt: "2026-11-22T19:59:00Z" }];
    const waves = [{ ...wave(1, GONE), done }, wave(2, WEB), wave(3, LATER)];
    const { run, results, seconds } = await play({ soak: 600_000, waves }, change);
    expect(run.loginLost).toBe("Unauthorized");
    expect(results.slice(1).map(([, , code]) => code)).toEqual(["login-expired", "login-expired"]);
    expect(seconds).toBeLessThan(20);
  });
});
