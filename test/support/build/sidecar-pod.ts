import type {
  ImageNode,
  NativeSidecar,
  SidecarPod,
  SidecarStatus,
} from "../../../src/sidecar-pod.ts";
import { proxyImage } from "./pod-group.ts";

export const OLD_IMAGE = proxyImage("v1.29.4-1");
export const NEW_IMAGE = proxyImage("v1.29.5-2");

/** Returns a ready pod with a native sidecar of the old image, on the node `node-1`. */
export function sidecarPod(
  name: string,
  overrides: Partial<SidecarPod> & { readonly proxy?: Partial<NativeSidecar> } = {},
): SidecarPod {
  const { proxy, ...others } = overrides;
  return {
    namespace: "shop",
    name,
    uid: `uid-${name}`,
    resourceVersion: "100",
    labels: { app: "web" },
    node: "node-1",
    revision: "asm-1-29",
    ready: true,
    terminating: false,
    usesPullSecret: false,
    gracePeriod: 30,
    sidecar: nativeSidecar(proxy),
    application: [{ name: "app", restartCount: 0, startedAt: "2026-11-22T10:00:00Z" }],
    livenessProbes: [],
    replacing: undefined,
    ...others,
  };
}

export function nativeSidecar(overrides: Partial<NativeSidecar> = {}): NativeSidecar {
  return {
    index: 1,
    image: OLD_IMAGE,
    pullPolicy: "IfNotPresent",
    drain: 5000,
    status: {
      containerId: "containerd://old",
      imageId: "proxyv2@sha256:old",
      ready: true,
      restartCount: 0,
      waiting: undefined,
      message: "",
      lastEnd: "",
    },
    ...overrides,
  };
}

/** The status of a sidecar that has replaced the one of `nativeSidecar`, and is ready. */
export const NEW_STATUS: SidecarStatus = {
  containerId: "containerd://new",
  imageId: "proxyv2@sha256:new",
  ready: true,
  restartCount: 1,
  waiting: undefined,
  message: "",
  lastEnd: "",
};

/** Returns a node with both images. */
export function imageNode(overrides: Partial<ImageNode> = {}): ImageNode {
  return {
    name: "node-1",
    version: "v1.33.2",
    images: [
      [OLD_IMAGE, "proxyv2@sha256:old"],
      [NEW_IMAGE, "proxyv2@sha256:new"],
    ],
    taints: [],
    ...overrides,
  };
}
