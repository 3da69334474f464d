import type { Workload } from "../snapshot.ts";

/** A tool that applies a workload from a repository, and may revert changes from elsewhere. */
export type GitOpsOwner = "flux-kustomization" | "flux-helm-release" | "argo-cd";

const KUSTOMIZATION = "kustomize.toolkit.fluxcd.io/name";

/** Finds the GitOps tools that own a workload by the marks that they leave on it. */
export function gitOpsOwners({ labels, annotations }: Workload): readonly GitOpsOwner[] {
  const owners: GitOpsOwner[] = [];
  if (KUSTOMIZATION in labels) owners.push("flux-kustomization");
  else if ("helm.toolkit.fluxcd.io/name" in labels) owners.push("flux-helm-release");
  if (annotations["argocd.argoproj.io/tracking-id"] !== undefined) owners.push("argo-cd");
  return owners;
}

/**
 * Returns the field manager to restart a workload with. Flux's kustomize-controller keeps changes
 * by the field manager `flux-client-side-apply`. It may revert changes by other field managers at
 * its next reconciliation, which would cause a second rollout.
 * Source: fluxcd/kustomize-controller `docs/spec/v1/kustomizations.md`, "Override". The controller
 * reverts changes by field managers named `kubectl...`, and by those of `--override-manager`.
 */
export function fieldManagerFor({ labels, appliers = [] }: Workload): string {
  const isFlux = KUSTOMIZATION in labels && appliers.includes("kustomize-controller");
  return isFlux ? "flux-client-side-apply" : "istio-upgrade";
}
