import { az, istioctl, istioUpgrade, type NextStep, sentence, sequence } from "../next-step.ts";
import type { Mesh } from "./mesh.ts";
import { AKS_REVISION } from "../istio-labels.ts";
import { compareRevisions } from "./revision-order.ts";

/** The names of a cluster in Azure, which the commands of `az` need. */
export interface AzureCluster {
  readonly resourceGroup: string;
  readonly name: string;
}

const PREFIX = /^cluster(?:User|Admin)_/;

/**
 * Finds the names of a cluster in Azure. `az aks get-credentials` names the user entry of a kubeconfig
 * `clusterUser_GROUP_NAME` or `clusterAdmin_GROUP_NAME`, and the cluster entry `NAME`.
 * Source: azure-cli `acs/custom.py`, `merge_kubernetes_configurations`, and the API of AKS.
 *
 * @returns `undefined` unless the entries tell both names for certain.
 */
export function azureClusterIn(entries: {
  readonly cluster: string;
  readonly user: string;
}): AzureCluster | undefined {
  const { cluster, user } = entries;
  const suffix = `_${cluster}`;
  const named = user.replace(PREFIX, "");
  if (named === user || cluster === "" || !named.endsWith(suffix)) return undefined;
  const resourceGroup = named.slice(0, -suffix.length);
  // The characters that Azure allows.
  const isValid = /^[\p{L}\p{N}_().-]+$/u.test(resourceGroup) && /^[\w-]+$/.test(cluster);
  return isValid ? { resourceGroup, name: cluster } : undefined;
}

function flagsOf({ resourceGroup, name }: AzureCluster): readonly string[] {
  return ["--resource-group", resourceGroup, "--name", name];
}

/** The words for names that the kubeconfig does not tell. */
const IN_AZURE = "with the resource group and the name of this cluster in Azure";

/**
 * Returns the step that installs the control plane of a revision beside the installed ones.
 *
 * @param azure `undefined` if the names in Azure are unknown.
 */
export function startStep(
  revision: string,
  azure: AzureCluster | undefined,
  installed: readonly string[],
): NextStep {
  if (!AKS_REVISION.test(revision)) {
    return `install the control plane of the revision ${revision} in the way in which you installed ${installed.join(" and ") || "Istio"}`;
  }
  return azure === undefined
    ? sentence`run ${az("aks", "mesh", "upgrade", "start")} for the revision ${revision}, ${IN_AZURE}`
    : az("aks", "mesh", "upgrade", "start", ...flagsOf(azure), "--revision", revision);
}

/** True if the end of the upgrade removes the newer revision. */
export function isWayBack(from: string, to: string): boolean {
  return compareRevisions(to, from) < 0;
}

/**
 * Returns the step that removes a revision, guarded by a check that nothing uses it.
 *
 * @param azure `undefined` if the names in Azure are unknown.
 */
export function endStep(
  from: string,
  to: string,
  azure: AzureCluster | undefined,
  { istioNamespace }: Pick<Mesh, "istioNamespace">,
): NextStep {
  const guard = istioUpgrade("revisions", from, "--assert-unused");
  if (!AKS_REVISION.test(from) || !AKS_REVISION.test(to)) {
    const place = ["--istioNamespace", istioNamespace];
    return sequence([guard, istioctl("uninstall", "--revision", from, ...place)]);
  }
  const verb = isWayBack(from, to) ? "rollback" : "complete";
  return azure === undefined
    ? sentence`run ${az("aks", "mesh", "upgrade", verb)}, ${IN_AZURE}, but only once this succeeds: ${guard}`
    : sequence([guard, az("aks", "mesh", "upgrade", verb, ...flagsOf(azure))]);
}
