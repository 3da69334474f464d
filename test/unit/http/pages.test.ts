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

describe("a list is whole", () => {
  test.each<[what: string, answers: Answer[], items: unknown[], tokens: unknown[]]>([
    ["in one page", [page([1, 2])], [1, 2], [undefined]],
    [
      "in several pages",
      [page([1], "a"), page([2], "b"), page([3])],
      [1, 2, 3],
      [undefined, "a", "b"],
    ],
    [
      "with an empty page in between",
      [page([1], "a"), page([], "b"), page([3])],
      [1, 3],
      [undefined, "a", "b"],
    ],
    ["where nothing is there", [page([])], [], [undefined]],
    ["where Go prints nothing as null", [page(null)], [], [undefined]],
    ["where the last token is empty", [page([1], "")], [1], [undefined]],
    [
      "after a token that expired",
      [page([1], "old"), EXPIRED, page([2])],
      [1, 2],
      [undefined, "old", "fresh"],
    ],
  ])("%s", async (_what, answers, items, tokens) => {
    const api = scriptedApi(answers);
    let breaks = 0;
    const list = { ...PODS, inconsistent: () => (breaks += 1) };
    expect(await listAll(api, list)).toEqual(items);
    // What is put together from two snapshots is told from what is of one.
    expect(breaks).toBe(answers.includes(EXPIRED) ? 1 : 0);
    expect(api.requests.map(({ query }) => query?.["continue"])).toEqual(tokens);
  });
});

describe("a list fails as a whole", () => {
  const refused = new ApiError("etcdserver: request timed out", { status: 500, reason: "" });
  const gone = new ApiError("gone", { status: 410, reason: "Expired" });

  test.each<[what: string, answers: Answer[], message: string | RegExp]>([
    ["where the first page does", [refused], refused.message],
    ["where a later page does", [page([1], "a"), refused], refused.message],
    ["where the token expired and no other is offered", [page([1], "a"), gone], "gone"],
    ["where the token expired twice", [page([1], "a"), EXPIRED, EXPIRED], EXPIRED.message],
    [
      "where the same page comes again and again",
      [page([1], "a"), page([2], "a"), page([3], "b")],
      /never ends: the same page was offered twice/,
    ],
    [
      "where the same items come again and again, under ever other tokens",
      [page([POD], "a"), page([POD], "b"), page([POD], "c")],
      /never ends: the same page was offered twice/,
    ],
    [
      "where there is nothing but pages without items",
      Array.from({ length: 200 }, (_, index) => page([], `token-${index}`)),
      /never ends: 101 pages in a row hold nothing/,
    ],
    [
      "where there are always other items, under ever other tokens",
      Array.from({ length: 2001 }, (_, index) => page([podOf(index)], `token-${index}`)),
      /never ends: 2000 pages came/,
    ],
    [
      "where the token expired and nobody would be told",
      [page([1], "a"), EXPIRED],
      EXPIRED.message,
    ],
    ["where items are absent", [{ kind: "PodList" }], /without items/],
    ["where items are no list", [page({ a: 1 })], /without items/],
    ["where items are text", [page("none")], /without items/],
  ])("%s", async (_what, answers, message) => {
    const failed = listAll(scriptedApi(answers), PODS);
    await expect(failed).rejects.toBeInstanceOf(ApiError);
    await expect(failed).rejects.toThrow(message);
  });
});

test("the next page is under way while one is read", async () => {
  const api = scriptedApi([page([1], "a"), page([2])]);
  const pages = listPages(api, PODS);
  await pages.next();
  expect(api.requests).toHaveLength(2);
  await pages.return(undefined);
});

test("a reader that stops early leaves no rejection behind", async () => {
  const api = scriptedApi([page([1], "a"), new ApiError("late", { status: 500, reason: "" })]);
  for await (const items of listPages(api, PODS)) {
    expect([...items]).toEqual([1]);
    break;
  }
  expect(api.requests).toHaveLength(2);
});

test("it asks in pages of 500, by the selector, and never for a cache", async () => {
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

test("it asks for metadata alone where no more is needed", async () => {
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
