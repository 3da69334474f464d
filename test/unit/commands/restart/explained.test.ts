import { expect, test } from "vitest";
import { explained } from "../../../../src/commands/restart/explained.ts";
import type { RestartSession } from "../../../../src/commands/restart/restart-session.ts";
import type { RolloutReader } from "../../../../src/commands/restart/rollout-reader.ts";
import { Interrupted } from "../../../../src/errors.ts";
import { ended } from "../../../../src/rollout/result.ts";
import { sidecars } from "../../../support/build/pod-group.ts";
import { newPod, RESTART, rolloutView } from "../../../support/build/rollout-view.ts";
import { respondingApi } from "../../../support/build/scripted-api.ts";
import { virtualIo } from "../../../support/build/virtual-clock.ts";
import { deployment } from "../../../support/build/workload.ts";

/** Explains a rollout without progress, whose events cannot be read because of an error. */
function explainDespite(error: Error) {
  const api = respondingApi(() => {
    throw error;
  });
  const session = { api, io: virtualIo(), notes: new Set() } as unknown as RestartSession;
  const web = deployment("web", { pods: [sidecars(2, "proxyv2:1.27.7")] });
  const last = rolloutView(web, { pods: [newPod("web-5", { ready: false })] });
  const ending = ended("timed-out", "no-progress", "no progress for 15s, still rolling");
  const { signal } = new AbortController();
  return explained(session, { last } as RolloutReader, RESTART, ending, signal);
}

test("an ending keeps its reason if its events surprise", async () => {
  expect(await explainDespite(new TypeError("x is not iterable"))).toMatchObject({
    code: "no-progress",
    cause: { pod: "web-5", event: undefined },
  });
});

test("an error that ends the run is not swallowed", async () => {
  await expect(explainDespite(new Interrupted("SIGINT"))).rejects.toThrow(Interrupted);
});
