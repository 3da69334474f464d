import { describe, expect, test } from "vitest";
import { resolveMesh } from "../../../src/mesh/mesh.ts";
import { NO_CONSENT } from "../../../src/mesh/consent.ts";
import {
  advanceAttempt,
  type AttemptAction,
  type AttemptObservation,
  type AttemptRules,
  startAttempt,
} from "../../../src/rollout/attempt.ts";
import { ended } from "../../../src/rollout/result.ts";
import type { StartPermission, StopReason } from "../../../src/rollout/schedule.ts";
import type { AssessmentOptions } from "../../../src/mesh/assessment.ts";
import { RESTARTED_AT, type RollingPod, type Workload } from "../../../src/snapshot.ts";
import { assessmentOf, meshOf } from "../../support/build/assessment.ts";
import { controlPlane } from "../../support/build/control-plane.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import {
  crashingPod,
  oldPod,
  rolloutView,
  unschedulablePod,
} from "../../support/build/rollout-view.ts";
import { stepFor } from "../../support/build/step.ts";
import { argoRollout, deployment, statefulSet } from "../../support/build/workload.ts";

const TIMEOUT = 60_000;
const RULES: AttemptRules = {
  consent: NO_CONSENT,
  timeout: TIMEOUT,
  schedulingTimeout: 30_000,
  approved: false,
  dryRun: false,
};
const LATE = [sidecars(3, proxyImage("v1.27.7-1"))];
const START = Date.parse("2026-11-22T20:00:00Z");

/** A time as a restart writes it, a number of seconds after the start. */
function timeAt(seconds: number): string {
  return new Date(START + seconds * 1000).toISOString().replace(".000", "");
}

const web = deployment("web", { pods: LATE });
const restartedAt = (time: string): Workload =>
  deployment("web", { pods: LATE, template: { annotations: { [RESTARTED_AT]: time } } });
/** `web` during a rollout that somebody else started. */
const rolling = (updated: number): Workload =>
  deployment("web", { pods: LATE, rollout: { status: { replicas: 4, updated, available: 3 } } });
/** The same with a new pod that is ready, and available 30 s later. */
const settling = deployment("web", {
  pods: LATE,
  rollout: { status: { replicas: 3, updated: 1, available: 3 }, minReadySeconds: 30 },
});
const onTarget = deployment("web", { pods: [sidecars(3, proxyImage("v1.27.9-6"))] });

function assessed(workload: Workload, stopped?: StopReason, mesh = meshOf()): AttemptObservation {
  return { kind: "assessed", assessment: assessmentOf(workload, { mesh }), mesh, stopped };
}

/** A workload whose namespace lost its label. */
function withoutSidecar(workload: Workload): AttemptObservation {
  const mesh = meshOf();
  const assessment = assessmentOf(workload, { mesh, labels: {} });
  return { kind: "assessed", assessment, mesh, stopped: undefined };
}

/** `web` while the control plane of its target is not ready. */
function withoutControlPlane(stopped?: StopReason): AttemptObservation {
  const values = { image: proxyImage("v1.27.9-6") };
  const revisions = [{ name: "asm-1-27", values, ready: false }];
  return assessed(web, stopped, resolveMesh(controlPlane({ revisions })));
}

/** An answer that gets the subject of the question, or its request, from the last action. */
type Answer =
  | AttemptObservation
  | { readonly kind: "permit"; readonly permission: StartPermission; readonly known?: string }
  | { readonly kind: "clock"; readonly restartedAt: string }
  | { readonly kind: "accept" };

type Event = readonly [at: number, Answer];

const GRANTED: Answer = { kind: "permit", permission: { kind: "granted" } };
const ACCEPT: Answer = { kind: "accept" };
const CONFLICT: Answer = { kind: "conflict", mayBeOwn: false };
/** A conflict at the second attempt of a request whose first attempt had no answer. */
const LATE_CONFLICT: Answer = { kind: "conflict", mayBeOwn: true };
const NO_ANSWER: Answer = { kind: "no-answer", message: "timed out" };
const FAILED: Answer = { kind: "failed", message: "not acceptable" };
const REJECTED: Answer = { kind: "rejected", message: "denied by a policy" };
const FORBIDDEN: Answer = { kind: "forbidden", message: "jane cannot patch it" };
const GONE: Answer = { kind: "not-assessed", ending: ended("skipped", "gone", "it is gone") };

