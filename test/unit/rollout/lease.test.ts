import { describe, expect, test } from "vitest";
import type { Lease } from "../../../src/lease.ts";
import {
  advanceHolding,
  advanceTaking,
  type HoldObservation,
  type LeaseLoss,
  releasedContent,
  startHolding,
  type TakeAction,
} from "../../../src/rollout/lease.ts";
import { endingOfHeldLease, lossText, observedText } from "../../../src/rollout/lease-ending.ts";
import { createStepFormatter } from "../../../src/report/next-step-text.ts";

const START = Date.parse("2026-11-30T02:00:00Z");
const PLACE = { namespace: "ops", name: "istio-upgrade" };
const ME = "ops-1_42_0123456789ab";
const OTHER = "ci-7_1_ba9876543210";

/** A lease of another run; times are seconds from the start. */
function leaseOf(
  renewed: number | undefined,
  { holder = OTHER, seconds = 30, version = "7", transitions = 2, uid = "uid-1" } = {},
): Lease {
  return {
    uid,
    resourceVersion: version,
    holder,
    duration: seconds === 0 ? undefined : seconds * 1000,
    acquiredAt: new Date(START - 60_000),
    renewedAt: renewed === undefined ? undefined : new Date(START + renewed * 1000),
    transitions,
  };
}

/** The lease at each read; the seconds of the reads; the kind of each action. */
type Reads = readonly (readonly [second: number, lease: Lease | undefined])[];

function take(reads: Reads): readonly TakeAction[] {
  let taking = { identity: ME, watched: undefined } as Parameters<typeof advanceTaking>[0];
  return reads.map(([second, lease]) => {
    const [next, action] = advanceTaking(taking, lease, START + second * 1000);
    taking = next;
    return action;
  });
}

describe("a run that wants a lease", () => {
  test.each<[rule: string, reads: Reads, kinds: readonly TakeAction["kind"][]]>([
    ["creates it if it does not exist", [[0, undefined]], ["create"]],
    ["takes one without a holder at once", [[0, leaseOf(0, { holder: "" })]], ["take"]],
    ["has the one with its own name", [[0, leaseOf(0, { holder: ME })]], ["own"]],
    ["leaves one alone that was renewed a moment ago", [[0, leaseOf(-29)]], ["held"]],
    ["leaves one alone whose holder's clock is a little ahead", [[0, leaseOf(29)]], ["held"]],
    ["watches one that seems to have expired", [[0, leaseOf(-30)]], ["observe"]],
    ["watches one that was renewed far in the future", [[0, leaseOf(3600)]], ["observe"]],
    ["watches one that was never renewed", [[0, leaseOf(undefined)]], ["observe"]],
    [
      "takes it after its duration without a change",
      [0, 2, 28, 29.9, 30].map((second) => [second, leaseOf(-30)] as const),
      ["observe", "observe", "observe", "observe", "take"],
    ],
    [
      "watches it for its own duration, not for that of this program",
      [
        [0, leaseOf(-9, { seconds: 5 })],
        [4.9, leaseOf(-9, { seconds: 5 })],
        [5, leaseOf(-9, { seconds: 5 })],
      ],
      ["observe", "observe", "take"],
    ],
    [
      "watches one without a duration for thirty seconds",
      [
        [0, leaseOf(-31, { seconds: 0 })],
        [29, leaseOf(-31, { seconds: 0 })],
        [30, leaseOf(-31, { seconds: 0 })],
      ],
      ["observe", "observe", "take"],
    ],
    [
      "leaves it alone once its holder renews it, even by a clock that is an hour late",
      [
        [0, leaseOf(-3600)],
        [10, leaseOf(-3590)],
      ],
      ["observe", "held"],
    ],
    [
      "leaves it alone once another run was faster",
      [
        [0, leaseOf(-30)],
        [30, leaseOf(29, { holder: "third", transitions: 3 })],
      ],
      ["observe", "held"],
    ],
    [
      "takes it once its holder gives it back",
      [
        [0, leaseOf(-30)],
        [2, leaseOf(1, { holder: "" })],
      ],
      ["observe", "take"],
    ],
    [
      "creates it once somebody deletes it",
      [
        [0, leaseOf(-30)],
        [2, undefined],
      ],
      ["observe", "create"],
    ],
    [
      "does not begin to wait again if only a label of it changes",
      [
        [0, leaseOf(-30)],
        [30, leaseOf(-30, { version: "8" })],
      ],
      ["observe", "take"],
    ],
  ])("%s", (_rule, reads, kinds) => {
    expect(take(reads).map(({ kind }) => kind)).toEqual(kinds);
  });

  test("writes its name, the times of its clock, and one change of holder more", () => {
    const found = leaseOf(-90, { holder: "" });
    const [created, taken] = [take([[3, undefined]])[0], take([[3, found]])[0]];
    const now = new Date(START + 3000);
    const content = { holder: ME, duration: 30_000, acquiredAt: now, renewedAt: now };
    expect(created).toEqual({ kind: "create", content: { ...content, transitions: 0 } });
    expect(taken).toEqual({ kind: "take", lease: found, content: { ...content, transitions: 3 } });
  });

  test("reads an expired lease every two seconds, and knows how long it has to wait", () => {
    const watched = leaseOf(-30);
    const actions = take([0, 2, 29].map((second) => [second, watched] as const));
    expect(actions).toEqual([
      { kind: "observe", lease: watched, pause: 2000, left: 30_000 },
      { kind: "observe", lease: watched, pause: 2000, left: 28_000 },
      { kind: "observe", lease: watched, pause: 1000, left: 1000 },
    ]);
  });
});

