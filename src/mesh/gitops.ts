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

/** An operator that may revert a restart, and the way to restart through it. */
export interface Operator {
  /** For example `StrimziPodSet kafka`. */
  readonly name: string;
  /** The mark that names it, as the start of a sentence after the name. */
  readonly role: string;
}

const MANAGED_BY = "app.kubernetes.io/managed-by";
const ADDON_MODE = "addonmanager.kubernetes.io/mode";

/**
 * Values of the label `app.kubernetes.io/managed-by` that name a tool which writes only when somebody
 * runs it, or one with a warning of its own.
 */
const NO_OPERATORS =
  /^(?:helm|tiller|helmfile|kubectl|kustomize|kapp|skaffold|jsonnet|tanka|terraform|pulumi|ansible|argo-?cd|flux.*)$/i;

/**
 * Finds the operator that writes a workload: its controller or, without one, the operator that the
 * labels name. The field managers would name more operators, but a list does not keep them.
 */
export function operatorOf({ controller, labels }: Workload): Operator | undefined {
  if (controller !== undefined) {
    return { name: `${controller.kind} ${controller.name}`, role: "controls it" };
  }
  const { "olm.owner": owner, [ADDON_MODE]: mode, [MANAGED_BY]: manager = "" } = labels;
  if (owner !== undefined) {
    return { name: owner, role: "manages it through the Operator Lifecycle Manager" };
  }
  if (mode === "Reconcile") {
    return { name: "the addon manager", role: `manages it (label ${ADDON_MODE})` };
  }
  return manager === "" || NO_OPERATORS.test(manager)
    ? undefined
    : { name: manager, role: `manages it (label ${MANAGED_BY})` };
}

/** The field managers of tools that write what a repository says, again and again. */
const GITOPS_MANAGER =
  /^(?:argocd-.+|argo-cd|kustomize-controller|helm-controller|fleet.*|configsync.*)$/;

/** True for the field manager of a GitOps tool. */
export function isGitOpsManager(name: string): boolean {
  return GITOPS_MANAGER.test(name);
}

/** The field manager of the restarts by this program. */
export const OWN_MANAGER = "istio-upgrade";

/**
 * Returns the field manager to restart a workload with. Flux's kustomize-controller keeps changes
 * by the field manager `flux-client-side-apply`. It may revert changes by other field managers at
 * its next reconciliation, which would cause a second rollout.
 * Source: fluxcd/kustomize-controller `docs/spec/v1/kustomizations.md`, "Override". The controller
 * reverts changes by field managers named `kubectl...`, and by those of `--override-manager`.
 */
export function fieldManagerFor({ labels, appliers = [] }: Workload): string {
  const isFlux = KUSTOMIZATION in labels && appliers.includes("kustomize-controller");
  return isFlux ? "flux-client-side-apply" : OWN_MANAGER;
}