/** The actions of an attempt for `web`, and the seconds at which it then counts as started. */
function play(
  events: readonly Event[],
  rules: Partial<AttemptRules> = {},
  planned: Workload = web,
): { readonly actions: readonly string[]; readonly startedAt: number | undefined } {
  const step = stepFor(assessmentOf(planned));
  let attempt = startAttempt(step, { ...RULES, ...rules }, START);
  let action: AttemptAction = { kind: "reassess" };
  const actions = events.map(([at, answer]) => {
    const observation = observationFor(action, answer);
    [attempt, action] = advanceAttempt(attempt, observation, START + at * 1000);
    return textOf(action);
  });
  const { startedAt } = attempt;
  return { actions, startedAt: startedAt && (startedAt.getTime() - START) / 1000 };
}

function observationFor(action: AttemptAction, answer: Answer): AttemptObservation {
  if (answer.kind === "permit" && action.kind === "request-start") {
    const { permission, known } = answer;
    const knownRefusals = new Set(known === undefined ? [] : [known]);
    return { kind: "permission", candidate: action.candidate, permission, knownRefusals };
  }
  if (answer.kind === "clock" && action.kind === "ask-server-time") {
    return { kind: "server-time", request: action.request, restartedAt: answer.restartedAt };
  }
  if (answer.kind === "accept" && action.kind === "patch") {
    return { kind: "accepted", request: action.request };
  }
  if (answer.kind === "permit" || answer.kind === "clock" || answer.kind === "accept") {
    throw new Error(`"${answer.kind}" does not answer "${action.kind}"`);
  }
  return answer;
}

function textOf(action: AttemptAction): string {
  switch (action.kind) {
    case "wait":
      return action.report === undefined ? "wait" : `wait: ${action.report}`;
    case "wait-until":
      return `wait until ${(action.time - START) / 1000}`;
    case "request-start":
      return "request start";
    case "ask-server-time":
      return "ask the server for its time";
    case "patch":
      return `patch ${action.request.restartedAt}`;
    case "follow":
      return `follow ${action.restart.restartedAt}`;
    case "end":
      return `${action.ending.outcome} ${action.ending.code}`;
    default:
      return action.kind;
  }
}

const ROLLING = (updated: number) =>
  `wait: already rolling: ${updated} of 3 new pods have been created`;

interface Case {
  readonly rule: string;
  readonly events: readonly Event[];
  readonly actions: readonly string[];
  readonly startedAt?: number;
  readonly rules?: Partial<AttemptRules>;
}