const OWN = leaseOf(0, { holder: ME });

/** Plays observations, each at its second, and returns the actions. */
function hold(plays: readonly (readonly [second: number, observation: HoldObservation])[]) {
  let holding = startHolding(OWN);
  return plays.map(([second, observation]) => {
    const [next, action] = advanceHolding(holding, observation, START + second * 1000);
    holding = next;
    switch (action.kind) {
      case "wait":
        return `wait ${action.milliseconds / 1000}`;
      case "renew":
        return `renew ${action.lease.resourceVersion}`;
      case "lost":
        return `lost: ${action.loss.kind}`;
    }
  });
}

const TICK = { kind: "tick" } as const;
const FAILED = { kind: "failed", message: "no answer" } as const;
const renewed = (second: number, version: string) =>
  ({
    kind: "renewed",
    lease: leaseOf(second, { holder: ME, version }),
    sentAt: START + second * 1000,
  }) as const;
const found = (lease: Lease | undefined) => ({ kind: "found", lease, message: "denied" }) as const;

describe("a run that holds a lease", () => {
  test.each<[rule: string, plays: Parameters<typeof hold>[0], actions: readonly string[]]>([
    [
      "renews it every ten seconds, each time the version before",
      [
        [0, TICK],
        [10, TICK],
        [10.2, renewed(10, "8")],
        [20, TICK],
      ],
      ["wait 10", "renew 7", "wait 9.8", "renew 8"],
    ],
    [
      "tries again every two seconds, until twenty seconds after the last renewal",
      [
        [10, TICK],
        [10.1, FAILED],
        [12.1, TICK],
        [18, FAILED],
        [19, FAILED],
        [20, TICK],
        [21, renewed(20, "8")],
      ],
      [
        "renew 7",
        "wait 2",
        "renew 7",
        "wait 2",
        "wait 1",
        "lost: not-renewed",
        "lost: not-renewed",
      ],
    ],
    ["has lost it if the process was suspended for too long", [[25, TICK]], ["lost: not-renewed"]],
    ["renews it at once if its clock was set back", [[-3600, TICK]], ["renew 7"]],
    ["has lost it as soon as another run holds it", [[10, found(leaseOf(9))]], ["lost: taken"]],
    ["has lost it if it was deleted", [[10, found(undefined)]], ["lost: removed"]],
    [
      "has lost it if somebody removed the holder",
      [[10, found(leaseOf(9, { holder: "" }))]],
      ["lost: removed"],
    ],
    [
      "has lost it if another one was created, even with the name of the run",
      [[10, found(leaseOf(9, { holder: ME, uid: "uid-2" }))]],
      ["lost: taken"],
    ],
    [
      "renews the new version at once if something else of it was changed",
      [[10, found(leaseOf(0, { holder: ME, version: "9" }))]],
      ["renew 9"],
    ],
    [
      "tries again after two seconds if the new version cannot be renewed either",
      [
        [10, TICK],
        [10.1, found(leaseOf(0, { holder: ME, version: "9" }))],
        [10.2, found(leaseOf(0, { holder: ME, version: "9" }))],
        [12.2, TICK],
        [12.3, found(leaseOf(0, { holder: ME, version: "9" }))],
        [14.3, renewed(14.2, "10")],
        [24.2, TICK],
        [24.3, found(leaseOf(14.2, { holder: ME, version: "11" }))],
      ],
      ["renew 7", "renew 9", "wait 2", "renew 9", "wait 2", "wait 9.9", "renew 10", "renew 11"],
    ],
    [
      "does not rely on a renewal that others noticed, but whose answer it never got",
      [
        [10, found(leaseOf(10, { holder: ME, version: "9" }))],
        [20, TICK],
      ],
      ["renew 9", "lost: not-renewed"],
    ],
  ])("%s", (_rule, plays, actions) => {
    expect(hold(plays)).toEqual(actions);
  });

  test("keeps the time at which it took the lease, and the number of holders", () => {
    const [, action] = advanceHolding(startHolding(OWN), TICK, START + 10_000);
    expect(action).toMatchObject({
      kind: "renew",
      content: {
        holder: ME,
        duration: 30_000,
        acquiredAt: OWN.acquiredAt,
        renewedAt: new Date(START + 10_000),
        transitions: 2,
      },
    });
  });

  test("gives it back without a holder, and for a second", () => {
    const now = new Date(START);
    expect(releasedContent(OWN, START)).toEqual({
      holder: "",
      duration: 1000,
      acquiredAt: now,
      renewedAt: now,
      transitions: 2,
    });
  });
});

