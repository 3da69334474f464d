/**
 * Labels, annotations and names that Istio gives a meaning to, and this tool's own annotation.
 * Source: istio.io/api `annotation/annotations.gen.go` and `label/labels.gen.go`.
 */

/** The namespace in which AKS installs istiod. */
export const AKS_ISTIO_NAMESPACE = "aks-istio-system";

/** The name of a revision of the AKS add-on, such as `asm-1-28`. */
export const AKS_REVISION = /^asm-\d+-\d+$/;

/** The label of what AKS itself manages, with the value `aks`. */
export const AKS_MANAGED = "kubernetes.azure.com/managedby";

/** The label of namespaces, pods and webhooks that names a revision, and an annotation of injected pods. */
export const REVISION = "istio.io/rev";

/** The label of a webhook configuration that names a revision tag. */
export const REVISION_TAG = "istio.io/tag";

/** The label of namespaces that turns injection on or off for the default revision. */
export const INJECTION = "istio-injection";

/** The label or annotation of a pod template that asks for injection, or opts out of it. */
export const INJECT = "sidecar.istio.io/inject";

/** The label of namespaces and pods that chooses ambient mode. */
export const DATAPLANE_MODE = "istio.io/dataplane-mode";

/** The annotation of a pod template that chooses the injection templates. */
export const INJECTION_TEMPLATES = "inject.istio.io/templates";

/** The annotation of a pod template that pins the sidecar's image. */
export const PROXY_IMAGE = "sidecar.istio.io/proxyImage";

/** The annotation of a pod template that chooses the image type, such as `distroless`. */
export const PROXY_IMAGE_TYPE = "sidecar.istio.io/proxyImageType";

/** The annotation of a pod template that overrides the mesh's proxy configuration, in YAML. */
export const PROXY_CONFIG = "proxy.istio.io/config";

/** The annotation of a pod template that asks for a native sidecar, or for an ordinary one. */
export const NATIVE_SIDECAR = "sidecar.istio.io/nativeSidecar";

/** The annotation that injection leaves on each pod: a list of what it added. */
export const INJECTION_STATUS = "sidecar.istio.io/status";

/** The annotation that injection leaves on a pod: containers as the template had them. */
export const PROXY_OVERRIDES = "proxy.istio.io/overrides";

/** The label of workloads that istiod renders from a Gateway or a waypoint. */
export const MANAGED_GATEWAY = "gateway.istio.io/managed";

/** The name of the container that is the sidecar; `istio-init` runs the same image. */
export const PROXY_CONTAINER = "istio-proxy";

/** The annotation of a workload or a namespace that excludes it from restarts. */
export const EXCLUDE = "istio-upgrade/exclude";

/** True for a label or an annotation that only Istio gives a meaning to. */
export function isIstioKey(key: string): boolean {
  return /^(?:[\w-]+\.)*istio\.io\//.test(key);
}
