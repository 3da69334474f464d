import { ApiError } from "../http/api-error.ts";
import type { Api } from "../http/api.ts";
import { listAll } from "../http/pages.ts";
import { groupPath } from "../kubernetes/api-paths.ts";
import { isRestartable, resourceOf } from "../kubernetes/kinds.ts";
import type { Labels, Workload } from "../snapshot.ts";
import { METADATA } from "./api-objects.ts";
import type { Gaps } from "./gaps.ts";

/** Finds the workloads that a label selector matches, among owners that are not listed. */
export interface SelectedOwners {
  /** Returns the matching workloads, with their labels. An owner that cannot be read is a gap. */
  select(workloads: readonly Workload[]): Promise<readonly Workload[]>;
}

/**
 * Creates the lookup. It lists the metadata of a kind, which the API server filters, when the first
 * workload of the kind needs it.
 *
 * @param scope the namespace to list; `undefined`: the whole cluster.
 */
export function createSelectedOwners(
  api: Api,
  scope: string | undefined,
  labelSelector: string,
  gaps: Gaps,
): SelectedOwners {
  const byKind = new Map<string, Promise<ReadonlyMap<string, Labels>>>();

  function matchesOf({ kind, apiVersion = "" }: Workload): Promise<ReadonlyMap<string, Labels>> {
    const key = `${apiVersion} ${kind}`;
    const known = byKind.get(key);
    if (known !== undefined) return known;
    const listed = listMatches(api, { kind, apiVersion, scope, labelSelector }, gaps);
    byKind.set(key, listed);
    return listed;
  }

  return {
    select: async (workloads) => {
      const selected = await Promise.all(
        workloads.map(async (workload) => {
          // The API server filtered the first, and the pod itself has the labels of the second.
          if (isRestartable(workload.kind) || workload.kind === "Pod") return [workload];
          // A static pod belongs to its node, which is no workload.
          if (workload.kind === "Node") return [];
          const labels = (await matchesOf(workload)).get(workload.uid);
          return labels === undefined ? [] : [{ ...workload, labels }];
        }),
      );
      return selected.flat();
    },
  };
}

interface Kind {
  readonly kind: string;
  readonly apiVersion: string;
  readonly scope: string | undefined;
  readonly labelSelector: string;
}

/** Lists the labels of the objects that the selector matches, by their uid; none if unread. */
async function listMatches(
  api: Api,
  { kind, apiVersion, scope, labelSelector }: Kind,
  gaps: Gaps,
): Promise<ReadonlyMap<string, Labels>> {
  const [group = "", version] = apiVersion.split("/");
  const [name = kind] = kind.split(".");
  const suffix = version === undefined ? "" : `.${group}`;
  const resource = resourceOf(kind) ?? name.toLowerCase();
  const found = await gaps.during(
    { verb: "list", resource: `${resource}${suffix}`, namespace: scope },
    async (inconsistent) => {
      const plural = resourceOf(kind) ?? (await discoverResource(api, apiVersion, name));
      return listAll(api, {
        path: `${groupPath(apiVersion, scope)}/${plural}`,
        kind: "PartialObjectMetadataList",
        metadataOnly: true,
        item: METADATA,
        labelSelector,
        inconsistent,
      });
    },
  );
  return new Map(
    (found ?? []).map(({ metadata }) => [metadata?.uid ?? "", metadata?.labels ?? {}]),
  );
}

/** Finds the resource of a custom kind, such as `clonesets`. */
async function discoverResource(api: Api, apiVersion: string, kind: string): Promise<string> {
  const path = groupPath(apiVersion, undefined);
  const { resources } = await api.send({ method: "GET", path, kind: "APIResourceList" });
  const found = Array.isArray(resources)
    ? (resources as readonly { readonly name: string; readonly kind: string }[]).find(
        (resource) => resource.kind === kind && !resource.name.includes("/"),
      )
    : undefined;
  if (found === undefined) {
    const message = `${path} does not serve the kind ${kind}`;
    throw new ApiError(message, { status: 0, reason: "malformed" });
  }
  return found.name;
}
