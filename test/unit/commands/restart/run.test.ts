import { expect, test } from "vitest";
import type { RestartSession } from "../../../../src/commands/restart/restart-session.ts";
import { runPlan } from "../../../../src/commands/restart/run.ts";
import { NO_CONSENT } from "../../../../src/mesh/consent.ts";
import { someStep } from "../../../support/build/step.ts";
import { virtualIo } from "../../../support/build/virtual-clock.ts";
import { webApi } from "../../../support/build/web-api.ts";

const WEB = someStep();
const GONE = { ...WEB, ref: { ...WEB.ref, name: "gone", uid: "uid-gone" } };
const LATER = { ...WEB, ref: { ...WEB.ref, name: "later", uid: "uid-later" } };

test("an unexpected error ends a run with every result so far, and stops what follows rollouts", async () => {
  const io = virtualIo();
  let reads = 0;
  let patchedAt: string | undefined;
  const api = webApi(
    () => {
      reads += 1;
      return { restartedAt: patchedAt, updated: 0, available: 3 };
    },
    () => {
      patchedAt = "2026-11-22T20:00:00Z";
      return { kind: "Deployment" };
    },
  );
  const session = {
    api,
    io,
    approved: undefined,
    prover: { when: "never" },
    progress: { emit: () => undefined },
    settings: {
      istioNamespace: "aks-istio-system",
      consent: NO_CONSENT,
      scope: { excludes: [] },
      timeout: 600_000,
      maxParallel: 2,
      maxFailures: 1,
      pause: 5000,
    },
  } as unknown as RestartSession;
  const plan = { steps: [WEB, GONE, LATER], waits: [], leftOut: [] };
  const record = () => Promise.reject(new TypeError("x is not iterable"));
  const run = await runPlan(session, plan, undefined, record);
  expect(run).toMatchObject({ failure: { message: "x is not iterable" }, aborted: true });
  expect(run.results.map(({ ref, outcome, code }) => [ref.name, outcome, code])).toEqual([
    ["web", "timed-out", "interrupted"],
    ["gone", "skipped", "gone"],
    ["later", "not-started", "interrupted"],
  ]);
  const readsOfRun = reads;
  await io.sleep(60_000);
  expect(reads).toBe(readsOfRun);
});