describe("an attempt", () => {
  test.each<Case>([
    {
      rule: "assesses, asks for permission, patches and follows",
      events: [
        [0, assessed(web)],
        [1, GRANTED],
        [2, ACCEPT],
      ],
      actions: ["request start", `patch ${timeAt(1)}`, `follow ${timeAt(1)}`],
      startedAt: 1,
    },
    {
      rule: "never writes the time that is there already",
      events: [
        [0, assessed(restartedAt(timeAt(1)))],
        [1, GRANTED],
      ],
      actions: ["request start", `patch ${timeAt(2)}`],
      startedAt: 1,
    },
    {
      rule: "changes nothing in a dry run",
      rules: { dryRun: true },
      events: [
        [0, assessed(web)],
        [1, GRANTED],
        [2, ACCEPT],
      ],
      actions: ["request start", `patch ${timeAt(1)}`, "skipped dry-run"],
    },
    {
      rule: "leaves a workload alone that is on target",
      events: [[0, assessed(onTarget)]],
      actions: ["skipped already-current"],
    },
    {
      rule: "leaves a workload alone that is gone",
      events: [[0, GONE]],
      actions: ["skipped gone"],
    },
    {
      rule: "of an approved plan refuses a pod template that was not read",
      rules: { approved: true },
      events: [[0, assessed(web)]],
      actions: ["skipped template-changed"],
    },
    {
      rule: "waits until the permitted time, and assesses again",
      events: [
        [0, assessed(web)],
        [0, { kind: "permit", permission: { kind: "not-before", time: START + 5000 } }],
        [5, assessed(web)],
      ],
      actions: ["request start", "wait until 5", "request start"],
    },
    {
      rule: "does not start after a stop",
      events: [
        [0, assessed(web)],
        [0, { kind: "permit", permission: { kind: "stopped", reason: "deadline" } }],
      ],
      actions: ["request start", "not-started deadline"],
    },
    {
      rule: "ends at once after an abort",
      events: [
        [0, assessed(rolling(1))],
        [1, { kind: "aborted" }],
      ],
      actions: [ROLLING(1), "not-started interrupted"],
    },
    ...(
      [
        ["fails", FAILED, "failed api-error"],
        ["is rejected", REJECTED, "skipped rejected"],
        ["is not allowed", FORBIDDEN, "not-started permission-lost"],
      ] as const
    ).map(([how, answer, end]) => ({
      rule: `whose patch ${how} has started nothing`,
      events: [
        [0, assessed(web)],
        [1, GRANTED],
        [2, answer],
      ] as const,
      actions: ["request start", `patch ${timeAt(1)}`, end],
    })),
    {
      rule: "that may no longer read its workload ends",
      events: [[0, FORBIDDEN]],
      actions: ["not-started permission-lost"],
    },
  ])("$rule", ({ events, actions, startedAt, rules }) => {
    expect(play(events, rules)).toEqual({ actions, startedAt });
  });
});

describe("an attempt that waits", () => {
  test.each<Case>([
    {
      rule: "reports each message once",
      events: [
        [0, assessed(rolling(1))],
        [1, assessed(rolling(1))],
        [2, assessed(rolling(2))],
        [3, assessed(rolling(2))],
      ],
      actions: [ROLLING(1), "wait", ROLLING(2), "wait"],
    },
    {
      rule: "gives up without progress for the timeout",
      events: [
        [0, assessed(rolling(1))],
        [59, assessed(rolling(1))],
        [60, assessed(rolling(1))],
      ],
      actions: [ROLLING(1), "wait", "timed-out still-waiting"],
    },
    {
      rule: "has the whole timeout again after progress",
      events: [
        [0, assessed(rolling(1))],
        [50, assessed(rolling(2))],
        [109, assessed(rolling(2))],
        [110, assessed(rolling(2))],
      ],
      actions: [ROLLING(1), ROLLING(2), "wait", "timed-out still-waiting"],
    },
    {
      rule: "has minReadySeconds more until a ready pod of that rollout is available",
      events: [
        [0, assessed(settling)],
        [89, assessed(settling)],
        [90, assessed(settling)],
      ],
      actions: [ROLLING(1), "wait", "timed-out still-waiting"],
    },
    {
      rule: "says so when it asks for permission",
      events: [
        [0, assessed(rolling(1))],
        [5, assessed(web)],
      ],
      actions: [ROLLING(1), "request start"],
    },
    {
      rule: "is done if the rollout that it waited for brought the workload on target",
      events: [
        [0, assessed(rolling(1))],
        [5, assessed(onTarget)],
      ],
      actions: [ROLLING(1), "waited on-target"],
    },
    {
      rule: "for a rollout continues after a stop",
      events: [[0, assessed(rolling(1), "interrupted")]],
      actions: [ROLLING(1)],
    },
    {
      rule: "for a control plane ends after a stop",
      events: [
        [0, withoutControlPlane()],
        [1, withoutControlPlane("failures")],
      ],
      actions: ["wait: the control plane istiod-asm-1-27 is not ready", "not-started max-failures"],
    },
  ])("$rule", ({ events, actions, startedAt }) => {
    expect(play(events)).toEqual({ actions, startedAt });
  });
});

