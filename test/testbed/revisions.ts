import type { TestRevision } from "../support/test-cluster.ts";
import type { Api } from "./api.ts";
import { endChild, waitUntil, type Child } from "./child.ts";
import { startIstiod } from "./istiod.ts";
import { ISTIO_NAMESPACE, revisionManifest } from "./manifest.ts";
import { applyObjects, deleteObjects, pathOf, type KubernetesObject } from "./objects.ts";
import { waitForImage } from "./probe.ts";
import type { Programs } from "./programs.ts";
import type { Tunnel } from "./tunnel.ts";

/** The installed revisions of a bed and their real control planes. */
export interface Revisions {
  install(revision: TestRevision): Promise<void>;
  /** Removes the whole revision. As in reality, tags that point to it stay. */
  remove(name: string): Promise<void>;
  /** Removes all revisions. */
  clear(): Promise<void>;
  moveImage(name: string, image: string): Promise<void>;
  /** Makes the revision's webhook unreachable. */
  break(name: string): void;
  restore(name: string): void;
  /** Returns the image that a revision injects. Throws if the revision is not installed. */
  imageOf(name: string): string;
  isBroken(name: string): boolean;
}

interface Installed {
  readonly istiod: Child;
  /** The address of its Service, such as `10.0.3.4:443`. */
  readonly address: string;
  readonly configMap: KubernetesObject;
  /** The objects of this revision only, without types and shared roles. */
  readonly objects: readonly KubernetesObject[];
  readonly native: boolean;
  image: string;
  broken: boolean;
}

export interface RevisionsOptions {
  readonly folder: string;
  readonly programs: Programs;
  readonly kubeconfig: string;
  readonly api: Api;
  readonly tunnel: Tunnel;
}

export function createRevisions(options: RevisionsOptions): Revisions {
  const { api, tunnel } = options;
  const installed = new Map<string, Installed>();

  function get(name: string): Installed {
    const revision = installed.get(name);
    if (revision === undefined) throw new Error(`the revision ${name} is not installed`);
    return revision;
  }

  async function moveImage(name: string, image: string): Promise<void> {
    const revision = get(name);
    await writeImage(api, revision.configMap, image);
    revision.image = image;
    if (!revision.broken) await waitForImage(api, name, image);
  }

  async function install(revision: TestRevision): Promise<void> {
    const { name, image, native = false } = revision;
    const before = installed.get(name);
    if (before === undefined) {
      installed.set(name, await installRevision(options, revision));
      await waitForImage(api, name, image);
      return;
    }
    if (before.native !== native) throw new Error(`${name} is installed with other sidecars`);
    await moveImage(name, image);
  }

  async function remove(name: string): Promise<void> {
    const revision = get(name);
    installed.delete(name);
    await deleteObjects(api, revision.objects);
    tunnel.unroute(revision.address);
    await endChild(revision.istiod);
  }

  return {
    moveImage,
    remove,
    async clear() {
      await Promise.all([...installed.keys()].map(remove));
    },
    install,
    break(name) {
      const revision = get(name);
      revision.broken = true;
      tunnel.breakRoute(revision.address);
    },
    restore(name) {
      const revision = get(name);
      revision.broken = false;
      tunnel.restoreRoute(revision.address);
    },
    imageOf: (name) => get(name).image,
    isBroken: (name) => get(name).broken,
  };
}

async function installRevision(
  { folder, programs, kubeconfig, api, tunnel }: RevisionsOptions,
  revision: TestRevision,
): Promise<Installed> {
  const { name, image, native = false, namespace = ISTIO_NAMESPACE } = revision;
  const objects = await revisionManifest(folder, programs.istioctl, revision);
  const find = (kind: string, prefix: string) => {
    const isIt = (o: KubernetesObject) => o.kind === kind && o.metadata.name.startsWith(prefix);
    const object = objects.find(isIt);
    if (object === undefined) throw new Error(`no ${kind} ${prefix} in the manifest of ${name}`);
    return object;
  };
  const webhookConfiguration = find("MutatingWebhookConfiguration", "istio-").metadata.name;
  const place = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } };
  await applyObjects(api, [place, ...objects]);
  const { body: service } = await api.request("GET", pathOf(find("Service", "istiod")));
  const istiod = await startIstiod(folder, programs["pilot-discovery"], {
    revision: name,
    namespace,
    native,
    kubeconfig,
    webhookConfiguration,
  });
  const address = `${service.spec.clusterIP}:443`;
  tunnel.route(address, istiod.httpsPort);
  const deployment = find("Deployment", "istiod");
  await waitUntil(`the control plane ${name}`, () => isAvailable(api, deployment, service));
  const own = objects.filter(({ metadata }) => metadata.name.includes(name));
  const configMap = find("ConfigMap", "istio-sidecar-injector");
  return { istiod: istiod.child, address, configMap, objects: own, native, image, broken: false };
}

/** True if the Deployment of istiod has a pod, and its Service leads to one. */
async function isAvailable(
  api: Api,
  deployment: KubernetesObject,
  { metadata: { name, namespace } }: KubernetesObject,
): Promise<boolean> {
  const { body: istiod } = await api.request("GET", pathOf(deployment));
  const slices = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
  const selector = `?labelSelector=kubernetes.io/service-name=${name}`;
  const { body: found } = await api.request("GET", slices + selector);
  const endpoints = found.items.flatMap(
    (slice: { endpoints?: unknown[] }) => slice.endpoints ?? [],
  );
  return (
    (istiod.status?.availableReplicas ?? 0) > 0 &&
    endpoints.some(({ conditions }: { conditions: { ready?: boolean } }) => conditions.ready)
  );
}

/** Sets the image as Azure does in a patch upgrade. istiod watches the ConfigMap and reloads it. */
async function writeImage(api: Api, configMap: KubernetesObject, image: string): Promise<void> {
  const path = pathOf(configMap);
  const { body } = await api.request("GET", path);
  const values = JSON.parse(body.data.values);
  values.global.proxy.image = image;
  values.global.proxy_init.image = image;
  const { status } = await api.request("PATCH", path, {
    body: { data: { values: JSON.stringify(values, null, 2) } },
    contentType: "application/merge-patch+json",
  });
  if (status !== 200) throw new Error(`PATCH ${path}: ${status}`);
}
