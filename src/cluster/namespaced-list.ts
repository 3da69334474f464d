import { ApiError } from "../http/api-error.ts";
import type { Api } from "../http/api.ts";
import { listPages, type ListRequest } from "../http/pages.ts";
import type { ApiOwned } from "./api-objects.ts";
import type { Gaps } from "./gaps.ts";
import { compareNamespaces, newBatch, type NamespaceBatch } from "./namespace-batch.ts";

/** A list of namespaced objects, and how an item becomes part of its namespace's batch. */
export interface NamespacedList<Item> {
  /** The resource that a gap names, such as `pods` or `deployments.apps`. */
  readonly resource: string;
  readonly request: ListRequest<Item>;
  /** The namespace to list; `undefined`: the whole cluster. */
  readonly namespace: string | undefined;
  /** Copies what is needed of an item. The bytes behind the item are reused after the call. */
  readonly add: (batch: NamespaceBatch, item: Item) => void;
}

/**
 * Reads a list, and yields one batch per namespace as soon as the next namespace begins. If a page
 * cannot be read, there is a gap, and the last batch holds the items of its namespace until then.
 */
export async function* readBatches<Item extends ApiOwned>(
  api: Api,
  { resource, request, namespace: scope, add }: NamespacedList<Item>,
  gaps: Gaps,
): AsyncGenerator<NamespaceBatch, undefined> {
  const read = gaps.begin({ verb: "list", resource, namespace: scope });
  let batch: NamespaceBatch | undefined;
  try {
    for await (const page of listPages(api, { ...request, inconsistent: read.markInconsistent })) {
      for (const item of page) {
        const namespace = item.metadata?.namespace ?? "";
        if (batch?.namespace !== namespace) {
          if (batch !== undefined) {
            requireOrder(batch.namespace, namespace);
            yield batch;
          }
          batch = newBatch(namespace);
        }
        try {
          add(batch, item);
        } catch (error) {
          // One object of an odd shape must not end the read of all others.
          read.skip({ name: nameOf(item), namespace }, error);
        }
      }
    }
    read.succeed();
  } catch (error) {
    read.fail(error);
  }
  if (batch !== undefined) yield batch;
  return undefined;
}

/** Returns the name of an object; a list of owners alone has only their uids. */
function nameOf({ metadata }: ApiOwned): string {
  const { name, uid = "" } = (metadata ?? {}) as { readonly name?: string; readonly uid?: string };
  return name ?? uid;
}

/** @throws ApiError if a list returns to a namespace that it has left. */
function requireOrder(before: string, namespace: string): void {
  if (compareNamespaces(before, namespace) < 0) return;
  throw new ApiError(`a list came to ${namespace} after ${before}, out of order`, {
    status: 0,
    reason: "malformed",
  });
}