/** `web` with one new pod, which somebody else's rollout created, beside three old ones. */
function stuck(fresh: RollingPod, options: Partial<AssessmentOptions> = {}): AttemptObservation {
  const group = { ...sidecars(1, fresh.image ?? "", { ready: 0 }), podNames: [fresh.name] };
  const pods =
    fresh.image === LATE[0]?.image ? LATE : [...LATE, { ...group, trouble: fresh.trouble }];
  const status = { replicas: 4, updated: 1, available: 3 };
  const workload = deployment("web", { pods, rollout: { replicas: 3, unavailable: 0, status } });
  const view = rolloutView(workload, {
    pods: [oldPod("web-1"), oldPod("web-2"), oldPod("web-3"), fresh],
  });
  const assessment = assessmentOf(workload, { policy: options });
  return { kind: "assessed", assessment, mesh: meshOf(), stopped: undefined, view };
}

describe("an attempt that waits for a rollout which is stuck", () => {
  const unhealthy: Partial<AttemptRules> = { consent: { ...NO_CONSENT, unhealthy: true } };
  const crashing = stuck(crashingPod("web-4"));
  const stumbling = stuck(crashingPod("web-4", "passing"));
  const pending = stuck(unschedulablePod("web-4"));
  const isIn =
    "wait: already rolling: the new pod web-4 is in CrashLoopBackOff: back-off; 3 old pods still serve";
  const noNode =
    "wait: already rolling: the new pod web-4 cannot be scheduled: no nodes available; 3 old pods still serve";
  const offTarget = stuck(crashingPod("web-4", "final", proxyImage("v1.27.7-1")), {
    unhealthy: true,
  });

  const db = statefulSet("web", {
    pods: [sidecars(1, proxyImage("v1.27.7-1"), { ready: 0 })],
    rollout: { replicas: 3, status: { ready: 0, updated: 0 } },
  });
  const headless: AttemptObservation = {
    kind: "assessed",
    assessment: assessmentOf(db, { policy: { unhealthy: true } }),
    mesh: meshOf(),
    stopped: undefined,
    view: rolloutView(db, { pods: [oldPod("web-0", { ready: false })] }),
  };

  test.each<Case>([
    {
      rule: "ends at once if the trouble is final",
      events: [[0, crashing]],
      actions: ["skipped stuck-rollout"],
    },
    {
      rule: "ends after the grace period of the trouble",
      events: [
        [0, stumbling],
        [29, stumbling],
        [30, stumbling],
      ],
      actions: [isIn, "wait", "skipped stuck-rollout"],
    },
    {
      rule: "ends if no node is on its way",
      events: [
        [0, pending],
        [30, pending],
        [30, { kind: "room", expected: false }],
      ],
      actions: [noNode, "check-room", "skipped stuck-rollout"],
    },
    {
      rule: "waits for a node that is on its way",
      events: [
        [0, pending],
        [30, pending],
        [30, { kind: "room", expected: true }],
      ],
      actions: [noNode, "check-room", "wait"],
    },
    {
      rule: "never restarts on top of it, even with --include unhealthy",
      rules: unhealthy,
      events: [[0, stuck(crashingPod("web-4"), { unhealthy: true })]],
      actions: ["skipped stuck-rollout"],
    },
    {
      rule: "never restarts what is stuck behind an old pod that has to be deleted",
      rules: { ...unhealthy, timeout: 600_000 },
      events: [
        [0, headless],
        [119, headless],
        [120, headless],
      ],
      actions: [
        "wait: already rolling: the old pod web-0 is not ready, and an OrderedReady StatefulSet creates no other pod until it is; no old pod is serving",
        "wait",
        "skipped stuck-rollout",
      ],
    },
    {
      rule: "restarts it with --include unhealthy if its pods have another sidecar",
      rules: unhealthy,
      events: [[0, offTarget]],
      actions: ["request start"],
    },
  ])("$rule", ({ events, actions, startedAt, rules }) => {
    expect(play(events, rules)).toEqual({ actions, startedAt });
  });
});

