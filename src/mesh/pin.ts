import type { Finding } from "./findings.ts";
import type { InjectedPrediction } from "./prediction.ts";

/**
 * Explains the pin that decides the image of a new pod.
 *
 * @returns `undefined` if nothing pins the image, or if the pin names the revision's own image.
 */
export function pinFinding({
  pin,
  image,
  unpinned,
  revision,
}: InjectedPrediction): Finding | undefined {
  if (pin === undefined || image === unpinned) return undefined;
  if (pin.by === "kube-inject") {
    return {
      code: "pinned-by-kube-inject",
      reason: `the pod template was injected by hand (kube-inject) with ${image}, which new pods keep; ${revision} gives ${unpinned ?? "an unknown image"}`,
      nextStep:
        "inject the original manifest again, or apply it without a sidecar and let a revision inject it",
    };
  }
  const place =
    pin.by === "annotation"
      ? "the pod template's annotation sidecar.istio.io/proxyImage"
      : "the pod template's own container istio-proxy";
  return {
    code: `pinned-by-${pin.by}`,
    reason: `${place} pins ${image}; ${revision} gives ${unpinned ?? "an unknown image"}`,
    nextStep: `remove ${place} to follow the revision`,
  };
}
