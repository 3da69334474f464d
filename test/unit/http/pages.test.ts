import { describe, expect, test } from "vitest";
import { ApiError } from "../../../src/http/api-error.ts";
import { type ListRequest, listAll, listPages } from "../../../src/http/pages.ts";
import { type Answer, scriptedApi } from "../../support/build/scripted-api.ts";

const PODS: ListRequest<object> = { path: "/api/v1/pods", kind: "PodList" };

const podOf = (uid: number) => ({ metadata: { name: `web-${uid}`, uid: String(uid) } });
const POD = podOf(1);

function page(items: unknown, token?: string): Answer {
  return { kind: "PodList", metadata: token === undefined ? {} : { continue: token }, items };
}

const EXPIRED = new ApiError("The provided continue parameter is too old", {
  status: 410,
  reason: "Expired",
  continueToken: "fresh",
});

describe("a list is complete", () => {
  test.each<[what: string, answers: Answer[], items: unknown[], tokens: unknown[]]>([
    ["in one page", [page([1, 2])], [1, 2], [undefined]],
    [
      "in several pages",
      [page([1], "a"), page([2], "b"), page([3])],
      [1, 2, 3],
      [undefined, "a", "b"],
    ],
    [
      "with an empty page in the middle",
      [page([1], "a"), page([], "b"), page([3])],
      [1, 3],
      [undefined, "a", "b"],
    ],
    ["without items", [page([])], [], [undefined]],
    ["with null instead of items", [page(null)], [], [undefined]],
    ["with an empty last token", [page([1], "")], [1], [undefined]],
    [
      "after an expired token",
      [page([1], "old"), EXPIRED, page([2])],
      [1, 2],
      [undefined, "old", "fresh"],
    ],
  ])("%s", async (_what, answers, items, tokens) => {
    const api = scriptedApi(answers);
    let breaks = 0;
    const list = { ...PODS, inconsistent: () => (breaks += 1) };
    expect(await listAll(api, list)).toEqual(items);
    // The callback reports a list that combines two snapshots.
    expect(breaks).toBe(answers.includes(EXPIRED) ? 1 : 0);
    expect(api.requests.map(({ query }) => query?.["continue"])).toEqual(tokens);
  });
});

describe("a list fails", () => {
  const refused = new ApiError("etcdserver: request timed out", { status: 500, reason: "" });
  const gone = new ApiError("gone", { status: 410, reason: "Expired" });

  test.each<[what: string, answers: Answer[], message: string | RegExp]>([
    ["if the first page fails", [refused], refused.message],
    ["if a later page fails", [page([1], "a"), refused], refused.message],
    ["if the token expired and the server offers no other", [page([1], "a"), gone], "gone"],
    ["if the token expired twice", [page([1], "a"), EXPIRED, EXPIRED], EXPIRED.message],
    [
      "if the server repeats a token",
      [page([1], "a"), page([2], "a"), page([3], "b")],
      /never ends: the same page came twice/,
    ],
    [
      "if the server repeats items with new tokens",
      [page([POD], "a"), page([POD], "b"), page([POD], "c")],
      /never ends: the same page came twice/,
    ],
    [
      "if too many pages are empty",
      Array.from({ length: 200 }, (_, index) => page([], `token-${index}`)),
      /never ends: 101 pages in a row are empty/,
    ],
    [
      "if there are too many pages",
      Array.from({ length: 2001 }, (_, index) => page([podOf(index)], `token-${index}`)),
      /never ends: 2000 pages so far/,
    ],
    [
      "if the token expired and there is no callback for it",
      [page([1], "a"), EXPIRED],
      EXPIRED.message,
    ],
    ["if items are absent", [{ kind: "PodList" }], /without items/],
    ["if items are an object", [page({ a: 1 })], /without items/],
    ["if items are a string", [page("none")], /without items/],
  ])("%s", async (_what, answers, message) => {
    const failed = listAll(scriptedApi(answers), PODS);
    await expect(failed).rejects.toBeInstanceOf(ApiError);
    await expect(failed).rejects.toThrow(message);
  });
});

test("the next page is requested while the current one is read", async () => {
  const api = scriptedApi([page([1], "a"), page([2])]);
  const pages = listPages(api, PODS);
  await pages.next();
  expect(api.requests).toHaveLength(2);
  await pages.return(undefined);
});

test("a caller that stops early causes no unhandled rejection", async () => {
  const api = scriptedApi([page([1], "a"), new ApiError("late", { status: 500, reason: "" })]);
  for await (const items of listPages(api, PODS)) {
    expect([...items]).toEqual([1]);
    break;
  }
  expect(api.requests).toHaveLength(2);
});

test("a list request has a page size, the selector, and no resourceVersion", async () => {
  const api = scriptedApi([page([])]);
  await listAll(api, { ...PODS, labelSelector: "app=web" });
  expect(api.requests).toEqual([
    {
      method: "GET",
      path: "/api/v1/pods",
      kind: "PodList",
      query: { limit: "500", continue: undefined, labelSelector: "app=web" },
    },
  ]);
});

test("a list request can ask for metadata only", async () => {
  const api = scriptedApi([page([])]);
  await listAll(api, {
    path: "/apis/apps/v1/replicasets",
    kind: "ReplicaSetList",
    metadataOnly: true,
  });
  expect(api.requests).toMatchObject([
    {
      kind: "PartialObjectMetadataList",
      as: "PartialObjectMetadataList",
    },
  ]);
});

test.each([
  [undefined, "500"],
  [63, "63"],
])("with a page size of %j, a page has %s items", async (pageSize, limit) => {
  const api = scriptedApi([page([1], "a"), page([2])]);
  await listAll({ ...api, pageSize }, PODS);
  expect(api.requests.map(({ query }) => query?.["limit"])).toEqual([limit, limit]);
});