describe("an attempt that met a conflict", () => {
  test.each<Case>([
    {
      rule: "assesses again, and sends a restart with a time of its own",
      events: [
        [0, assessed(web)],
        [1, GRANTED],
        [1, CONFLICT],
        [5, assessed(web)],
        [5, GRANTED],
        [6, ACCEPT],
      ],
      actions: [
        "request start",
        `patch ${timeAt(1)}`,
        "retry",
        "request start",
        `patch ${timeAt(5)}`,
        `follow ${timeAt(5)}`,
      ],
      startedAt: 5,
    },
    {
      rule: "repeats the same patch if an earlier one may still arrive",
      events: [
        [0, assessed(web)],
        [1, GRANTED],
        [1, LATE_CONFLICT],
        [5, assessed(web)],
        [5, GRANTED],
        [6, CONFLICT],
        [7, assessed(web)],
        [7, GRANTED],
        [8, ACCEPT],
      ],
      actions: [
        "request start",
        `patch ${timeAt(1)}`,
        "retry",
        "request start",
        `patch ${timeAt(1)}`,
        "retry",
        "request start",
        `patch ${timeAt(1)}`,
        `follow ${timeAt(1)}`,
      ],
      startedAt: 1,
    },
    {
      rule: "is not the restart of another run that wrote the same second",
      events: [
        [0, assessed(web)],
        [1, GRANTED],
        [1, CONFLICT],
        [1, assessed(restartedAt(timeAt(1)))],
        [1, GRANTED],
      ],
      actions: [
        "request start",
        `patch ${timeAt(1)}`,
        "retry",
        "request start",
        `patch ${timeAt(2)}`,
      ],
      startedAt: 1,
    },
    {
      rule: "follows its own restart if that was the change",
      events: [
        [0, assessed(web)],
        [1, GRANTED],
        [1, LATE_CONFLICT],
        [2, assessed(restartedAt(timeAt(1)))],
      ],
      actions: ["request start", `patch ${timeAt(1)}`, "retry", `follow ${timeAt(1)}`],
      startedAt: 1,
    },
    {
      rule: "leaves the workload to another restart that brought it on target",
      events: [
        [0, assessed(web)],
        [1, GRANTED],
        [1, CONFLICT],
        [2, assessed(onTarget)],
      ],
      actions: ["request start", `patch ${timeAt(1)}`, "retry", "skipped already-current"],
    },
    {
      rule: "gives up after the timeout on a workload that keeps changing",
      events: [
        [0, assessed(web)],
        [0, GRANTED],
        [1, CONFLICT],
        [59, assessed(web)],
        [59, GRANTED],
        [59, CONFLICT],
        [60, assessed(web)],
      ],
      actions: [
        "request start",
        `patch ${timeAt(0)}`,
        "retry",
        "request start",
        `patch ${timeAt(59)}`,
        "retry",
        "timed-out still-changing",
      ],
    },
    {
      rule: "waits for the rollout of the other change",
      events: [
        [0, assessed(web)],
        [1, GRANTED],
        [1, CONFLICT],
        [2, assessed(rolling(1))],
      ],
      actions: ["request start", `patch ${timeAt(1)}`, "retry", ROLLING(1)],
    },
  ])("$rule", ({ events, actions, startedAt }) => {
    expect(play(events)).toEqual({ actions, startedAt });
  });
});

