import { ApiError } from "./api-error.ts";
import type { Api, KubernetesObject } from "./api.ts";
import type { Type } from "./protobuf.ts";

export interface ListRequest<Item> {
  /** `/api/v1/pods` */
  readonly path: string;
  /** `PodList` */
  readonly kind: string;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Only names, labels, annotations and owners. */
  readonly metadataOnly?: boolean;
  /** How an item is read from protobuf; without it, JSON is asked for. */
  readonly item?: Type<Item>;
}

const PAGE = 500;
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
  let pending: Promise<KubernetesObject> | undefined = page(undefined);
  while (pending !== undefined) {
    const answer: KubernetesObject = await pending;
    const token = (answer["metadata"] as { continue?: string } | undefined)?.continue || undefined;
    if (token !== undefined && seen.has(token)) {
      throw new ApiError(`${list.path} never ends: the same page was offered twice`, {
        status: 0,
        reason: "malformed",
      });
    }
    if (token !== undefined) seen.add(token);
    pending = token === undefined ? undefined : page(token);
    // Its failure is thrown by the `await` of the next turn, also where the reader stops before.
    pending?.catch(() => undefined);
    yield itemsOf<Item>(answer, list);
  }
}

/** All items of a list that is known to be short. */
export async function listAll<Item extends object>(
  api: Api,
  list: ListRequest<Item>,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  for await (const page of listPages<Item>(api, list)) items.push(...page);
  return items;
}

async function fetchPage(
  api: Api,
  list: ListRequest<object>,
  token: string | undefined,
): Promise<KubernetesObject> {
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
    if (error instanceof ApiError && error.status === 410 && error.continueToken) {
      return fetch(error.continueToken);
    }
    throw error;
  }
}

function itemsOf<Item>(answer: KubernetesObject, list: ListRequest<object>): Iterable<Item> {
  const items = answer["items"];
  // Go prints an empty list as null where it was never allocated.
  if (items === null || items === undefined) return [];
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
