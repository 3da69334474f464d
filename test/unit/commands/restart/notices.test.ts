import { describe, expect, test } from "vitest";
import { createNotices } from "../../../../src/commands/restart/notices.ts";
import type { RestartSession } from "../../../../src/commands/restart/restart-session.ts";
import { ApiError } from "../../../../src/http/api-error.ts";
import type { ApiRequest } from "../../../../src/http/request.ts";
import type { Assessment } from "../../../../src/mesh/assessment.ts";
import { NO_CONSENT } from "../../../../src/mesh/consent.ts";
import { assessmentOf } from "../../../support/build/assessment.ts";
import { formatStep } from "../../../support/build/next-step.ts";
import { proxyImage, sidecars } from "../../../support/build/pod-group.ts";
import { type Answer, respondingApi } from "../../../support/build/scripted-api.ts";
import { resultOf, someResult, someStep } from "../../../support/build/step.ts";
import { virtualIo } from "../../../support/build/virtual-clock.ts";
import { deployment } from "../../../support/build/workload.ts";

const STEP = someStep();
const DENIED = new ApiError(
  'events.events.k8s.io is forbidden: User "jane" cannot create resource "events" in API group "events.k8s.io" in the namespace "shop"',
  { status: 403, reason: "Forbidden" },
);
const POLICY = new ApiError("denied request: no Events here", { status: 403, reason: "Forbidden" });
const LOST = new ApiError("the connection was closed", { status: 0, reason: "ECONNRESET" });
const CREATED = { kind: "Event" };
const never = () => new AbortController().signal;

/** Returns the Events of a run, and what they sent. */
function notices(
  respond: (request: ApiRequest, second: number) => Answer | Promise<Answer> = () => CREATED,
  settings: object = {},
) {
  const io = virtualIo();
  const requests: ApiRequest[] = [];
  const api = respondingApi((request) => {
    requests.push(request);
    return respond(request, io.elapsed() / 1000);
  });
  const session = {
    api,
    io,
    settings: {
      istioNamespace: "aks-istio-system",
      inPlace: false,
      consent: NO_CONSENT,
      scope: { excludes: [] },
      ...settings,
    },
  } as unknown as RestartSession;
  const created = createNotices(session, "jane", new Set());
  return {
    ...created,
    io,
    requests,
    reasons: () => requests.map(({ body }) => (body as { reason: string }).reason),
    gaps: () =>
      created.unwritten().gaps.map(({ hint, ...gap }) => ({ ...gap, hint: formatStep(hint) })),
  };
}

/** Returns workloads of one namespace that need their owner. */
function byHand(count: number, namespace = "shop"): readonly Assessment[] {
  return Array.from({ length: count }, (_, index) =>
    assessmentOf(
      deployment(`single-${index}`, {
        namespace,
        pods: [sidecars(1, proxyImage("v1.27.7-1"))],
        rollout: { strategy: "Recreate" },
      }),
    ),
  );
}

test("an Event is complete, and its name begins with that of the workload", async () => {
  const { begin, requests } = notices();
  await begin(STEP, "7");
  expect(requests).toEqual([
    {
      method: "POST",
      path: "/apis/events.k8s.io/v1/namespaces/shop/events",
      query: { fieldManager: "istio-upgrade" },
      kind: "Event",
      limits: { attempts: 2, timeout: 5000, seconds: 10 },
      body: {
        apiVersion: "events.k8s.io/v1",
        kind: "Event",
        metadata: { name: expect.stringMatching(/^web\.[0-9a-f]{16}$/), namespace: "shop" },
        eventTime: "2026-11-22T20:00:00.000000Z",
        reportingController: "istio-upgrade",
        reportingInstance: expect.stringMatching(new RegExp(`^.+-${process.pid}$`)),
        regarding: { ...STEP.ref, apiVersion: "apps/v1", resourceVersion: "7" },
        type: "Normal",
        reason: "SidecarRestart",
        action: "Restart",
        note: expect.stringMatching(/^istio-upgrade, run by jane, restarts this Deployment: /),
      },
    },
  ]);
});

test("the name of a workload that is too long for an Event is cut", async () => {
  const { begin, requests } = notices();
  const name = `${"a".repeat(234)}.-b${"c".repeat(16)}`;
  await begin({ ...STEP, ref: { ...STEP.ref, name } });
  expect(requests).toMatchObject([
    { body: { metadata: { name: expect.stringMatching(/^a{234}\.[0-9a-f]{16}$/) } } },
  ]);
});

