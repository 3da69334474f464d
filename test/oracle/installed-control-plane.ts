import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { parseDocument, type Scalar, type YAMLMap } from "yaml";
import type { RealCluster } from "../testbed/real-cluster.ts";
import type { Answer } from "../support/test-cluster.ts";
import { defineCustomKinds } from "./custom-kinds.ts";
import { createImagePolicies } from "./image-policies.ts";
import {
  type Image,
  type ControlPlane,
  type Revision,
  type RevisionName,
  REVISIONS,
  TAGS,
} from "./world.ts";

const SYSTEM = "/api/v1/namespaces/aks-istio-system";
const APPS = "/apis/apps/v1/namespaces/aks-istio-system";

/** The namespace of a revision's control plane. */
function namespaceOf(name: RevisionName): string {
  return name === "other-mesh" ? "other-istio-system" : "aks-istio-system";
}

function corePath(name: RevisionName): string {
  return `/api/v1/namespaces/${namespaceOf(name)}`;
}

function deploymentPath(name: RevisionName): string {
  return `/apis/apps/v1/namespaces/${namespaceOf(name)}/deployments/${istiod(name)}`;
}
const WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
const PLAIN = "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.27.7-1";

/** The control plane in the test cluster, which changes from one world to the next. */
export interface InstalledControlPlane {
  changeTo(target: ControlPlane): Promise<void>;
  /** Removes all revisions and tags. */
  clear(): Promise<void>;
}

