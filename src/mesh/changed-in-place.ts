import type { RunningPods } from "./running-pods.ts";

/**
 * Returns the pods whose container `istio-proxy` still runs another image than their spec names. The
 * kubelet replaces the container after the spec was changed in place; some kubelets do not replace a
 * native sidecar (kubernetes/kubernetes#126525). Another tag in the status proves nothing by itself,
 * because a container runtime may report any tag of an image (kubernetes/kubernetes#51017). It counts
 * if the spec was changed, or if the image differs from that of the pods with the same spec.
 */
export function notYetReplaced(running: readonly RunningPods[]): readonly RunningPods[] {
  return running.filter(({ image, reported }) => {
    if (reported === undefined) return false;
    const others = running.filter((group) => group.image === image && group.reported === undefined);
    const digests = others.flatMap(({ imageId }) => imageId ?? []);
    const isOtherImage =
      reported.imageId !== undefined && digests.length > 0 && !digests.includes(reported.imageId);
    return reported.specChanged || isOtherImage;
  });
}
