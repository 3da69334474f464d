import { resourceName } from "../kubernetes/kinds.ts";
import { kubectl, sentence } from "../next-step.ts";
import type { Gap, LabelledObject, UsageSnapshot, Workload } from "../snapshot.ts";
import { ApiError } from "../http/api-error.ts";
import type { Api } from "../http/api.ts";
import { METADATA } from "./api-objects.ts";
import { Gaps } from "./gaps.ts";
import { listAll } from "../http/pages.ts";
import { readSnapshot } from "./read.ts";
import { readTemplateOwners } from "./template-owners.ts";

/**
 * Reads the whole cluster, with everything that can refer to a revision.
 *
 * @param asked the keys of the annotations of namespaces that the user wants to see.
 * @throws CannotRun if every read failed.
 */
export async function readUsageSnapshot(
  api: Api,
  istioNamespace: string,
  asked: readonly string[] = [],
): Promise<UsageSnapshot> {
  const gaps = new Gaps(api, { isNarrowable: false });
  const read = readSnapshot(api, { istioNamespace, namespaces: undefined, asked }, gaps);
  const workloads = read.then((snapshot) => snapshot.workloads);
  const [snapshot, gateways, templateOwners] = await Promise.all([
    read,
    readGateways(api, gaps),
    readTemplateOwners(api, workloads, gaps),
  ]);
  // A template that cannot be read may name any revision.
  const unread = snapshot.workloads.filter(
    ({ malformed, template }) => malformed !== undefined && template === undefined,
  );
  return {
    ...snapshot,
    gateways,
    templateOwners,
    gaps: [...gaps.result(), ...unread.map(templateGap)],
  };
}

function templateGap({ kind, namespace, name, malformed = "" }: Workload): Gap {
  const resource = resourceName({ kind, name });
  return {
    verb: "read",
    resource,
    namespace,
    reason: "malformed",
    message: `the pod template is malformed: ${malformed}`,
    hint: sentence`correct the pod template: ${kubectl("edit", resource, "-n", namespace)}`,
  };
}

const GATEWAY_GROUP = "gateway.networking.k8s.io";

/**
 * Lists the Gateways. If the API group is not installed, there are none; the list itself would answer
 * 403 to a user without permission.
 */
function readGateways(api: Api, gaps: Gaps): Promise<readonly LabelledObject[] | undefined> {
  return gaps.during(
    { verb: "list", resource: `gateways.${GATEWAY_GROUP}`, namespace: undefined },
    async (inconsistent) => {
      const version = await servedVersion(api);
      if (version === undefined) return [];
      const items = await listAll(api, {
        path: `/apis/${GATEWAY_GROUP}/${version}/gateways`,
        kind: "PartialObjectMetadataList",
        metadataOnly: true,
        item: METADATA,
        inconsistent,
      });
      return items.map(({ metadata }) => ({
        namespace: metadata?.namespace ?? "",
        name: metadata?.name ?? "",
        labels: metadata?.labels ?? {},
      }));
    },
  );
}

/**
 * Returns the version of the Gateway API that the cluster serves; `undefined` if the group is not
 * installed. Reads the list of all groups, because a 404 for one group could come from a proxy.
 */
async function servedVersion(api: Api): Promise<string | undefined> {
  const { groups } = await api.send({ method: "GET", path: "/apis", kind: "APIGroupList" });
  if (!Array.isArray(groups)) {
    throw new ApiError("/apis answered without groups", { status: 0, reason: "malformed" });
  }
  const group = groups.find(({ name }) => name === GATEWAY_GROUP);
  return group && (group.preferredVersion?.version ?? "v1");
}