describe("an attempt whose answer was lost", () => {
  const sent: readonly Event[] = [
    [0, assessed(web)],
    [1, GRANTED],
    [9, NO_ANSWER],
  ];
  const actions = ["request start", `patch ${timeAt(1)}`, "retry"];

  test("follows the restart if it was accepted", () => {
    expect(play([...sent, [10, assessed(restartedAt(timeAt(1)))]])).toEqual({
      actions: [...actions, `follow ${timeAt(1)}`],
      startedAt: 1,
    });
  });

  test.each<[what: string, answer: Answer]>([
    ["an answer was lost", NO_ANSWER],
    ["a conflict came after a lost answer", LATE_CONFLICT],
  ])("follows the restart if its pods have no target any more, after %s", (_what, answer) => {
    const lost: Event = [10, withoutSidecar(restartedAt(timeAt(1)))];
    expect(play([...sent.slice(0, 2), [9, answer], lost])).toEqual({
      actions: [...actions, `follow ${timeAt(1)}`],
      startedAt: 1,
    });
  });

  test.each<[what: string, answer: Answer]>([
    ["an answer was lost", NO_ANSWER],
    ["a conflict came after a lost answer", LATE_CONFLICT],
  ])(
    "waits for the rollout of a restart by another in the same second, after %s",
    (_what, answer) => {
      const { template } = restartedAt(timeAt(1));
      const seenBy = (name: string): Event => {
        const templateManagers = [{ name, changedAt: timeAt(1), restarted: true }];
        return [10, assessed({ ...rolling(1), template, templateManagers })];
      };
      const before: readonly Event[] = [...sent.slice(0, 2), [9, answer]];
      expect(play([...before, seenBy("kubectl-rollout")])).toEqual({
        actions: [...actions, ROLLING(1)],
        startedAt: undefined,
      });
      expect(play([...before, seenBy("istio-upgrade")])).toEqual({
        actions: [...actions, `follow ${timeAt(1)}`],
        startedAt: 1,
      });
    },
  );

  test.each<[what: string, seen: Answer, ending: string]>([
    ["is on target", assessed(onTarget), "skipped already-current"],
    ["would lose its sidecar", withoutSidecar(web), "skipped no-label"],
    ["is gone", GONE, "skipped gone"],
    ["is rejected", REJECTED, "skipped rejected"],
  ])("counts as possibly started if the workload %s after a conflict", (_what, seen, ending) => {
    expect(play([...sent.slice(0, 2), [9, LATE_CONFLICT], [10, seen]])).toEqual({
      actions: [...actions, ending],
      startedAt: 1,
    });
  });

  test.each<[what: string, seen: Answer]>([
    ["is as before", assessed(web)],
    ["is gone", GONE],
    ["could not be read", FAILED],
    ["may no longer be read", FORBIDDEN],
  ])("fails as possibly started if the workload %s", (_what, seen) => {
    expect(play([...sent, [10, seen]])).toEqual({
      actions: [...actions, "failed api-error"],
      startedAt: 1,
    });
  });

  test("knows the refusals from before the patch", () => {
    const known: Answer = { kind: "permit", permission: { kind: "granted" }, known: "event-1" };
    const step = stepFor(assessmentOf(web));
    let attempt = startAttempt(step, RULES, START);
    let action: AttemptAction = { kind: "reassess" };
    for (const answer of [assessed(web), known, NO_ANSWER, assessed(restartedAt(timeAt(0)))]) {
      [attempt, action] = advanceAttempt(attempt, observationFor(action, answer), START);
    }
    expect(action).toMatchObject({
      kind: "follow",
      restart: { knownRefusals: new Set(["event-1"]) },
    });
  });
});

describe("an Argo Rollout", () => {
  const canary = argoRollout("web", { pods: LATE });
  const asked: readonly Event[] = [
    [0, assessed(canary)],
    [1, GRANTED],
  ];

  test("is restarted at the server's time", () => {
    const events: readonly Event[] = [
      ...asked,
      [2, { kind: "clock", restartedAt: timeAt(100) }],
      [3, ACCEPT],
    ];
    expect(play(events, {}, canary)).toEqual({
      actions: [
        "request start",
        "ask the server for its time",
        `patch ${timeAt(100)}`,
        `follow ${timeAt(100)}`,
      ],
      startedAt: 1,
    });
  });

  test("is assessed again if it changes while the server is asked", () => {
    const events: readonly Event[] = [...asked, [2, CONFLICT], [3, assessed(canary)]];
    expect(play(events, {}, canary).actions).toEqual([
      "request start",
      "ask the server for its time",
      "retry",
      "request start",
    ]);
  });

  test("needs no time for a dry run", () => {
    expect(play(asked, { dryRun: true }, canary).actions).toEqual([
      "request start",
      `patch ${timeAt(1)}`,
    ]);
  });
});
