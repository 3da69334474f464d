import { ApiError } from "./api-error.ts";
import type { Api } from "./api.ts";
import type { ResponseObject } from "./request.ts";
import type { Type } from "./protobuf/protobuf.ts";

/** A request for all objects of a resource. */
export interface ListRequest<Item> {
  /** The path of the resource, such as `/api/v1/pods`. */
  readonly path: string;
  /** The kind of the list, such as `PodList`. */
  readonly kind: string;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** True to request only the metadata of each item. */
  readonly metadataOnly?: boolean;
  /** The type that decodes an item from protobuf. Without it the request asks for JSON. */
  readonly item?: Type<Item>;
  /**
   * Called if the server has dropped the snapshot of the list and continues with the current state, so
   * that changed items may be missing or appear twice. Without this callback such a list fails.
   */
  readonly inconsistent?: (() => void) | undefined;
}

/** The number of items of a page. All pages of a run are in memory at the same time. */
export const PAGE_SIZE = 500;
/** Filters can leave pages without items, but not for this many items in a row. */
const MAX_EMPTY_ITEMS = 50_000;
/** A million objects are several times the capacity of a cluster. */
const MAX_ITEMS = 1_000_000;
const METADATA_LIST = "PartialObjectMetadataList";

/**
 * Lists objects page by page, and requests the next page while the caller reads the current one. The
 * request has no `resourceVersion`: with `0` the server ignores `limit` and may answer from a stale
 * cache.
 *
 * @throws ApiError if any page fails. A list is complete, or it is an error.
 */
export async function* listPages<Item extends object>(
  api: Api,
  list: ListRequest<Item>,
): AsyncGenerator<Iterable<Item>> {
  const { pageSize = PAGE_SIZE } = api;
  const page = (token: string | undefined) => fetchPage(api, list, token, pageSize);
  const seen = new Set<string>();
  const firsts = new Set<string>();
  let empty = 0;
  let pages = 0;
  let pending: Promise<ResponseObject> | undefined = page(undefined);
  while (pending !== undefined) {
    const response: ResponseObject = await pending;
    const token = response.metadata?.continue || undefined;
    if (token !== undefined && seen.has(token)) throw endless(list, REPEATED);
    if (token !== undefined) seen.add(token);
    pages += 1;
    if (pages * pageSize >= MAX_ITEMS && token !== undefined)
      throw endless(list, `${pages} pages so far`);
    pending = token === undefined ? undefined : page(token);
    // The next iteration throws the error of this page, unless the caller stops before it.
    pending?.catch(() => undefined);
    empty += 1;
    if (empty * pageSize > MAX_EMPTY_ITEMS)
      throw endless(list, `${empty} pages in a row are empty`);
    yield noticed(itemsOf<Item>(response, list), (first) => {
      empty = 0;
      const { uid } = (first as { metadata?: { uid?: string } }).metadata ?? {};
      if (uid !== undefined && firsts.has(uid)) throw endless(list, REPEATED);
      if (uid !== undefined) firsts.add(uid);
    });
  }
}

const REPEATED = "the same page came twice";

/** Returns the error for a server that repeats pages and so never ends a list. */
function endless({ path }: { readonly path: string }, why: string): ApiError {
  return new ApiError(`${path} never ends: ${why}`, {
    status: 0,
    reason: "malformed",
  });
}

/** Yields the items unchanged, and calls `notice` with the first one. */
function* noticed<Item>(items: Iterable<Item>, notice: (first: Item) => void): Generator<Item> {
  let first = true;
  for (const item of items) {
    if (first) notice(item);
    first = false;
    yield item;
  }
}

/** Returns all items of a list that is known to be short. */
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
  pageSize: number,
): Promise<ResponseObject> {
  const fetch = (from: string | undefined) =>
    api.send({
      method: "GET",
      path: list.path,
      query: {
        limit: String(pageSize),
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
    // The server has dropped the snapshot of the token, and may offer another token to continue.
    if (!(error instanceof ApiError) || error.status !== 410) throw error;
    if (error.continueToken === undefined || list.inconsistent === undefined) throw error;
    list.inconsistent();
    return fetch(error.continueToken);
  }
}

function itemsOf<Item>(response: ResponseObject, list: ListRequest<object>): Iterable<Item> {
  const items = response["items"];
  // Go encodes a nil slice as null.
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

/** Reports errors in protobuf items, which are decoded only while the caller iterates. */
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
