import type { V1Pod } from "@kubernetes/client-node";
import type { Labels } from "../../../src/snapshot.ts";

export interface ApiPodOptions {
  readonly name?: string;
  readonly namespace?: string;
  readonly owner?: { readonly kind: string; readonly name: string; readonly uid: string };
  readonly labels?: Labels;
  readonly annotations?: Labels;
  /** The image of `istio-proxy`; `native` makes it an init container. */
  readonly sidecar?: { readonly image: string; readonly native?: boolean };
  readonly args?: readonly string[];
  readonly ready?: boolean;
  /** The kubelet's waiting reason of the first container. */
  readonly waiting?: string;
  readonly terminating?: boolean;
  readonly phase?: string;
  readonly createdAt?: string;
}

/** Returns a pod in the JSON of the API server, with istio-init beside every sidecar. */
export function apiPod(options: ApiPodOptions = {}): V1Pod {
  const { name = "web-1", owner, sidecar, ready = true, waiting, phase = "Running" } = options;
  if (waiting !== undefined && ready) throw new Error("a waiting pod cannot be ready");
  if (phase !== "Running" && ready) throw new Error("only a running pod can be ready");
  const proxy = sidecar && {
    name: "istio-proxy",
    image: sidecar.image,
    args: [...(options.args ?? ["proxy", "sidecar"])],
    ...(sidecar.native === true ? { restartPolicy: "Always" } : {}),
  };
  const init = proxy ? [{ name: "istio-init", image: proxy.image }] : [];
  const native = sidecar?.native === true;
  // The injector annotates every pod that it changes.
  const annotations =
    options.annotations ?? (sidecar ? { "sidecar.istio.io/status": "{}" } : undefined);
  return {
    metadata: {
      name,
      namespace: options.namespace ?? "shop",
      uid: `uid-${name}`,
      ...(options.labels && { labels: options.labels }),
      ...(annotations && { annotations }),
      ...(owner && {
        ownerReferences: [{ apiVersion: "", controller: true, ...owner }],
      }),
      // JSON has strings here, although the client's type is Date.
      ...(options.createdAt !== undefined && {
        creationTimestamp: options.createdAt as unknown as Date,
      }),
      ...(options.terminating === true && {
        deletionTimestamp: "2026-11-22T20:00:00Z" as unknown as Date,
      }),
    },
    spec: {
      containers: [{ name: "app", image: "app:1" }, ...(proxy && !native ? [proxy] : [])],
      ...(proxy && { initContainers: [...init, ...(native ? [proxy] : [])] }),
    },
    status: {
      phase,
      conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
      containerStatuses: [
        {
          name: "app",
          image: "app:1",
          imageID: "",
          ready,
          restartCount: 0,
          ...(waiting !== undefined && { state: { waiting: { reason: waiting, message: "why" } } }),
        },
      ],
    },
  };
}