describe("the message", () => {
  test("about a lease of another run shows the holder, and what to do", () => {
    const { outcome, code, message, nextStep } = endingOfHeldLease(PLACE, leaseOf(-4), START);
    expect({ outcome, code, message }).toEqual({
      outcome: "not-started",
      code: "lease-held",
      message: `the lease "ops/istio-upgrade" is held by ${OTHER} since 2026-11-30T01:59:00Z (renewed 4s ago)`,
    });
    expect(createStepFormatter({})(nextStep)).toBe(
      "wait until that run ends; if it was killed, its lease expires after 30s; see the lease: kubectl get lease istio-upgrade --namespace ops",
    );
  });

  test.each<[lease: Lease, text: RegExp]>([
    [leaseOf(5), /\(renewed just now\)$/],
    [leaseOf(-3600), /\(renewed 1h ago\)$/],
    [leaseOf(undefined), /since 2026-11-30T01:59:00Z$/],
    [{ ...leaseOf(undefined), acquiredAt: undefined }, /is held by ci-7_1_ba9876543210$/],
  ])("leaves out what a holder did not write (%#)", (lease, text) => {
    expect(endingOfHeldLease(PLACE, lease, START).message).toMatch(text);
  });

  test.each<[loss: LeaseLoss, text: string]>([
    [
      { kind: "taken", lease: leaseOf(-1) },
      `is now held by ${OTHER} since 2026-11-30T01:59:00Z (renewed 1s ago)`,
    ],
    [{ kind: "removed" }, "was deleted, or its holder was removed"],
    [{ kind: "not-renewed", message: undefined }, "could not be renewed in time"],
    [{ kind: "not-renewed", message: "no answer" }, "could not be renewed in time: no answer"],
  ])("about a lost lease says how it was lost (%#)", (loss, text) => {
    expect(lossText(PLACE, loss, START)).toBe(`the lease "ops/istio-upgrade" ${text}`);
  });

  test.each<[lease: Lease, end: string]>([
    [leaseOf(-90), `${OTHER} last renewed it at 2026-11-30T01:58:30Z`],
    [leaseOf(undefined), `${OTHER} has never renewed it`],
  ])("about an expired lease says for how long the run waits (%#)", (lease, end) => {
    expect(observedText(PLACE, lease, 30_000)).toBe(
      `waiting 30s for the lease "ops/istio-upgrade": its holder ${end}`,
    );
  });
});
