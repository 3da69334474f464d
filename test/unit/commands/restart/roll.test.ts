import { expect, test } from "vitest";
import { ApiError } from "../../../../src/http/api-error.ts";
import type { ApiRequest } from "../../../../src/http/request.ts";
import { rollWorkload, type RunControl } from "../../../../src/commands/restart/roll.ts";
import type { RestartSession } from "../../../../src/commands/restart/restart-session.ts";
import { NO_CONSENT } from "../../../../src/mesh/restartability.ts";
import { recordedIo } from "../../../support/build/recorded-io.ts";
import { type Answer, forbidden, respondingApi } from "../../../support/build/scripted-api.ts";
import { someStep } from "../../../support/build/step.ts";

const CONTROL: RunControl = {
  stopReason: () => undefined,
  requestStart: () => ({ kind: "granted" }),
  abort: new AbortController().signal,
};
const GONE = new ApiError("not found", { status: 404, reason: "NotFound" });

const STEP = someStep();

/** A session of which only the API server answers, each request by itself. */
function sessionWith(answer: (request: ApiRequest) => Answer): RestartSession {
  const api = respondingApi(answer);
  const settings = { istioNamespace: "istio-system", consent: NO_CONSENT, timeout: 1 };
  return { api, settings, io: recordedIo() } as unknown as RestartSession;
}

test("a workload whose namespace was deleted is not restarted, and ends no run", async () => {
  const session = sessionWith(({ path }) =>
    path.includes("/namespaces/shop") ? GONE : forbidden("list", "services"),
  );
  expect(await rollWorkload(session, STEP, CONTROL)).toMatchObject({
    outcome: "skipped",
    code: "not-read",
    message: expect.stringContaining('the namespace "shop" does not exist'),
    startedAt: undefined,
  });
});

test("a workload that was deleted is gone, also for who may not read the rules of injection", async () => {
  const session = sessionWith(({ path }) => {
    if (path === "/api/v1/namespaces/shop")
      return { kind: "Namespace", metadata: { name: "shop" } };
    return path.includes("/namespaces/shop/") ? GONE : forbidden("list", "services");
  });
  expect(await rollWorkload(session, STEP, CONTROL)).toMatchObject({
    outcome: "skipped",
    code: "gone",
  });
});