describe("a restart", () => {
  test("has one Event before it, however often it is tried", async () => {
    const { begin, reasons } = notices();
    await begin(STEP);
    await begin(STEP);
    expect(reasons()).toEqual(["SidecarRestart"]);
  });

  test("waits at most a second for its Event", async () => {
    const { begin, end, close, io, reasons, gaps } = notices(async (_request, second) => {
      if (second < 5) await io.sleep(5000);
      return CREATED;
    });
    await begin(STEP);
    expect(io.elapsed()).toBe(1000);
    end(someResult());
    expect(reasons()).toEqual(["SidecarRestart"]);
    await close([], [], never());
    expect(io.elapsed()).toBe(5000);
    // The one about the result follows the other one.
    expect([reasons(), gaps()]).toEqual([["SidecarRestart", "SidecarRestarted"], []]);
  });

  test("has another Event about another result only", async () => {
    const { begin, end, close, reasons } = notices();
    await begin(STEP);
    const done = someResult();
    end(done);
    end(done);
    await close([done], [], never());
    expect(reasons()).toEqual(["SidecarRestart", "SidecarRestarted"]);
    await close([{ ...done, outcome: "failed", code: "sidecar-lost" }], [], never());
    expect(reasons().at(-1)).toBe("SidecarRestartFailed");
  });

  test("that was announced and not sent has an Event that says so", async () => {
    const { begin, end, close, reasons } = notices();
    const skipped = someResult({ outcome: "skipped", code: "already-current" });
    end(skipped);
    await begin(STEP);
    end(skipped);
    await close([], [], never());
    expect(reasons()).toEqual(["SidecarRestart", "SidecarRestartSkipped"]);
  });

  test("that failed needs no further Event to its owner", async () => {
    const [owned] = byHand(1);
    if (owned === undefined) throw new Error("there is one");
    const { close, reasons } = notices();
    const { namespace, kind, name, uid } = owned.workload;
    const step = { ...STEP, ref: { namespace, kind, name, uid } };
    await close([resultOf(step, { outcome: "failed" })], [owned], never());
    expect(reasons()).toEqual(["SidecarRestartFailed"]);
  });
});

describe("an Event to an owner", () => {
  const namesOf = (requests: readonly ApiRequest[]) =>
    requests.map(({ body }) => (body as { metadata: { name: string } }).metadata.name);

  test("has the same name for half an hour, in every run", async () => {
    const first = notices();
    await first.close([], byHand(2), never());
    const second = notices();
    await second.close([], byHand(2), never());
    expect(new Set(namesOf(first.requests)).size).toBe(2);
    expect(namesOf(second.requests)).toEqual(namesOf(first.requests));
    const later = notices();
    await later.io.sleep(30 * 60_000);
    await later.close([], byHand(2), never());
    expect(namesOf(later.requests)).not.toEqual(namesOf(first.requests));
  });

  test("that exists is not written again, which is no gap", async () => {
    const exists = new ApiError("already exists", { status: 409, reason: "AlreadyExists" });
    const { close, gaps } = notices(() => exists);
    await close([], byHand(2), never());
    expect(gaps()).toEqual([]);
  });

  test("is not written in a namespace that --exclude-namespace leaves out", async () => {
    const excludes = [{ namespace: "pay", kind: undefined, name: undefined }];
    const { close, requests } = notices(undefined, { scope: { excludes } });
    await close([], [...byHand(1), ...byHand(1, "pay")], never());
    expect(requests.map(({ path }) => path.split("/")[5])).toEqual(["shop"]);
  });

  test("is written beside at most seven others", async () => {
    let [now, most] = [0, 0];
    const { close, requests, io } = notices(async () => {
      now += 1;
      most = Math.max(most, now);
      await io.sleep(10);
      now -= 1;
      return CREATED;
    });
    await close([], byHand(50), never());
    expect([requests.length, most]).toEqual([50, 8]);
  });
});

describe("Events that cannot be written are a gap", () => {
  test("of each namespace, with what is missing", async () => {
    const { close, requests, gaps, unwritten } = notices(({ path }) =>
      path.includes("/shop/") ? DENIED : CREATED,
    );
    await close([], [...byHand(20), ...byHand(1, "pay")], never());
    // Eight were sent before the first answer.
    expect(requests.length).toBeLessThanOrEqual(8 + 1);
    expect(gaps()).toEqual([
      {
        verb: "create",
        resource: "events.events.k8s.io",
        namespace: "shop",
        reason: "forbidden",
        message: `20 Events were not written: ${DENIED.message}`,
        hint: "kubectl auth can-i create events.events.k8s.io -n shop",
      },
    ]);
    expect(unwritten().reasons).toEqual([{ code: 6, text: "events:20" }]);
  });

  test("and none is tried at the end of a run after three without an answer in a row", async () => {
    const { close, requests, gaps } = notices(() => LOST);
    await close([], [...byHand(30), ...byHand(30, "pay")], never());
    expect(requests.length).toBeLessThanOrEqual(3 + 8);
    expect(gaps().map(({ namespace, message }) => [namespace, message.split(":")[0]])).toEqual([
      ["shop", "30 Events were not written"],
      ["pay", "30 Events were not written"],
    ]);
  });

  test("with the policy that rejects them, and each is tried", async () => {
    const { begin, end, close, requests, gaps } = notices(() => POLICY);
    await begin(STEP);
    end(someResult());
    await close([], [], never());
    expect(requests).toHaveLength(2);
    expect(gaps()).toMatchObject([
      { reason: "refused", message: `2 Events were not written: ${POLICY.message}` },
    ]);
  });

  test("if the report must not wait for them", async () => {
    const abort = new AbortController();
    const { begin, end, close, gaps } = notices(() => new Promise<Answer>(() => undefined));
    await begin(STEP);
    end(someResult());
    abort.abort();
    await close([], byHand(1), abort.signal);
    expect(gaps()).toEqual([
      {
        verb: "create",
        resource: "events.events.k8s.io",
        namespace: "shop",
        reason: "interrupted",
        message: "3 Events were not written: the run ended before they were written",
        hint: "see the state of the workloads: istio-upgrade check --namespace shop",
      },
    ]);
  });

  test("of an unexpected error", async () => {
    const { begin, gaps } = notices(() => {
      throw new TypeError("x is not iterable");
    });
    await begin(STEP);
    expect(gaps()).toMatchObject([
      { reason: "unexpected-error", message: "1 Event was not written: x is not iterable" },
    ]);
  });
});