export async function openControlPlane(cluster: RealCluster): Promise<InstalledControlPlane> {
  const api = createStrictApi(cluster);
  const installed = new Set<RevisionName>();
  const disabled = new Set<RevisionName>();
  const services = new Map<RevisionName, Answer["body"]>();
  let sequence = 0;
  let current: ControlPlane = { revisions: {} };

  async function install(name: RevisionName): Promise<void> {
    if (installed.has(name)) return;
    const native = name === "asm-1-28";
    const revision = { name, image: PLAIN, native, namespace: namespaceOf(name) };
    // Another process may have taken one of the chosen ports: try once more.
    await cluster.installRevision(revision).catch(() => cluster.installRevision(revision));
    installed.add(name);
    // The test cluster's istiod has the tag `latest`, but some rules depend on the version.
    const containers = [{ name: "discovery", image: "registry.istio.io/testing/pilot:1.31.0" }];
    const patch = { spec: { template: { spec: { containers } } } };
    await api.merge(deploymentPath(name), patch, "strategic");
  }

  async function remove(name: RevisionName): Promise<void> {
    if (!installed.delete(name)) return;
    disabled.delete(name);
    services.delete(name);
    await cluster.removeRevision(name);
    // The test cluster removes objects by their suffix, which this revision's objects lack.
    if (name === "default") {
      await api.remove(`${WEBHOOKS}/istio-sidecar-injector-aks-istio-system`);
      await api.remove(`${SYSTEM}/configmaps/istio-sidecar-injector`);
      await api.remove(`${SYSTEM}/services/istiod`);
      await api.remove(`${APPS}/deployments/istiod`);
    }
  }

  async function enable(name: RevisionName): Promise<void> {
    if (!disabled.delete(name)) return;
    const service = services.get(name);
    if (service !== undefined) await api.create(`${corePath(name)}/services`, service);
    services.delete(name);
    await cluster.restoreRevision(name);
    await setReplicas(name, 1);
  }

  async function disable(name: RevisionName, outage: Revision["outage"]): Promise<void> {
    if (outage === "no-service") {
      const path = `${corePath(name)}/services/${istiod(name)}`;
      const { metadata, spec } = await api.get(path);
      // Keep the cluster IP, because the test cluster has a route to it.
      services.set(name, { ...recreatable("v1", "Service", metadata), spec });
      await api.remove(path);
    }
    if (outage === "no-pods") await setReplicas(name, 0);
    if (outage === undefined) return;
    // Without this, the API server would still reach istiod over open connections.
    await cluster.breakRevision(name);
    disabled.add(name);
  }

  async function setReplicas(name: RevisionName, replicas: number): Promise<void> {
    await api.merge(deploymentPath(name), { spec: { replicas } });
    await waitUntil(`${replicas} endpoints of ${name}`, async () => {
      const query = `labelSelector=kubernetes.io/service-name%3D${istiod(name)}`;
      const { items } = await api.get(
        `/apis/discovery.k8s.io/v1/namespaces/${namespaceOf(name)}/endpointslices?${query}`,
      );
      const ready = items
        .flatMap((slice: Answer["body"]) => slice.endpoints ?? [])
        .filter((endpoint: Answer["body"]) => endpoint.conditions?.ready);
      return ready.length === replicas;
    });
  }

  /** Waits until injection uses the new configuration, because istiod reads its ConfigMap with a delay. */
  async function configure(name: RevisionName, revision: Revision): Promise<void> {
    sequence += 1;
    const mark = `state-${sequence}`;
    // A policy that never injects would hide the mark, so write the other fields first.
    await writeConfig(name, { ...revision, policy: "enabled" }, mark);
    await waitUntil(`${mark} of ${name}`, async () => (await probe(name)).mark === mark);
    const { policy = "enabled" } = revision;
    if (policy === "enabled") return;
    await writeConfig(name, revision, `${mark}-done`);
    await waitUntil(`policy ${policy} of ${name}`, async () => {
      const { mark: seen } = await probe(name);
      return seen === `${mark}-done` || seen === undefined;
    });
  }

  async function writeConfig(name: RevisionName, revision: Revision, mark: string): Promise<void> {
    const suffix = name === "default" ? "" : `-${name}`;
    const path = `${corePath(name)}/configmaps/istio-sidecar-injector${suffix}`;
    const { data } = await api.get(path);
    const config = parseDocument(data.config);
    config.set("policy", revision.policy ?? "enabled");
    config.set("neverInjectSelector", revision.neverInjectSelector ?? []);
    config.set("alwaysInjectSelector", revision.alwaysInjectSelector ?? []);
    config.set("injectedAnnotations", { [MARK]: mark });
    const [from, to] = revision.template ? [STOCK, FOREIGN] : [FOREIGN, STOCK];
    for (const { key, value } of (config.get("templates") as YAMLMap<Scalar, Scalar>).items) {
      config.setIn(["templates", key.value], String(value?.value).replaceAll(from, to));
    }
    if (revision.custom) config.setIn(["templates", "custom"], customTemplate(revision.custom));
    else config.deleteIn(["templates", "custom"]);
    const values = JSON.parse(data.values);
    setImage(values.global, revision.image ?? PLAIN);
    await api.merge(path, {
      data: { config: config.toString(QUOTED), values: JSON.stringify(values) },
    });
  }

  /** Dry-runs a pod whose labels request a revision or a tag. */
  async function probe(label: string) {
    const { status, body } = await cluster.request("POST", `${SYSTEM}/pods?dryRun=All`, {
      body: {
        apiVersion: "v1",
        kind: "Pod",
        metadata: {
          generateName: "probe-",
          labels: { "istio.io/rev": label, "sidecar.istio.io/inject": "true" },
        },
        spec: { containers: [{ name: "probe", image: "probe" }] },
      },
    });
    const annotations = status === 201 ? (body.metadata.annotations ?? {}) : {};
    return { revision: annotations["istio.io/rev"], mark: annotations[MARK], status };
  }

  async function setWebhooks(name: RevisionName, revision: Revision = {}): Promise<void> {
    const query = `labelSelector=istio.io/rev%3D${name}`;
    const failurePolicy = revision.failurePolicy ?? "Fail";
    const matchConditions = revision.matchConditions ? [CONDITION] : [];
    for (const { metadata, webhooks } of (await api.get(`${WEBHOOKS}?${query}`)).items) {
      await api.merge(`${WEBHOOKS}/${metadata.name}`, {
        webhooks: webhooks.map((webhook: object) => ({
          ...webhook,
          failurePolicy,
          matchConditions,
        })),
      });
    }
  }

  /** Changes only the parts that differ from the current control plane, because most take seconds. */
  async function changeTo(target: ControlPlane): Promise<void> {
    if (isDeepStrictEqual(target, current)) return;
    const { revisions, tags = {} } = target;
    const movedTags = TAGS.filter((tag) => tags[tag] !== current.tags?.[tag]);
    // A tag may lead to a revision that is removed below.
    const targets = movedTags.flatMap((tag) => tags[tag] ?? []);
    const changed = REVISIONS.filter(
      (name) =>
        targets.includes(name) || !isDeepStrictEqual(revisions[name], current.revisions[name]),
    );
    const needed = changed.filter(
      (name) => revisions[name] !== undefined || targets.includes(name),
    );
    current = { revisions: {} };
    for (const name of changed) if (installed.has(name)) await enable(name);
    for (const tag of movedTags) if (tags[tag] === undefined) await cluster.removeTag(tag);
    await Promise.all(needed.map(install));
    for (const name of targets) await configure(name, {});
    for (const tag of movedTags) {
      const revision = tags[tag];
      if (revision === undefined) continue;
      await cluster.setTag(tag, revision);
      await waitUntil(`tag ${tag}`, async () => (await probe(tag)).revision === revision);
    }
    for (const name of needed) await configure(name, revisions[name] ?? {});
    for (const name of needed) await setWebhooks(name, revisions[name]);
    for (const name of changed) if (revisions[name] === undefined) await remove(name);
    for (const name of changed)
      if (installed.has(name)) await disable(name, revisions[name]?.outage);
    // The API server notices changed webhooks and Services with a delay.
    await sleep(1500);
    current = target;
  }

  async function clear(): Promise<void> {
    for (const tag of TAGS) await cluster.removeTag(tag);
    for (const name of REVISIONS) await remove(name);
    current = { revisions: {} };
  }

  await createImagePolicies(cluster);
  await defineCustomKinds(cluster);
  return { changeTo, clear };
}

