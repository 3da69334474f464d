import { describe, expect, test } from "vitest";
import type { InPlace } from "../../../src/mesh/in-place.ts";
import { advanceReplacing, startReplacing } from "../../../src/rollout/replacing.ts";
import type {
  Replacing,
  ReplacingAction,
  ReplacingObservation,
} from "../../../src/rollout/replacing-state.ts";
import { type SidecarPod, type SidecarStatus } from "../../../src/sidecar-pod.ts";
import {
  imageNode,
  NEW_IMAGE,
  NEW_STATUS,
  OLD_IMAGE,
  sidecarPod,
} from "../../support/build/sidecar-pod.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { sidecars } from "../../support/build/pod-group.ts";
import { stepFor } from "../../support/build/step.ts";
import { deployment } from "../../support/build/workload.ts";

const START = Date.parse("2026-11-22T20:00:00Z");
const MINUTE = 60_000;

const RULES = {
  timeout: 10 * MINUTE,
  dryRun: false,
  consent: { downtime: false, pull: false },
};

const TO = { revision: "asm-1-29", image: NEW_IMAGE };

/** One run of the machine, whose clock moves only when a test says so. */
class Machine {
  state: Replacing;
  now = START;
  action: ReplacingAction = { kind: "judge" };

  constructor(rules: Partial<typeof RULES> = {}) {
    const pods = [sidecars(2, OLD_IMAGE, { native: true })];
    const planned = { ...stepFor(assessmentOf(deployment("web", { pods }))), to: TO };
    this.state = startReplacing(planned, { ...RULES, ...rules }, this.now);
  }

  see(observation: ReplacingObservation, after = 1000): ReplacingAction {
    this.now += after;
    [this.state, this.action] = advanceReplacing(this.state, observation, this.now);
    return this.action;
  }

  /** Shows a pod that is ready, twice: the first read may show a passing state. */
  ready(pod: SidecarPod): ReplacingAction {
    expect(this.see({ kind: "seen", pod })).toMatchObject({ kind: "poll" });
    return this.see({ kind: "seen", pod });
  }

  /** Judges, and patches the first pod. */
  patch(pods: readonly SidecarPod[] = [sidecarPod("web-1"), sidecarPod("web-2")]): void {
    const asked = this.see(judged({ pods }));
    const request =
      asked.kind === "request-start" || asked.kind === "patch" ? asked.request : undefined;
    if (request === undefined) throw new Error(`the action is ${asked.kind}`);
    if (asked.kind === "request-start") {
      this.see({ kind: "permission", permission: { kind: "granted" }, request });
    }
    expect(this.action).toMatchObject({
      kind: "patch",
      request: { mark: { image: OLD_IMAGE, to: NEW_IMAGE } },
    });
    expect(this.see({ kind: "accepted", request })).toMatchObject({ kind: "poll" });
  }

  get ending() {
    if (this.action.kind !== "end") throw new Error(`the action is ${this.action.kind}`);
    return this.action.ending;
  }
}

type Judged = ReplacingObservation & { readonly kind: "judged" };

function judged({
  pods = [],
  ...others
}: Partial<Judged> & { readonly pods?: readonly SidecarPod[] }): Judged {
  const possible: InPlace = { kind: "possible", pods, pulls: [] };
  return {
    kind: "judged",
    inPlace: possible,
    sameImage: new Set(),
    ready: 2,
    wanted: 2,
    minReady: 0,
    stopped: undefined,
    hold: undefined,
    ...others,
  };
}

function against(code: string, reason = "a reason"): InPlace {
  return { kind: "impossible", finding: { code, reason, nextStep: "" } };
}

const NOTHING_LEFT = against("in-place-no-pods", "");

function replaced(name: string, change: Partial<SidecarStatus> = {}, ready = true): SidecarPod {
  return sidecarPod(name, {
    ready,
    proxy: { image: NEW_IMAGE, status: { ...NEW_STATUS, ...change } },
  });
}

const CRASHING = { ready: false, waiting: "CrashLoopBackOff", message: "back-off; exit code 7" };

