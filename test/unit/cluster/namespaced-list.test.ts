import { describe, expect, test } from "vitest";
import type { ApiOwned } from "../../../src/cluster/api-objects.ts";
import { Gaps } from "../../../src/cluster/gaps.ts";
import { ApiError } from "../../../src/http/api-error.ts";
import { type NamespacedList, readBatches } from "../../../src/cluster/namespaced-list.ts";
import { addController } from "../../../src/cluster/namespace-batch.ts";
import { type Answer, forbidden, scriptedApi } from "../../support/build/scripted-api.ts";

const LIST: NamespacedList<ApiOwned> = {
  resource: "replicasets.apps",
  namespace: undefined,
  request: { path: "/apis/apps/v1/replicasets", kind: "ReplicaSetList" },
  add: ({ controllers }, replicaSet) => addController(controllers, replicaSet),
};

/** A page with one ReplicaSet for each of `names`, written as `namespace/name`. */
function page(names: readonly string[], next?: string): Answer {
  const items = names.map((text) => {
    const [namespace = "", name = ""] = text.split("/");
    const owner = { kind: "Deployment", name, uid: `owner-${text}`, controller: true };
    return { metadata: { namespace, name, uid: text, ownerReferences: [owner] } };
  });
  return { kind: "ReplicaSetList", metadata: next === undefined ? {} : { continue: next }, items };
}

async function read(...pages: readonly Answer[]) {
  const api = scriptedApi(pages);
  const gaps = new Gaps(api);
  const batches: [namespace: string, uids: readonly string[]][] = [];
  for await (const { namespace, controllers } of readBatches(api, LIST, gaps)) {
    batches.push([namespace, [...controllers.keys()]]);
  }
  return { batches, gaps: gaps.all(), isUnread: gaps.isUnread({ ...LIST, verb: "list" }) };
}

describe("a namespaced list", () => {
  test("yields one batch per namespace, across pages", async () => {
    expect(await read(page(["a/1", "b/1"], "b"), page(["b/2", "c/1"]))).toEqual({
      batches: [
        ["a", ["a/1"]],
        ["b", ["b/1", "b/2"]],
        ["c", ["c/1"]],
      ],
      gaps: [],
      isUnread: false,
    });
  });

  test("that is empty yields nothing", async () => {
    expect(await read(page([]))).toEqual({ batches: [], gaps: [], isUnread: false });
  });

  test("is a gap after a page that cannot be read, with the items until then", async () => {
    const { batches, gaps, isUnread } = await read(
      page(["a/1", "b/1"], "b"),
      forbidden("list", "replicasets"),
    );
    expect(batches).toEqual([
      ["a", ["a/1"]],
      ["b", ["b/1"]],
    ]);
    expect(gaps).toMatchObject([{ resource: LIST.resource, reason: "forbidden" }]);
    expect(isUnread).toBe(true);
  });

  test.each([
    ["a namespace that comes earlier", ["b/1", "a/1"]],
    ["a namespace that it has left", ["a/1", "b/1", "a/2"]],
  ])("is a gap if it comes to %s", async (_what, names) => {
    const { gaps, isUnread } = await read(page(names));
    expect(gaps).toMatchObject([
      { reason: "malformed", message: "a list came to a after b, out of order" },
    ]);
    expect(isUnread).toBe(true);
  });

  test("is read, and has a gap, if its snapshot expires", async () => {
    const expired = new ApiError("the provided continue parameter is too old", {
      status: 410,
      reason: "Expired",
      continueToken: "again",
    });
    const { batches, gaps, isUnread } = await read(page(["a/1"], "old"), expired, page(["b/1"]));
    expect(batches.map(([namespace]) => namespace)).toEqual(["a", "b"]);
    expect(gaps).toMatchObject([{ reason: "inconsistent" }]);
    expect(isUnread).toBe(false);
  });
});

test("an object that cannot be understood is a gap of its own, and the others are kept", async () => {
  const api = scriptedApi([page(["a/1", "a/2", "b/1"])]);
  const gaps = new Gaps(api);
  const kept: string[] = [];
  const list: typeof LIST = {
    ...LIST,
    add: (_batch, { metadata }) => {
      if (metadata?.uid === "a/2") throw new TypeError("x is not iterable");
      kept.push(metadata?.uid ?? "");
    },
  };
  for await (const _ of readBatches(api, list, gaps));
  expect(kept).toEqual(["a/1", "b/1"]);
  expect(gaps.all()).toMatchObject([
    {
      verb: "read",
      resource: "replicasets.apps/2",
      namespace: "a",
      reason: "malformed",
      message: expect.stringContaining("x is not iterable"),
      hint: {
        parts: [
          expect.any(String),
          { args: ["get", "replicasets.apps", "2", "-n", "a", "-o", "yaml"] },
        ],
      },
    },
  ]);
  expect(gaps.isUnread({ ...LIST, verb: "list" })).toBe(false);
});
