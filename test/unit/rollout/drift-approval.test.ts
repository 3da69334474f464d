import { describe, expect, test } from "vitest";
import { NO_CONSENT } from "../../../src/mesh/consent.ts";
import type { Drift } from "../../../src/mesh/drift.ts";
import { driftChange } from "../../../src/rollout/approval.ts";
import { isWanted, planRestart } from "../../../src/rollout/plan.ts";
import { notAsApproved } from "../../../src/rollout/without-restart.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { appCpu, PROXY_CPU } from "../../support/build/drift.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { stepFor } from "../../support/build/step.ts";
import { deployment } from "../../support/build/workload.ts";

const LIMIT = appCpu("app");

describe("an approved plan", () => {
  test.each<[what: string, approved: Drift[] | undefined, now: Drift[] | undefined, code?: string]>(
    [
      ["a plan without drift is not compared", undefined, [PROXY_CPU]],
      ["the same changes in another order", [PROXY_CPU, LIMIT], [LIMIT, PROXY_CPU]],
      ["no changes", [], []],
      ["another change", [PROXY_CPU], [PROXY_CPU, LIMIT], "drift-changed"],
      ["another value", [PROXY_CPU], [{ ...PROXY_CPU, to: "300m" }], "drift-changed"],
      ["a change less", [PROXY_CPU, LIMIT], [PROXY_CPU], "drift-changed"],
      ["unknown changes", [PROXY_CPU], undefined, "drift-unknown"],
    ],
  )("%s", (_what, approved, now, code) => {
    const step = approved === undefined ? {} : { drift: approved };
    expect(driftChange(step, now)?.code).toBe(code);
  });

  test("a new change just before the restart is named", () => {
    const late = deployment("web", { pods: [sidecars(2, proxyImage("v1.27.7-1"))] });
    const found = assessmentOf({ ...late, templateHash: "sha256:template" });
    const step = { ...stepFor(found), drift: [PROXY_CPU] };
    expect(notAsApproved(step, { ...found, drift: [PROXY_CPU] })).toBeUndefined();
    expect(notAsApproved(step, { ...found, drift: [PROXY_CPU, LIMIT] })).toMatchObject({
      outcome: "skipped",
      code: "drift-changed",
      message: `the restart is not the approved one: it would also change ${LIMIT.path}`,
    });
  });
});

describe("--include drifted", () => {
  const consent = { ...NO_CONSENT, drifted: true };

  test.each<[what: string, drift: Drift[] | undefined, expected: boolean]>([
    ["other resources of the sidecar", [PROXY_CPU], true],
    ["a change of the application alone", [LIMIT], false],
    ["no changes", [], false],
    ["unknown changes", undefined, false],
  ])("%s", (_what, drift, expected) => {
    expect(isWanted({ verdict: "current", drift }, consent)).toBe(expected);
    expect(isWanted({ verdict: "current", drift }, NO_CONSENT)).toBe(false);
  });

  test("a workload on target is planned with its changes", () => {
    const workload = deployment("web", { pods: [sidecars(2, proxyImage("v1.27.9-6"))] });
    const found = assessmentOf(workload, {
      policy: consent,
      answers: { drift: [PROXY_CPU, LIMIT] },
    });
    expect(found).toMatchObject({ verdict: "current", restart: { answer: "yes" } });
    const { steps } = planRestart([found], consent, Date.parse("2026-11-24T20:00:00Z"), 600_000);
    expect(steps).toMatchObject([{ verdict: "current", drift: [PROXY_CPU, LIMIT] }]);
  });
});

describe("--only-sidecar", () => {
  const late = deployment("web", { pods: [sidecars(2, proxyImage("v1.27.7-1"))] });
  const policy = { ...NO_CONSENT, onlySidecar: true };
  const REVISION: Drift = {
    path: "metadata.annotations[istio.io/rev]",
    what: "metadata",
    from: "asm-1-27",
    to: "asm-1-28",
  };
  const LABEL: Drift = { path: "metadata.labels.team", what: "metadata", from: null, to: null };

  test.each<[what: string, drift: Drift[] | undefined, code: string | undefined]>([
    ["the sidecar alone", [PROXY_CPU, REVISION], undefined],
    ["the application", [PROXY_CPU, LIMIT], "more-than-sidecar"],
    ["a label of somebody else", [LABEL], "more-than-sidecar"],
    ["unknown changes", undefined, "drift-unknown"],
  ])("%s", (_what, drift, code) => {
    const { restart } = assessmentOf(late, { policy, answers: { drift } });
    expect(restart.answer === "yes" ? undefined : restart.finding.code).toBe(code);
  });

  test("the reason names the changes", () => {
    const { restart } = assessmentOf(late, { policy, answers: { drift: [PROXY_CPU, LIMIT] } });
    expect(restart).toMatchObject({
      answer: "refused",
      finding: {
        reason: `a restart would change more than the sidecar (--only-sidecar): ${LIMIT.path}`,
      },
    });
  });
});