describe("replacing the sidecars of a workload", () => {
  test("takes one pod after the other, each ready before the next", () => {
    const machine = new Machine();
    machine.patch();
    expect(
      machine.see({ kind: "seen", pod: replaced("web-1", { ready: false }, false) }),
    ).toMatchObject({
      kind: "poll",
      pod: { name: "web-1" },
    });
    expect(machine.ready(replaced("web-1"))).toMatchObject({ kind: "finish" });
    expect(machine.see({ kind: "finished" })).toEqual({ kind: "judge" });
    machine.patch([sidecarPod("web-2")]);
    machine.ready(replaced("web-2"));
    machine.see({ kind: "finished" });
    machine.see(judged({ inPlace: NOTHING_LEFT }));
    expect(machine.ending).toMatchObject({
      outcome: "replaced",
      message: "2 sidecars replaced, application not restarted",
    });
    expect(machine.state.ended).toMatchObject([
      {
        name: "web-1",
        outcome: "replaced",
        before: { containerId: "containerd://old" },
        after: { containerId: "containerd://new" },
      },
      { name: "web-2", outcome: "replaced" },
    ]);
  });

  test("waits for the other pods before the next one, until the timeout", () => {
    const machine = new Machine();
    machine.patch();
    machine.ready(replaced("web-1"));
    machine.see({ kind: "finished" });
    const unready = judged({ pods: [sidecarPod("web-2")], ready: 1 });
    expect(machine.see(unready)).toEqual({ kind: "wait", report: "1 of 2 pods are ready" });
    expect(machine.see(unready)).toEqual({ kind: "wait", report: undefined });
    expect(machine.see(unready, 9 * MINUTE)).toMatchObject({ kind: "wait" });
    machine.see(unready, MINUTE);
    expect(machine.ending).toMatchObject({
      outcome: "timed-out",
      message: "1 of 2 sidecars replaced; no progress for 10m while waiting: 1 of 2 pods are ready",
    });
  });

  test.for([
    [
      "crashes",
      { kind: "seen", pod: replaced("web-1", CRASHING, false) },
      1000,
      "back-off; exit code 7",
    ],
    [
      "is not ready within its grace",
      { kind: "seen", pod: replaced("web-1", { ready: false }, false) },
      MINUTE,
      "not ready after 1m: the new sidecar is not ready",
    ],
  ] as const)("takes back a sidecar that %s", ([, seen, after, why]) => {
    const machine = new Machine();
    machine.patch();
    expect(machine.see(seen, after)).toMatchObject({
      kind: "take-back",
      current: { failure: why, before: { image: OLD_IMAGE } },
    });
    machine.see({ kind: "returned" });
    expect(machine.see({ kind: "seen", pod: sidecarPod("web-1", { ready: false }) })).toMatchObject(
      {
        kind: "poll",
      },
    );
    machine.see({ kind: "seen", pod: sidecarPod("web-1") });
    expect(machine.ending).toMatchObject({ outcome: "failed", code: "taken-back" });
    expect(machine.ending.message).toContain(`(${why}); taken back to ${OLD_IMAGE}`);
    expect(machine.state.ended).toMatchObject([{ name: "web-1", outcome: "taken-back" }]);
  });

  test("does not take back a moment before the grace is over", () => {
    const machine = new Machine();
    machine.patch();
    const seen = { kind: "seen", pod: replaced("web-1", { ready: false }, false) } as const;
    expect(machine.see(seen, MINUTE - 1)).toMatchObject({ kind: "poll" });
  });

  test("says so if the old sidecar does not become ready either", () => {
    const machine = new Machine();
    machine.patch();
    machine.see({ kind: "seen", pod: replaced("web-1", CRASHING, false) });
    // The answer to the patch back was lost, but the pod has the old image.
    machine.see({ kind: "no-answer", message: "timeout" });
    const back = sidecarPod("web-1", { ready: false });
    expect(machine.see({ kind: "seen", pod: back })).toMatchObject({ kind: "poll" });
    machine.see({ kind: "seen", pod: back }, MINUTE);
    expect(machine.ending).toMatchObject({
      outcome: "failed",
      code: "not-taken-back",
      nextStep: { args: ["restart", "deployment/web", "--namespace", "shop", "--in-place"] },
    });
  });

  test("does not take back a ready sidecar whose pod is not ready, and gives up after the timeout", () => {
    const machine = new Machine();
    machine.patch();
    const seen = { kind: "seen", pod: replaced("web-1", {}, false) } as const;
    expect(machine.see(seen, 5 * MINUTE)).toMatchObject({ kind: "poll" });
    machine.see(seen, 5 * MINUTE);
    expect(machine.ending).toMatchObject({ outcome: "timed-out", code: "no-progress" });
  });

  test("fails if a container of the application restarted meanwhile", () => {
    const machine = new Machine();
    machine.patch();
    const application = [{ name: "app", restartCount: 1, startedAt: "2026-11-22T20:00:03Z" }];
    machine.ready({ ...replaced("web-1"), application });
    machine.see({ kind: "finished" });
    expect(machine.ending).toMatchObject({ outcome: "failed", code: "application-restarted" });
  });

  test("finishes what an earlier run has begun", () => {
    const machine = new Machine();
    const [first, mark] = [sidecarPod("web-1"), markOfEarlierRun()];
    const pod = { ...replaced("web-1", CRASHING, false), replacing: mark };
    expect(machine.see(judged({ pods: [pod, first] }))).toMatchObject({
      kind: "poll",
      pod: { name: "web-1" },
    });
    expect(machine.see({ kind: "seen", pod })).toMatchObject({ kind: "take-back" });
  });

  test("continues with the other pods if one is deleted meanwhile", () => {
    const machine = new Machine();
    machine.patch();
    expect(machine.see({ kind: "seen", pod: undefined })).toEqual({ kind: "judge" });
    expect(machine.state.ended).toMatchObject([
      { name: "web-1", outcome: "gone", after: undefined },
    ]);
  });

  test("fails if the bare pod itself is deleted meanwhile", () => {
    const machine = new Machine();
    machine.patch([sidecarPod("web-1")]);
    machine.see({ kind: "seen", pod: undefined });
    const gone = { outcome: "skipped", code: "gone", message: "gone", nextStep: "" } as const;
    machine.see({ kind: "not-judged", ending: gone });
    expect(machine.ending).toMatchObject({ outcome: "failed", code: "gone" });
  });

  test("begins with no pod once the run is stopped", () => {
    const machine = new Machine();
    machine.patch();
    machine.ready(replaced("web-1"));
    machine.see({ kind: "finished" });
    machine.see(judged({ pods: [sidecarPod("web-2")], stopped: "interrupted" }));
    expect(machine.ending).toMatchObject({
      outcome: "not-started",
      message: "1 of 2 sidecars replaced; the run was interrupted",
    });
  });

  test("judges again after a conflict, and takes a second one of the same version for a rejection", () => {
    const machine = new Machine();
    const pods = [sidecarPod("web-1")];
    const rejection = {
      kind: "conflict",
      pod: pods[0],
      message: "denied by a policy",
    } as ReplacingObservation;
    const asked = machine.see(judged({ pods }));
    if (asked.kind !== "request-start") throw new Error(asked.kind);
    machine.see({ kind: "permission", permission: { kind: "granted" }, request: asked.request });
    expect(machine.see(rejection)).toMatchObject({ kind: "wait" });
    const changed = [sidecarPod("web-1", { resourceVersion: "101" })];
    expect(machine.see(judged({ pods: changed }))).toMatchObject({ kind: "request-start" });
    machine.see(rejection);
    machine.see(judged({ pods }));
    expect(machine.ending).toMatchObject({ outcome: "skipped", code: "rejected" });
    expect(machine.ending.message).toContain("denied by a policy");
  });

  test("pulls missing images first, and leaves the workload alone if a node cannot", () => {
    const machine = new Machine();
    const pulls = [{ node: imageNode(), image: NEW_IMAGE }];
    const inPlace: InPlace = { kind: "possible", pods: [sidecarPod("web-1")], pulls };
    expect(machine.see(judged({ inPlace }))).toEqual({ kind: "pull", pulls });
    expect(machine.see({ kind: "pulled", failure: undefined })).toEqual({ kind: "judge" });
    machine.see(judged({ inPlace }));
    machine.see({ kind: "pulled", failure: "node-1 cannot pull" });
    expect(machine.ending).toMatchObject({ outcome: "skipped", code: "image-not-pulled" });
  });

  test("patches nothing in a dry run", () => {
    const machine = new Machine({ dryRun: true });
    const asked = machine.see(judged({ pods: [sidecarPod("web-1")] }));
    if (asked.kind !== "request-start") throw new Error(asked.kind);
    expect(asked.request.dryRun).toBe(true);
    machine.see({ kind: "accepted", request: asked.request });
    expect(machine.ending).toMatchObject({ outcome: "skipped", code: "dry-run" });
  });

  test("waits for a control plane that is not ready", () => {
    const machine = new Machine();
    const held = judged({ pods: [sidecarPod("web-1")], hold: "istiod is not ready" });
    expect(machine.see(held)).toEqual({ kind: "wait", report: "istiod is not ready" });
    machine.see(held, 10 * MINUTE);
    expect(machine.ending).toMatchObject({ outcome: "timed-out", code: "still-waiting" });
  });
});

function markOfEarlierRun() {
  return {
    image: OLD_IMAGE,
    to: NEW_IMAGE,
    at: new Date(START - MINUTE).toISOString(),
    containerId: "containerd://old",
    imageId: "proxyv2@sha256:old",
    restartCount: 0,
    application: [],
  };
}
