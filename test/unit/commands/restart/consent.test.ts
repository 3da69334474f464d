import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { askConsent } from "../../../../src/commands/restart/consent.ts";
import type { Session } from "../../../../src/commands/session.ts";
import type { RestartSettings } from "../../../../src/settings.ts";
import { recordedIo } from "../../../support/build/recorded-io.ts";
import { restartReport } from "../../../support/build/report.ts";
import { someStep } from "../../../support/build/step.ts";
import { scriptedApi } from "../../../support/build/scripted-api.ts";

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
