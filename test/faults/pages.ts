import { randomUUID } from "node:crypto";
import { says, status } from "./answers.ts";
import type { Fault } from "./faults.ts";
import { answer, type Passing, type Upstream } from "./proxy.ts";

const midList = { passes: false, midList: true, gap: "malformed" } as const;

// oxlint-disable-next-line typescript/no-explicit-any -- a list of any kind
type List = any;

/** Answers with what `change` makes of the list's first page, which is asked for once a run. */
function firstPage(change: (list: List) => object): Fault["strike"] {
  const pages = new WeakMap<Passing["armed"], Upstream>();
  return async ({ response, armed, upstream }) => {
    const page = pages.get(armed) ?? (await upstream({ fromStart: true, asJson: true }));
    pages.set(armed, page);
    const list = JSON.parse(page.body.toString());
    const body = { ...list, ...change(list) };
    answer(response, { ...page, body: Buffer.from(JSON.stringify(body)) });
  };
}

/** A token that no server gave out. */
function anotherToken({ metadata }: List): object {
  return { metadata: { ...metadata, continue: tokenOf({ rv: -1, start: randomUUID() }) } };
}

function tokenOf(token: object): string {
  return Buffer.from(JSON.stringify(token)).toString("base64url");
}

/** Offers a token to go on without the snapshot, which then holds. */
async function expire(passing: Passing): Promise<void> {
  const { request, response, upstream } = passing;
  const token = new URL(request.url ?? "/", "https://x").searchParams.get("continue") ?? "";
  const { rv, ...rest } = JSON.parse(Buffer.from(token, "base64url").toString());
  if (rv === -1) return answer(response, await upstream());
  const more = { metadata: { continue: tokenOf({ ...rest, rv: -1 }) } };
  return says(410, status(410, "Expired", "expired", more))(passing);
}

/** The same object under another name and uid. */
function another(item: List): object {
  const id = randomUUID();
  return { ...item, metadata: { ...item.metadata, uid: id, name: `x-${id}` } };
}

export const PAGES: readonly Fault[] = [
  { ...midList, name: "410 with a token to go on", gap: "inconsistent", strike: expire },
  {
    ...midList,
    name: "the first page again",
    strike: async ({ response, upstream }) => answer(response, await upstream({ fromStart: true })),
  },
  {
    ...midList,
    name: "the first page again, under ever other tokens",
    strike: firstPage(anotherToken),
  },
  {
    ...midList,
    name: "pages without items, under ever other tokens",
    only: "for ever",
    strike: firstPage((list) => ({ items: [], ...anotherToken(list) })),
  },
  // Some of them once would be the list of another cluster: nobody can tell.
  {
    ...midList,
    name: "ever other items, under ever other tokens",
    only: "for ever",
    of: /\/(pods|configmaps) \(next/,
    strike: firstPage((list) => ({ items: list.items.map(another), ...anotherToken(list) })),
  },
];
