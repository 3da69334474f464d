import {
  AKS_CLUSTER,
  az,
  istioctl,
  istioUpgrade,
  kubectl,
  type NextStep,
  sentence,
  sequence,
} from "../next-step.ts";
import { AKS_REVISION } from "../istio-labels.ts";
import { newestRevision } from "./findings.ts";
import { type Mesh, SHARED_CONFIG_MAP } from "./mesh.ts";

/**
 * Returns the steps that remove an installed revision once nothing uses it, and what it leaves behind.
 * The resource group and the cluster's name in Azure are nowhere in the cluster.
 */
export function removalSteps(revision: string, mesh: Mesh): readonly NextStep[] {
  const { istioNamespace, sharedConfigMaps } = mesh;
  const configMap = `${SHARED_CONFIG_MAP}-${revision}`;
  return [
    ...uninstallStep(revision, mesh),
    ...(sharedConfigMaps?.has(configMap) === true
      ? [sentence`then delete: ${kubectl("delete", "configmap", configMap, "-n", istioNamespace)}`]
      : []),
  ];
}

function uninstallStep(revision: string, mesh: Mesh): readonly NextStep[] {
  const { revisions, istiods, istioNamespace } = mesh;
  if (!revisions.has(revision) && istiods?.has(revision) !== true) return [];
  const guard = istioUpgrade("revisions", revision, "--assert-unused");
  const other = newestRevision(mesh, revision);
  if (!AKS_REVISION.test(revision)) {
    const place = ["--istioNamespace", istioNamespace];
    const uninstall = istioctl("uninstall", "--revision", revision, ...place);
    return [sentence`uninstall it: ${sequence([guard, uninstall])}`];
  }
  // AKS removes a revision only at the end of an upgrade, or of its rollback.
  if (other === undefined || !AKS_REVISION.test(other)) return [];
  const isOld = newestRevision(mesh) === other;
  const verb = isOld ? "complete" : "rollback";
  const end = az("aks", "mesh", "upgrade", verb, ...AKS_CLUSTER);
  const what = isOld ? "complete the upgrade" : "roll the upgrade back";
  return [sentence`${what}, with your resource group and cluster: ${sequence([guard, end])}`];
}
