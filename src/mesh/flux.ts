import type { Workload } from "../snapshot.ts";

/**
 * The name under which a restart is written. What Flux's kustomize-controller applied is written in
 * the name that Flux documents for changes that it is to keep; under others it may take them back
 * at its next reconciliation, which is a second rollout.
 * Sources: fluxcd/kustomize-controller `docs/spec/v1/kustomizations.md`, "Override"; it takes back
 * what managers named `kubectl...` own, and those of its flag `--override-manager`.
 */
export function fieldManagerFor({ labels, appliers = [] }: Workload): string {
  const isFlux = KUSTOMIZATION in labels && appliers.includes("kustomize-controller");
  return isFlux ? "flux-client-side-apply" : "istio-upgrade";
}

/** The Kustomization that a workload belongs to. */
export const KUSTOMIZATION = "kustomize.toolkit.fluxcd.io/name";
