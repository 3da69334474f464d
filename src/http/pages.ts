import { ApiError } from "./api-error.ts";
import type { Api } from "./api.ts";
import type { ResponseObject } from "./request.ts";
import type { Type } from "./protobuf/protobuf.ts";

export interface ListRequest<Item> {
  /** `/api/v1/pods` */
  readonly path: string;
  /** The kind of the list, such as `PodList`. */
  readonly kind: string;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Only names, labels, annotations and owners. */
  readonly metadataOnly?: boolean;
  /** How an item is read from protobuf; without it, JSON is asked for. */
  readonly item?: Type<Item>;
  /**
   * Called where the server forgot the snapshot and the list goes on over what is there by then:
   * what changed meanwhile may be missing, or there twice. Without it such a list has failed.
   */
  readonly inconsistent?: (() => void) | undefined;
}

const PAGE = 500;
/** Filters may leave a page without items, but hardly so many in a row. */
const MOST_EMPTY_PAGES = 100;
/** Two thousand full pages are a million objects, several times what a cluster can hold. */
const MOST_PAGES = 2000;
const METADATA_LIST = "PartialObjectMetadataList";

/**
 * The items of a list, page by page, the next page under way while one is read. No
 * `resourceVersion`: with `0` the server ignores `limit` and may answer from a stale cache.
 *
 * @throws ApiError where any page cannot be had: a list is whole, or it failed.
 */
export async function* listPages<Item extends object>(
  api: Api,
  list: ListRequest<Item>,
): AsyncGenerator<Iterable<Item>> {
  const page = (token: string | undefined) => fetchPage(api, list, token);
  const seen = new Set<string>();
  const firsts = new Set<string>();
  let empty = 0;
  let pages = 0;
  let pending: Promise<ResponseObject> | undefined = page(undefined);
  while (pending !== undefined) {
    const answer: ResponseObject = await pending;
    const token = answer.metadata?.continue || undefined;
    if (token !== undefined && seen.has(token)) throw endless(list, REPEATED);
    if (token !== undefined) seen.add(token);
    pages += 1;
    if (pages === MOST_PAGES && token !== undefined) throw endless(list, `${pages} pages came`);
    pending = token === undefined ? undefined : page(token);
    // Its failure is thrown by the `await` of the next turn, also where the reader stops before.
    pending?.catch(() => undefined);
    empty += 1;
    if (empty > MOST_EMPTY_PAGES) throw endless(list, `${empty} pages in a row hold nothing`);
    yield noticed(itemsOf<Item>(answer, list), (first) => {
      empty = 0;
      const { uid } = (first as { metadata?: { uid?: string } }).metadata ?? {};
      if (uid !== undefined && firsts.has(uid)) throw endless(list, REPEATED);
      if (uid !== undefined) firsts.add(uid);
    });
  }
}

const REPEATED = "the same page was offered twice";

/** Whatever tokens it gives out: a server that sends what it sent before comes to no end. */
function endless({ path }: { readonly path: string }, why: string): ApiError {
  return new ApiError(`${path} never ends: ${why}`, {
    status: 0,
    reason: "malformed",
  });
}

/** The same items; `notice` is called with the first. */
function* noticed<Item>(items: Iterable<Item>, notice: (first: Item) => void): Generator<Item> {
  let first = true;
  for (const item of items) {
    if (first) notice(item);
    first = false;
    yield item;
  }
}

/** All items of a list that is known to be short. */
export async function listAll<Item extends object>(
  api: Api,
  list: ListRequest<Item>,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  for await (const page of listPages<Item>(api, list)) {
    for (const item of page) items.push(item);
  }
  return items;
}

async function fetchPage(
  api: Api,
  list: ListRequest<object>,
  token: string | undefined,
): Promise<ResponseObject> {
  const fetch = (from: string | undefined) =>
    api.send({
      method: "GET",
      path: list.path,
      query: {
        limit: String(PAGE),
        continue: from,
        labelSelector: list.labelSelector,
        fieldSelector: list.fieldSelector,
      },
      kind: list.metadataOnly === true ? METADATA_LIST : list.kind,
      ...(list.metadataOnly === true ? { as: METADATA_LIST } : {}),
      ...(list.item ? { item: list.item } : {}),
    });
  try {
    return await fetch(token);
  } catch (error) {
    // The server forgot the snapshot that the token stands for, and offers to go on without it.
    if (!(error instanceof ApiError) || error.status !== 410) throw error;
    if (error.continueToken === undefined || list.inconsistent === undefined) throw error;
    list.inconsistent();
    return fetch(error.continueToken);
  }
}

function itemsOf<Item>(answer: ResponseObject, list: ListRequest<object>): Iterable<Item> {
  const items = answer["items"];
  // Go prints an empty list as null where it was never allocated.
  if (items === null) return [];
  if (Array.isArray(items)) return items as readonly Item[];
  if (typeof items === "object" && Symbol.iterator in items) {
    return decoded(items as Iterable<Item>, list);
  }
  throw new ApiError(`${list.path} answered with a ${list.kind} without items`, {
    status: 0,
    reason: "malformed",
  });
}

/** Items of protobuf are decoded only when they are asked for. */
function* decoded<Item>(items: Iterable<Item>, { path }: ListRequest<object>): Generator<Item> {
  try {
    yield* items;
  } catch (cause) {
    throw new ApiError(
      `${path} answered with an item that cannot be read: ${(cause as Error).message}`,
      { status: 0, reason: "malformed" },
      { cause },
    );
  }
}
