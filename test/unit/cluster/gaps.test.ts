import { describe, expect, test } from "vitest";
import { ApiError } from "../../../src/http/api-error.ts";
import { Gaps } from "../../../src/cluster/gaps.ts";
import { CannotRun } from "../../../src/errors.ts";
import { forbidden, scriptedApi } from "../../support/build/scripted-api.ts";
import { formatStep, withPrintedSteps } from "../../support/build/next-step.ts";

const API = scriptedApi([]);
const UNREACHABLE = new ApiError("prod.example:6443: connect ECONNREFUSED", {
  status: 0,
  reason: "ECONNREFUSED",
});

function fail(error: Error): () => Promise<never> {
  return async () => {
    throw error;
  };
}

function answer<Value>(value: Value): () => Promise<Value> {
  return () => Promise.resolve(value);
}

function hintOf(gaps: Gaps): string {
  try {
    gaps.result();
  } catch (error) {
    if (error instanceof CannotRun) return formatStep(error.hint);
  }
  throw new Error("the gaps were a result");
}

test("a successful read leaves no gap", async () => {
  const gaps = new Gaps(API);
  expect(
    await gaps.during({ verb: "list", resource: "pods", namespace: "shop" }, answer([])),
  ).toEqual([]);
  expect(gaps.result()).toEqual([]);
});

describe("a failed read leaves a gap", () => {
  test.each<[what: string, error: ApiError, reason: string, hint: string]>([
    [
      "after a 403 from RBAC",
      forbidden("list", "pods"),
      "forbidden",
      "kubectl auth can-i list pods -n shop",
    ],
    [
      "without an answer",
      UNREACHABLE,
      "unreachable",
      "run the command again when the API server responds",
    ],
    [
      "after an answer that is not a list",
      new ApiError("answered with a login page", { status: 0, reason: "malformed" }),
      "malformed",
      "run the command again when the API server responds",
    ],
    [
      "after a 403 that is not from RBAC",
      new ApiError("namespace is being terminated", { status: 403, reason: "Forbidden" }),
      "refused",
      "kubectl auth can-i list pods -n shop",
    ],
    [
      "after a server error",
      new ApiError("etcdserver: request timed out", { status: 500, reason: "" }),
      "refused",
      "run the command again when the API server responds",
    ],
    [
      "after a 401",
      new ApiError("Unauthorized", { status: 401, reason: "Unauthorized" }),
      "unauthorized",
      "log in again, then check whether kubectl can: kubectl auth whoami",
    ],
  ])("%s", async (_what, error, reason, hint) => {
    const gaps = new Gaps(API);
    await gaps.during(
      { verb: "list", resource: "deployments.apps", namespace: "shop" },
      answer([]),
    );
    expect(
      await gaps.during({ verb: "list", resource: "pods", namespace: "shop" }, fail(error)),
    ).toBeUndefined();
    expect(withPrintedSteps(gaps.result())).toEqual([
      { verb: "list", resource: "pods", namespace: "shop", reason, message: error.message, hint },
    ]);
  });
});

test("gaps are sorted by namespace and read, those of the whole cluster first", async () => {
  const gaps = new Gaps(API);
  await gaps.during({ verb: "list", resource: "deployments.apps", namespace: "shop" }, answer([]));
  for (const [resource, namespace] of [
    ["pods", "shop"],
    ["pods", "pay"],
    ["daemonsets.apps", "shop"],
    ["namespaces", undefined],
  ] as const) {
    await gaps.during({ verb: "list", resource, namespace }, fail(forbidden("list", "x")));
  }
  expect(gaps.result().map(({ resource, namespace }) => `${namespace ?? "-"} ${resource}`)).toEqual(
    ["- namespaces", "pay pods", "shop daemonsets.apps", "shop pods"],
  );
  expect(withPrintedSteps(gaps.result()[0]?.hint)).toBe("kubectl auth can-i list namespaces");
});

describe("no report is made if nothing could be read", () => {
  test.each<[what: string, error: ApiError, message: RegExp, hint: RegExp]>([
    [
      "for lack of permissions",
      forbidden("list", "pods"),
      /^no permission to read anything with the context "prod": pods is forbidden/,
      /permissions/,
    ],
    [
      "for lack of a server",
      UNREACHABLE,
      /^could not read from the API server of the context "prod": prod.example:6443: connect/,
      /kubectl get --raw \/readyz/,
    ],
    [
      "for lack of a login",
      new ApiError("Unauthorized", { status: 401, reason: "Unauthorized" }),
      /^could not read from the API server of the context "prod": Unauthorized/,
      /^log in again, then check whether kubectl can: kubectl auth whoami$/,
    ],
    [
      "because another server may answer",
      new ApiError("no trusted authority", { status: 0, reason: "untrusted" }),
      /no trusted authority/,
      /^fetch the kubeconfig again, or find out what answers instead of the API server/,
    ],
    [
      "for lack of HTTP/1.1",
      new ApiError("only HTTP/2", { status: 0, reason: "http2" }),
      /only HTTP\/2/,
      /^use the address of the API server itself/,
    ],
  ])("%s", async (_what, error, message, hint) => {
    const gaps = new Gaps(API);
    await gaps.during({ verb: "list", resource: "pods", namespace: undefined }, fail(error));
    expect(() => gaps.result()).toThrow(CannotRun);
    expect(() => gaps.result()).toThrow(message);
    expect(hintOf(gaps)).toMatch(hint);
  });
});

test("the command fails if a namespace in scope does not exist", async () => {
  const gaps = new Gaps(API);
  const missing = new ApiError('namespaces "shpo" not found', { status: 404, reason: "NotFound" });
  const read = gaps.during(
    { verb: "get", resource: "namespaces", namespace: "shpo" },
    fail(missing),
  );
  await expect(read).rejects.toBeInstanceOf(CannotRun);
  await expect(read).rejects.toThrow('the namespace "shpo" does not exist in prod.example:6443');
});

test("any other 404 is a gap", async () => {
  const gaps = new Gaps(API);
  await gaps.during({ verb: "get", resource: "namespaces", namespace: "shop" }, answer({}));
  await gaps.during(
    { verb: "list", resource: "pods", namespace: "shop" },
    fail(new ApiError("404 page not found", { status: 404, reason: "" })),
  );
  expect(gaps.result()).toHaveLength(1);
});

test("an error that is not the API server's is thrown", async () => {
  const gaps = new Gaps(API);
  const read = gaps.during(
    { verb: "list", resource: "pods", namespace: "shop" },
    fail(new TypeError("undefined is not a function")),
  );
  await expect(read).rejects.toBeInstanceOf(TypeError);
});

test("no hint suggests --namespace to a command that reads the whole cluster", async () => {
  const gaps = new Gaps(API, { isNarrowable: false });
  await gaps.during({ verb: "list", resource: "pods", namespace: "shop" }, answer([]));
  await gaps.during(
    { verb: "list", resource: "pods", namespace: undefined },
    fail(forbidden("list", "pods")),
  );
  expect(withPrintedSteps(gaps.result()[0]?.hint)).toBe(
    "kubectl auth can-i list pods --all-namespaces",
  );
});