/** An annotation that injection adds to all pods, to identify the injector's current configuration. */
const MARK = "oracle.test/state";

/** A match condition that excludes pods with the label `mesh=off`. */
const CONDITION = {
  name: "mesh-is-not-off",
  expression:
    "!('mesh' in object.metadata.?labels.orValue({})) || object.metadata.labels['mesh'] != 'off'",
};

/** The image line of Istio's own templates. */
const STOCK = 'image: "{{ .ProxyImage }}"';
/** An image line in another form, with the same result. */
const FOREIGN = 'image: "{{ printf `%s` .ProxyImage }}"';

/** An injection template that adds a variable to the proxy in one list of containers. */
function customTemplate(list: NonNullable<Revision["custom"]>): string {
  return [
    "spec:",
    `  ${list}:`,
    "  - name: istio-proxy",
    "    env:",
    "    - name: CUSTOM",
    '      value: "1"',
    "",
  ].join("\n");
}

/** Options to quote strings, because istiod reads YAML 1.1, in which a plain `on` is a boolean. */
const QUOTED = {
  lineWidth: 0,
  defaultStringType: "QUOTE_DOUBLE",
  defaultKeyType: "PLAIN",
} as const;

function istiod(name: RevisionName): string {
  return name === "default" ? "istiod" : `istiod-${name}`;
}

function setImage(global: Answer["body"], image: Image): void {
  const parts =
    typeof image === "string"
      ? { hub: "registry.istio.io/testing", name: image, tag: "latest" }
      : image;
  Object.assign(global, { hub: parts.hub, tag: parts.tag, variant: "" });
  if ("variant" in parts && parts.variant !== undefined) global.variant = parts.variant;
  global.proxy.image = parts.name;
  global.proxy_init.image = parts.name;
}

/** The fields of an object that are necessary to create it again. */
function recreatable(apiVersion: string, kind: string, { name, labels }: Answer["body"]) {
  return { apiVersion, kind, metadata: { name, labels } };
}

async function waitUntil(what: string, check: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`${what}: not within 30 s`);
    await sleep(50);
  }
}

/** An API client that throws if a request fails. */
function createStrictApi(cluster: RealCluster) {
  async function send(method: string, path: string, body?: unknown, contentType?: string) {
    const answer = await cluster.request(method, path, {
      body,
      ...(contentType !== undefined && { contentType }),
    });
    if (answer.status < 300 || (method === "DELETE" && answer.status === 404)) return answer.body;
    throw new Error(`${method} ${path}: ${answer.status} ${answer.body.message ?? answer.body}`);
  }
  return {
    get: (path: string) => send("GET", path),
    create: (path: string, body: unknown) => send("POST", path, body),
    remove: (path: string) => send("DELETE", path, { propagationPolicy: "Background" }),
    merge: (path: string, body: unknown, type: "merge" | "strategic" = "merge") =>
      send("PATCH", path, body, PATCH_TYPES[type]),
  };
}

const PATCH_TYPES = {
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
} as const;
