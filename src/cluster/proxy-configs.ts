import { isForbidden, isNotFound, ApiError } from "../http/api-error.ts";
import type { Api } from "../http/api.ts";
import { listAll } from "../http/pages.ts";
import { isObject } from "../json-object.ts";
import { groupPath } from "../kubernetes/api-paths.ts";
import type { Labels, ProxyConfig } from "../snapshot.ts";

/** Returns the ProxyConfigs of a namespace that set an image; `undefined` if they are unread. */
export type ProxyConfigLookup = (namespace: string) => Promise<readonly ProxyConfig[] | undefined>;

/**
 * Creates a lookup that reads all ProxyConfigs of the cluster with one list. If the user is not
 * allowed to do that, it reads those of each namespace that is asked for, once.
 */
export function createProxyConfigLookup(api: Api): ProxyConfigLookup {
  const lists = new Map<string | undefined, Promise<Listed>>();
  const list = (namespace: string | undefined) => {
    const known = lists.get(namespace) ?? listProxyConfigs(api, namespace);
    lists.set(namespace, known);
    return known;
  };
  return async (namespace) => {
    const all = await list(undefined);
    const own = all === "forbidden" ? await list(namespace) : all;
    return typeof own === "string"
      ? undefined
      : own.filter((config) => config.namespace === namespace);
  };
}

type Listed = readonly ProxyConfig[] | "forbidden" | "unread";

async function listProxyConfigs(api: Api, namespace: string | undefined): Promise<Listed> {
  try {
    const items = await listAll<ApiProxyConfig>(api, {
      path: `${groupPath("networking.istio.io/v1beta1", namespace)}/proxyconfigs`,
      kind: "ProxyConfigList",
    });
    return items.flatMap((item) => proxyConfigRecord(item) ?? []);
  } catch (error) {
    // The kind is not installed.
    if (isNotFound(error)) return [];
    if (!(error instanceof ApiError)) throw error;
    return isForbidden(error) ? "forbidden" : "unread";
  }
}

interface ApiProxyConfig {
  readonly metadata?: { readonly namespace?: string; readonly name?: string };
  readonly spec?: unknown;
}

/** Returns `undefined` for a ProxyConfig that leaves the image as it is. */
function proxyConfigRecord({ metadata, spec }: ApiProxyConfig): ProxyConfig | undefined {
  if (!isObject(spec) || spec["image"] === undefined) return undefined;
  const selector = isObject(spec["selector"]) ? spec["selector"]["matchLabels"] : undefined;
  return {
    namespace: metadata?.namespace ?? "",
    name: metadata?.name ?? "",
    selector: isObject(selector) ? labelsOf(selector) : {},
  };
}

function labelsOf(labels: Readonly<Record<string, unknown>>): Labels {
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, String(value)]));
}
