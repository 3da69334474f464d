import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import {
  askConsent,
  requireInstalledRevisions,
  wavesText,
  withRevisionConsent,
} from "../../../../src/commands/restart/consent.ts";
import { UsageError } from "../../../../src/errors.ts";
import { type Consent, NO_CONSENT } from "../../../../src/mesh/consent.ts";
import { type Mesh, resolveMesh } from "../../../../src/mesh/mesh.ts";
import { controlPlane } from "../../../support/build/control-plane.ts";
import { formatStep } from "../../../support/build/next-step.ts";
import type { ApprovedPlan } from "../../../../src/commands/restart/approved-plan.ts";
import { movesOf } from "../../../../src/commands/restart/reassess.ts";
import type { Session } from "../../../../src/commands/session.ts";
import type { RestartSettings } from "../../../../src/settings.ts";
import { proxyImage } from "../../../support/build/pod-group.ts";
import { recordedIo } from "../../../support/build/recorded-io.ts";
import { restartReport } from "../../../support/build/report.ts";
import { someStep } from "../../../support/build/step.ts";
import { scriptedApi } from "../../../support/build/scripted-api.ts";

describe("the revisions that a run may move pods to", () => {
  const given = { yes: false, allowRevisions: ["asm-1-28"], consent: NO_CONSENT };
  test.each([
    ["a person's to decide, on a terminal", {}, true, "asked"],
    ["those of --allow-revision, with --yes", { yes: true }, true, ["asm-1-28"]],
    ["those of --allow-revision, without a terminal", {}, false, ["asm-1-28"]],
  ])("are %s", (_what, change, isTTY, revisions) => {
    const settings = { ...given, ...change } as unknown as RestartSettings;
    const stdin = Object.assign(new PassThrough(), { isTTY });
    const { consent } = withRevisionConsent(settings, { ...recordedIo(), stdin });
    expect(consent).toEqual({ ...NO_CONSENT, revisions });
  });

  test.each<[what: string, given: Consent["revisions"], approved: boolean, moves: unknown]>([
    ["the planned one, if a person agreed to the plan", "asked", false, ["asm-1-27"]],
    ["the approved one, which another rule compares", "asked", true, "asked"],
    ["those of --allow-revision", ["asm-1-28"], false, ["asm-1-28"]],
  ])("are, just before a restart, %s", (_what, revisions, isApproved, moves) => {
    const settings = { consent: { ...NO_CONSENT, revisions } } as unknown as RestartSettings;
    const approved = isApproved ? ({} as ApprovedPlan) : undefined;
    const to = { revision: "asm-1-27", image: proxyImage("v1.27.9-6") };
    expect(movesOf({ ...someStep(), to }, settings, approved)).toEqual(moves);
  });

  const mesh = resolveMesh(
    controlPlane({
      revisions: [
        { name: "asm-1-28", values: { image: proxyImage("v1.28.3-2") } },
        { name: "asm-1-27", values: { image: proxyImage("v1.27.9-6") } },
      ],
      tags: { prod: "asm-1-28" },
    }),
  );
  test.each<[allowed: string[], mesh: Mesh, problem: string | undefined]>([
    [[], mesh, undefined],
    [["asm-1-27", "asm-1-28"], mesh, undefined],
    [
      ["asm-1-27", "asm-1-82"],
      mesh,
      '--allow-revision "asm-1-82" is not an installed revision: use one of: asm-1-27, asm-1-28',
    ],
    [
      ["prod"],
      mesh,
      '--allow-revision "prod" is a tag, which can be moved to any revision: name the revision that it leads to now: asm-1-28',
    ],
    [["asm-1-82"], { ...mesh, revisionsUnread: true }, undefined],
  ])("must be installed: %j", (allowRevisions, found, problem) => {
    const check = () => {
      try {
        const allowed = { allowRevisions } as unknown as RestartSettings;
        requireInstalledRevisions(allowed, { mesh: found, assessments: [] });
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        return `${error.message}: ${formatStep(error.hint)}`;
      }
      return undefined;
    };
    expect(check()).toBe(problem);
  });
});

async function ask(context: string, answer: string): Promise<boolean> {
  const api = scriptedApi([]);
  const stdin = new PassThrough();
  const io = { ...recordedIo(), stdin, stderr: new PassThrough() };
  const session = {
    io,
    api: { ...api, connection: { ...api.connection, context } },
    progress: { emit: () => undefined, stop: () => undefined },
    settings: { yes: false, scope: { allNamespaces: true }, display: { headers: true } },
  } as unknown as Session<RestartSettings>;
  if (answer === "") stdin.end();
  else stdin.write(answer);
  const plan = { steps: [someStep()], waits: [], leftOut: [] };
  return askConsent(session, plan, restartReport([]), undefined, new AbortController().signal);
}

test("of a whole cluster the name is to be typed", async () => {
  expect(await ask("prod", "prod\n")).toBe(true);
  for (const answer of ["", "\n", "y\n", "yes\n", "Prod\n", "prod-2\n"]) {
    expect([answer, await ask("prod", answer)]).toEqual([answer, false]);
  }
});

test("no answer is consent to a cluster without a name that could be seen", async () => {
  for (const context of ["", " ", "\u200b", "\u001b[2J"]) {
    expect([context, await ask(context, ""), await ask(context, "\n")]).toEqual([
      context,
      false,
      false,
    ]);
  }
});

test("of a move the question names the namespaces, and says what a label does", async () => {
  const stdin = new PassThrough();
  const io = { ...recordedIo(), stdin };
  const api = scriptedApi([]);
  const session = {
    io,
    api: { ...api, connection: { ...api.connection, context: "prod" } },
    progress: { emit: () => undefined, stop: () => undefined },
    settings: {
      yes: false,
      maxParallel: 4,
      maxFailures: 1,
      scope: { allNamespaces: false },
      display: { headers: true },
    },
    move: {
      names: ["shop", "pay"],
      isPending: (name: string) => name === "shop",
      target: { label: "canary", revision: "asm-1-28", isTag: true },
    },
  } as unknown as Parameters<typeof askConsent>[0];
  stdin.write("y\n");
  const plan = { steps: [], waits: [], leftOut: [] };
  const { signal } = new AbortController();
  expect(await askConsent(session, plan, restartReport([]), undefined, signal)).toBe(true);
  const shown = io.written.stderr;
  expect(shown).toContain(
    "From the moment that namespace shop has its label, every new pod there is of asm-1-28",
  );
  expect(shown).toContain(
    'Label 1 namespace (shop) for canary, and restart 0 workloads (0 pods) in "prod", 4 at a time, stop after 1 failure? [y/N] ',
  );
});

test("the question names the waves, and what is checked after each", () => {
  const pace = { waves: "1", soak: "PT5M", gate: "./check-slo", gateTimeout: "PT10M" };
  const wave = {
    number: 1,
    workloads: [],
    startedAt: null,
    finishedAt: null,
    soak: null,
    gate: null,
    problem: null,
  };
  const waves = [wave, { ...wave, number: 2 }];
  expect(wavesText({ pace, waves })).toBe(", in 2 waves (soak 5m, gate ./check-slo)");
  expect(wavesText({ pace: { ...pace, soak: null, gate: null }, waves })).toBe(", in 2 waves");
  expect(wavesText({ pace: null, waves: [] })).toBe("");
});
