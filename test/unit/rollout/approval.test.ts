import { describe, expect, test } from "vitest";
import { narrowPlan } from "../../../src/rollout/approval.ts";
import { type Consent, NO_CONSENT } from "../../../src/mesh/consent.ts";
import { planRestart } from "../../../src/rollout/plan.ts";
import type { Step } from "../../../src/rollout/step.ts";
import { RESTARTED_AT, type Workload } from "../../../src/snapshot.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { stepFor } from "../../support/build/step.ts";
import { deployment } from "../../support/build/workload.ts";

const TARGET = proxyImage("v1.27.9-6");
const LATE = proxyImage("v1.27.7-1");
const NOW = new Date("2026-11-24T20:00:00Z");

const late = (name: string) => deployment(name, { pods: [sidecars(2, LATE)] });
const approved = (...names: string[]): readonly Step[] =>
  names.map((name) => stepFor(assessmentOf(late(name))));

interface Present {
  readonly labels?: Readonly<Record<string, string>>;
  /** Hash of the pod template that each workload has now. */
  readonly template?: string;
  readonly consent?: Consent;
}

/** The names of the steps that may run, and `name: code` of the decided ones. */
function narrow(steps: readonly Step[], workloads: readonly Workload[], present: Present = {}) {
  const { template = "sha256:template", consent = NO_CONSENT, ...world } = present;
  const assessments = workloads.map((workload) =>
    assessmentOf(workload, { ...world, policy: consent }),
  );
  const planned = planRestart(assessments, consent, NOW.getTime(), 600_000);
  const fresh = { ...planned, steps: planned.steps.map((step) => ({ ...step, template })) };
  const templates = new Map(steps.map(({ ref }) => [ref.uid, template]));
  const { plan, decided } = narrowPlan(steps, fresh, templates, assessments, NOW);
  return {
    left: plan.steps.map(({ ref }) => ref.name),
    waits: plan.waits.map(({ ref }) => ref.name),
    decided: decided.map(({ ref, outcome, code }) => `${ref.name}: ${outcome} ${code}`),
    messages: decided.map(({ message }) => message),
  };
}

test("only unchanged steps run, in the approved order", () => {
  const now = [late("a"), late("b"), late("c")];
  expect(narrow(approved("c", "a"), now)).toMatchObject({ left: ["c", "a"], decided: [] });
});

test("a workload that was restarted meanwhile and is still rolling is waited for", () => {
  const rolling = deployment("web", {
    template: { annotations: { [RESTARTED_AT]: "2026-11-24T19:59:00Z" } },
    pods: [sidecars(2, TARGET)],
    rollout: { status: { replicas: 2, updated: 2, available: 1 } },
  });
  const other = { ...rolling, name: "other", uid: "other" };
  expect(narrow(approved("web", "rest"), [rolling, other, late("rest")])).toMatchObject({
    left: ["rest"],
    waits: ["web"],
    decided: [],
  });
});

test("a current workload that is restarted a second time is skipped, or waited for while it rolls", () => {
  const current = (available: number, restartedAt: string) =>
    deployment("web", {
      template: { annotations: { [RESTARTED_AT]: restartedAt } },
      pods: [sidecars(2, TARGET)],
      rollout: { status: { replicas: 2, updated: 2, available } },
    });
  const consent = { ...NO_CONSENT, current: true };
  const planned = [stepFor(assessmentOf(current(2, "2026-11-24T10:00:00Z")))];
  expect(narrow(planned, [current(2, "2026-11-24T10:00:00Z")], { consent })).toMatchObject({
    left: ["web"],
    decided: [],
  });
  expect(narrow(planned, [current(2, "2026-11-24T19:59:00Z")], { consent })).toMatchObject({
    left: [],
    waits: [],
    decided: ["web: skipped already-restarted"],
    messages: ["it was restarted at 2026-11-24T19:59:00Z, after the plan was made"],
  });
  expect(narrow(planned, [current(1, "2026-11-24T19:59:00Z")], { consent })).toMatchObject({
    left: [],
    waits: ["web"],
    decided: [],
  });
});

describe("a changed workload is skipped, and the others run", () => {
  const rest = late("rest");
  const recreated = { ...late("web"), uid: "another" };

  test.each<[what: string, now: Workload[], present: Present, code: string]>([
    ["it is current", [deployment("web", { pods: [sidecars(2, TARGET)] })], {}, "already-current"],
    ["it is gone", [], {}, "gone"],
    ["it was recreated", [recreated], {}, "recreated"],
    [
      "it was restarted, and that did not help",
      [
        deployment("web", {
          pods: [sidecars(2, LATE)],
          template: { annotations: { [RESTARTED_AT]: "2026-11-24T19:59:00Z" } },
        }),
      ],
      {},
      "already-restarted",
    ],
    [
      "it may not be restarted any more",
      [deployment("web", { pods: [sidecars(2, LATE)], rollout: { paused: true } })],
      {},
      "paused",
    ],
  ])("%s", (_what, now, present, code) => {
    expect(narrow(approved("web", "rest"), [...now, rest], present)).toMatchObject({
      left: ["rest"],
      decided: [`web: skipped ${code}`],
    });
  });

  test("its pod template has changed", () => {
    expect(narrow(approved("web"), [late("web")], { template: "sha256:other" })).toMatchObject({
      left: [],
      decided: ["web: skipped template-changed"],
    });
  });

  test("its verdict has changed, and the message has the reason", () => {
    const { decided, messages } = narrow(approved("web"), [late("web")], { labels: {} });
    expect(decided).toEqual(["web: skipped verdict-changed"]);
    expect(messages[0]).toMatch(/^it was outdated when the plan was made and is now would-lose: /);
  });
});

test("a changed target stops the whole plan, and the message names a workload", () => {
  const moved = approved("web", "db").map((step) => ({
    ...step,
    to: { ...step.to, image: proxyImage("v1.27.8-1") },
  }));
  const { left, decided, messages } = narrow(moved, [late("web"), late("db")]);
  expect([left, decided]).toEqual([[], ["web: skipped target-moved", "db: skipped target-moved"]]);
  expect(messages[0]).toContain(`shop/Deployment/web would get ${TARGET} of asm-1-27`);
});

test("a target that changed with one pod template stops only that step", () => {
  const web = approved("web").map((step) => ({ ...step, template: "sha256:before" }));
  const pinned = deployment("web", {
    pods: [sidecars(2, LATE)],
    template: { annotations: { "sidecar.istio.io/proxyImage": proxyImage("v1.27.8-1") } },
  });
  expect(narrow([...web, ...approved("db")], [pinned, late("db")])).toMatchObject({
    left: ["db"],
    decided: ["web: skipped template-changed"],
  });
  const recreated = { ...pinned, uid: "another" };
  expect(narrow([...approved("web", "db")], [recreated, late("db")])).toMatchObject({
    left: ["db"],
    decided: ["web: skipped recreated"],
  });
});

test("a changed target is noticed even if a workload was brought to the new one meanwhile", () => {
  const web = approved("web").map((step) => ({
    ...step,
    to: { ...step.to, image: proxyImage("v1.27.8-1") },
  }));
  const current = deployment("web", { pods: [sidecars(2, TARGET)] });
  expect(narrow([...web, ...approved("db")], [current, late("db")])).toMatchObject({
    left: [],
    decided: ["web: skipped already-current", "db: skipped target-moved"],
  });
});
