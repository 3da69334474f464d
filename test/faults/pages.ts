import { randomUUID } from "node:crypto";
import { respondWith, status } from "./answers.ts";
import type { Fault } from "./faults.ts";
import { answer, type InterceptedRequest, type Upstream } from "./proxy.ts";

const midList = { transient: false, midList: true, gap: "malformed" } as const;

// oxlint-disable-next-line typescript/no-explicit-any -- a list of any kind
type List = any;

/** Answers with a changed copy of the list's first page, which is requested once a run. */
function firstPage(change: (list: List) => object): Fault["apply"] {
  const pages = new WeakMap<InterceptedRequest["armed"], Upstream>();
  return async ({ response, armed, upstream }) => {
    const page = pages.get(armed) ?? (await upstream({ fromStart: true, asJson: true }));
    pages.set(armed, page);
    const list = JSON.parse(page.body.toString());
    const body = { ...list, ...change(list) };
    answer(response, { ...page, body: Buffer.from(JSON.stringify(body)) });
  };
}

/** Returns metadata with a token that no server has issued. */
function anotherToken({ metadata }: List): object {
  return { metadata: { ...metadata, continue: tokenOf({ rv: -1, start: randomUUID() }) } };
}

function tokenOf(token: object): string {
  return Buffer.from(JSON.stringify(token)).toString("base64url");
}

/**
 * Answers 410 with a token that continues without the snapshot; the next request with that token
 * succeeds.
 */
async function expire(intercepted: InterceptedRequest): Promise<void> {
  const { request, response, upstream } = intercepted;
  const token = new URL(request.url ?? "/", "https://x").searchParams.get("continue") ?? "";
  const { rv, ...rest } = JSON.parse(Buffer.from(token, "base64url").toString());
  if (rv === -1) return answer(response, await upstream());
  const more = { metadata: { continue: tokenOf({ ...rest, rv: -1 }) } };
  return respondWith(410, status(410, "Expired", "expired", more))(intercepted);
}

/** Returns a copy of the object with another name and uid. */
function another(item: List): object {
  const id = randomUUID();
  return { ...item, metadata: { ...item.metadata, uid: id, name: `x-${id}` } };
}

export const PAGES: readonly Fault[] = [
  { ...midList, name: "410 with a token to continue", gap: "inconsistent", apply: expire },
  {
    ...midList,
    name: "the first page again",
    apply: async ({ response, upstream }) => answer(response, await upstream({ fromStart: true })),
  },
  {
    ...midList,
    name: "the first page repeatedly, with new tokens",
    apply: firstPage(anotherToken),
  },
  {
    ...midList,
    name: "empty pages, with new tokens",
    onlyTimes: "always",
    apply: firstPage((list) => ({ items: [], ...anotherToken(list) })),
  },
  // Applied once, this would be a valid list of another cluster.
  {
    ...midList,
    name: "new items on every page, with new tokens",
    onlyTimes: "always",
    onlyKeys: /\/(pods|configmaps) \(next/,
    apply: firstPage((list) => ({ items: list.items.map(another), ...anotherToken(list) })),
  },
];
