import { REVISION } from "../istio-labels.ts";
import type { NextStep } from "../next-step.ts";
import type { Namespace, OwnedNamespace } from "../snapshot.ts";
import { isGitOpsManager } from "./gitops.ts";

/** The field managers of people who use kubectl, and of this program. */
const OF_PEOPLE = /^(?:kubectl|istio-upgrade)(?:-|$)/;

/**
 * Returns the field manager that owns a label of a namespace and is neither kubectl nor this program.
 * It may write the label again at any time.
 *
 * @returns `undefined` if there is none.
 */
export function labelOwner({ labelManagers }: OwnedNamespace, key: string): string | undefined {
  return labelManagers.get(key)?.find((manager) => !OF_PEOPLE.test(manager));
}

/** Returns what to change where the owner of the label `istio.io/rev` reads it. */
export function ownerStep(
  { labels, annotations }: Namespace,
  owner: string,
  { to }: { readonly to: string },
): NextStep {
  const change = `set the label ${REVISION}=${to} of the namespace`;
  const {
    "kustomize.toolkit.fluxcd.io/name": kustomization,
    "helm.toolkit.fluxcd.io/name": release,
  } = labels;
  if (owner === "kustomize-controller") {
    return `${change} in the source of the Kustomization${kustomization === undefined ? "" : ` ${kustomization}`} of Flux`;
  }
  if (owner === "helm-controller") {
    return `${change} in the HelmRelease${release === undefined ? "" : ` ${release}`} of Flux`;
  }
  if (owner.startsWith("argocd") || owner === "argo-cd") {
    const [app] = annotations["argocd.argoproj.io/tracking-id"]?.split(":") ?? [];
    return `${change} in the source of the Application${app === undefined ? "" : ` ${app}`} of Argo CD`;
  }
  if (/terraform|opentofu|pulumi/i.test(owner)) return `${change} in the configuration of ${owner}`;
  if (/^helm/i.test(owner)) return `${change} in the values or the chart of its Helm release`;
  return isGitOpsManager(owner)
    ? `${change} in the repository that ${owner} reads`
    : `${change} with the tool whose field manager is ${owner}`;
}
