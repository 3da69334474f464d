import { setTimeout as sleep } from "node:timers/promises";
import { daemonSet, deployment, type Manifest, statefulSet } from "../support/manifests.ts";
import type { Answer } from "../support/test-cluster.ts";
import { startRealCluster } from "../testbed/real-cluster.ts";

export const ISTIO_NAMESPACE = "aks-istio-system";
export const REVISION = "asm-1-27";
const IMAGE = "mcr.microsoft.com/oss/v2/istio/proxyv2";
/** The image that injection gives new pods; every loaded pod has an older one. */
export const NEW_IMAGE = `${IMAGE}:v1.27.9-6`;
const NAMESPACE = "shapes";

type KubeObject = Answer["body"];

/** A workload and one of its pods, as a real control plane created them. */
export interface Shape {
  readonly workload: KubeObject;
  /** The ReplicaSet of a Deployment; other kinds have none. */
  readonly replicaSet?: KubeObject;
  readonly pod: KubeObject;
}

export interface Shapes {
  readonly deployment: Shape;
  readonly statefulSet: Shape;
  readonly daemonSet: Shape;
  /** The objects of the control plane, in the order in which they can be created. */
  readonly controlPlane: readonly { readonly path: string; readonly object: KubeObject }[];
}

/** A typical application, whose injected pod has 11 to 12 KB of JSON. */
const APPLICATION = {
  podSpec: {
    containers: [
      {
        name: "app",
        image: "registry.test/shop/app:2026.11.3",
        ports: [{ containerPort: 8080, name: "http" }],
        env: Array.from({ length: 14 }, (_, index) => ({
          name: `SETTING_NUMBER_${index}`,
          value: `the value of the setting with number ${index}`,
        })),
        resources: { requests: { cpu: "10m", memory: "16Mi" }, limits: { memory: "256Mi" } },
        readinessProbe: { httpGet: { path: "/ready", port: "http" }, periodSeconds: 5 },
        livenessProbe: { httpGet: { path: "/live", port: "http" }, periodSeconds: 15 },
      },
    ],
  },
};

/**
 * Has a real control plane create and inject one pod of every kind, and returns the objects, so that
 * the benchmark multiplies objects of a real cluster.
 */
export async function takeShapes(): Promise<Shapes> {
  const cluster = await startRealCluster();
  try {
    await cluster.installRevision({ name: REVISION, image: `${IMAGE}:v1.27.7-1` });
    await post("/api/v1/namespaces", {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: NAMESPACE, labels: { "istio.io/rev": REVISION } },
    });
    const apps = `/apis/apps/v1/namespaces/${NAMESPACE}`;
    await post(`${apps}/deployments`, deployment("web", APPLICATION));
    await post(`${apps}/statefulsets`, statefulSet("db", APPLICATION));
    await post(`${apps}/daemonsets`, daemonSet("agent", APPLICATION));
    const shapes = {
      deployment: await shapeOf("deployments", "web"),
      statefulSet: await shapeOf("statefulsets", "db"),
      daemonSet: await shapeOf("daemonsets", "agent"),
    };
    // With the new image, every sidecar is outdated.
    await cluster.moveImage(REVISION, NEW_IMAGE);
    return { ...shapes, controlPlane: await controlPlane() };
  } finally {
    await cluster.stop();
  }

  async function post(path: string, body: Manifest): Promise<void> {
    const { status, body: answer } = await cluster.request("POST", path, { body });
    if (status !== 201) throw new Error(`${path}: ${answer.message}`);
  }

  async function list(path: string): Promise<KubeObject[]> {
    return (await cluster.request("GET", path)).body.items;
  }

  async function shapeOf(resource: string, name: string): Promise<Shape> {
    for (;;) {
      const pods = await list(`/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=app%3D${name}`);
      const pod = pods.find(({ status }) => status.phase === "Running");
      if (pod) {
        const apps = `/apis/apps/v1/namespaces/${NAMESPACE}`;
        const [replicaSet] = await list(`${apps}/replicasets?labelSelector=app%3D${name}`);
        const { body } = await cluster.request("GET", `${apps}/${resource}/${name}`);
        return { pod, replicaSet, workload: { ...body, kind: body.kind } };
      }
      await sleep(200);
    }
  }

  async function controlPlane() {
    const webhooks = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
    const found = [];
    for (const path of [
      `/api/v1/namespaces/${ISTIO_NAMESPACE}/configmaps`,
      `/api/v1/namespaces/${ISTIO_NAMESPACE}/services`,
      `/apis/discovery.k8s.io/v1/namespaces/${ISTIO_NAMESPACE}/endpointslices`,
      `/apis/apps/v1/namespaces/${ISTIO_NAMESPACE}/deployments`,
      webhooks,
    ]) {
      const { body } = await cluster.request("GET", path);
      const head = { kind: body.kind.replace(/List$/, ""), apiVersion: body.apiVersion };
      found.push(...body.items.map((item: KubeObject) => ({ path, object: { ...head, ...item } })));
    }
    return found;
  }
}
