import { ApiError, isNotFound, unreadText } from "../http/api-error.ts";
import type { Api } from "../http/api.ts";
import { listAll } from "../http/pages.ts";
import { isObject } from "../json-object.ts";
import type { EnvoyFilter, Node } from "../snapshot.ts";
import { NODE } from "./api-objects.ts";

/** The result of a read that a report can do without. */
type Optional<Value> =
  | { readonly kind: "read"; readonly value: Value }
  | { readonly kind: "unread"; readonly message: string };

/** Lists the nodes. */
export function readNodes(api: Api): Promise<Optional<readonly Node[]>> {
  return optional("list nodes", async () => {
    const items = await listAll(api, { path: "/api/v1/nodes", kind: "NodeList", item: NODE });
    return items.map(({ metadata, status }) => ({
      name: metadata?.name ?? "",
      version: status?.nodeInfo?.kubeletVersion ?? "",
    }));
  });
}

interface ApiEnvoyFilter {
  readonly metadata?: { readonly namespace?: string; readonly name?: string };
  readonly spec?: unknown;
}

/** Lists the EnvoyFilters; there are none if their kind is not installed. */
export function readEnvoyFilters(api: Api): Promise<Optional<readonly EnvoyFilter[]>> {
  return optional("list envoyfilters.networking.istio.io", async () => {
    try {
      const items = await listAll<ApiEnvoyFilter>(api, {
        path: "/apis/networking.istio.io/v1alpha3/envoyfilters",
        kind: "EnvoyFilterList",
      });
      return items.map(({ metadata, spec }) => ({
        namespace: metadata?.namespace ?? "",
        name: metadata?.name ?? "",
        proxyVersions: proxyVersionsIn(spec),
      }));
    } catch (error) {
      if (isNotFound(error)) return [];
      throw error;
    }
  });
}

/** Reads `configPatches[].match.proxy.proxyVersion`. */
function proxyVersionsIn(spec: unknown): readonly string[] {
  const patches: readonly unknown[] =
    isObject(spec) && Array.isArray(spec["configPatches"]) ? spec["configPatches"] : [];
  const versions = patches.flatMap((patch) => {
    const match = isObject(patch) ? patch["match"] : undefined;
    const proxy = isObject(match) ? match["proxy"] : undefined;
    const version = isObject(proxy) ? proxy["proxyVersion"] : undefined;
    return typeof version === "string" && version !== "" ? [version] : [];
  });
  return [...new Set(versions)].sort();
}

/** @param what the read, in the terms of `kubectl auth can-i`. */
async function optional<Value>(what: string, read: () => Promise<Value>): Promise<Optional<Value>> {
  try {
    return { kind: "read", value: await read() };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { kind: "unread", message: unreadText(error, what) };
  }
}
