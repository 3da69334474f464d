import type { TestRevision } from "../test-cluster.ts";
import type { KubeObject } from "./kinds.ts";
import type { Store } from "./store.ts";

export const ISTIO_NAMESPACE = "aks-istio-system";

/**
 * Returns the pod after injection, by the simplest rule: the namespace's `istio.io/rev`, or that of
 * the pod, names an installed revision or a tag, and the pod does not opt out. The sidecar replaces a container of the
 * template that has the image `auto`, or that was injected by hand. Selectors, policies and pins are tested on the real cluster; a second implementation here would only drift.
 */
export function injected(store: Store, pod: KubeObject): KubeObject {
  const { labels, annotations, namespace } = pod.metadata;
  const place = store.get("Namespace", undefined, namespace)?.metadata.labels ?? {};
  const named = place["istio.io/rev"] ?? labels?.["istio.io/rev"];
  const revision = behindTag(store, named) ?? named;
  const map = store.get("ConfigMap", ISTIO_NAMESPACE, `istio-sidecar-injector-${revision}`);
  const isOut = [labels, annotations].some((map_) => map_?.["sidecar.istio.io/inject"] === "false");
  if (map === undefined || isOut || place["istio-injection"] !== undefined) return pod;

  const { global, pilot } = JSON.parse(loadedConfig(store, map).data.values);
  const native = pilot.env.ENABLE_NATIVE_SIDECARS === "true";
  const image = imageFor(store, namespace, global);
  const { resources } = global.proxy;
  const proxy = { name: "istio-proxy", image, args: ["proxy", "sidecar"], resources };
  const staying = { ...proxy, restartPolicy: "Always" };
  const byHand = annotations?.["sidecar.istio.io/status"] !== undefined;
  const init = { name: "istio-init", image, args: ["istio-iptables"], resources };
  const { initContainers = [], containers } = pod.spec;
  const isReplaced = (one: KubeObject) =>
    one["name"] === proxy.name && (one["image"] === "auto" || (!native && byHand));
  const others = containers.filter((one: KubeObject) => !isReplaced(one));
  const status = {
    initContainers: native ? ["istio-init", "istio-proxy"] : ["istio-init"],
    containers: native ? null : ["istio-proxy"],
    revision,
  };
  const added = { "istio.io/rev": revision, "sidecar.istio.io/status": JSON.stringify(status) };
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations: { ...annotations, ...added } },
    spec: {
      ...pod.spec,
      initContainers: [
        init,
        ...(native ? [staying] : []),
        ...initContainers.filter((one: KubeObject) => one["name"] !== init.name),
      ],
      containers: native ? others : [...others, proxy],
    },
  };
}

/** Returns the ConfigMap as istiod loaded it last: it keeps its configuration if it cannot load one. */
function loadedConfig(store: Store, map: KubeObject): KubeObject {
  const { name } = map.metadata;
  return loadedConfigs.get(store)?.get(name) ?? map;
}

const loadedConfigs = new WeakMap<Store, Map<string, KubeObject>>();

/** Loads the ConfigMap of a revision whenever it changes, unless a template has a syntax error. */
export function loadInjectorConfigs(store: Store): void {
  const loaded = new Map<string, KubeObject>();
  loadedConfigs.set(store, loaded);
  store.onChange((object) => {
    const { kind, metadata, data } = object;
    if (kind !== "ConfigMap" || !metadata.name.startsWith("istio-sidecar-injector-")) return;
    const isLoadable = data.config.split("{{").length === data.config.split("}}").length;
    if (isLoadable) loaded.set(metadata.name, object);
  });
}

/** Returns the image of AKS, or composes one from the hub, the tag and the namespace's ProxyConfig. */
function imageFor(store: Store, namespace: string, { proxy, hub, tag }: KubeObject): string {
  if (proxy.image.includes("/")) return proxy.image;
  const [config] = store.list("ProxyConfig", namespace);
  const type = config?.["spec"].image?.imageType;
  return `${hub}/${proxy.image}:${tag}${type === undefined ? "" : `-${type}`}`;
}

function behindTag(store: Store, tag: string | undefined): string | undefined {
  const tags = store.list("MutatingWebhookConfiguration").map(({ metadata }) => metadata.labels);
  return tags.find((labels) => tag !== undefined && labels?.["istio.io/tag"] === tag)?.[
    "istio.io/rev"
  ];
}

/** The key `config` of the injector's ConfigMap, with the image expression of Istio 1.31. */
const CONFIG = `policy: enabled
defaultTemplates: [sidecar]
neverInjectSelector: []
alwaysInjectSelector: []
templates:
  sidecar: |
    spec:
      containers:
      - name: istio-proxy
      {{- if contains "/" (annotation .ObjectMeta \`sidecar.istio.io/proxyImage\` .Values.global.proxy.image) }}
        image: "{{ annotation .ObjectMeta \`sidecar.istio.io/proxyImage\` .Values.global.proxy.image }}"
      {{- else }}
        image: "{{ .ProxyImage }}"
      {{- end }}
`;

/** Returns the objects of `istioctl install --revision` that clients read. */
export function revisionObjects(
  { name, image, native = false }: TestRevision,
  caBundle: string,
): readonly KubeObject[] {
  const labels = { app: "istiod", "istio.io/rev": name };
  // The defaults of Istio's charts.
  const resources = {
    requests: { cpu: "100m", memory: "128Mi" },
    limits: { cpu: "2000m", memory: "1024Mi" },
  };
  const values = {
    global: { proxy: { image, resources } },
    pilot: { env: { ENABLE_NATIVE_SIDECARS: String(native) } },
  };
  const discovery = {
    name: "discovery",
    image: "mcr.microsoft.com/oss/v2/istio/pilot:v1.27.7-1",
    env: [{ name: "REVISION", value: name }],
  };
  const template = {
    metadata: { labels: { ...labels, "sidecar.istio.io/inject": "false" } },
    spec: { containers: [discovery] },
  };
  const istiod = { name: `istiod-${name}`, namespace: ISTIO_NAMESPACE, labels };
  return [
    {
      kind: "ConfigMap",
      metadata: { name: `istio-sidecar-injector-${name}`, namespace: ISTIO_NAMESPACE },
      data: { config: CONFIG, values: JSON.stringify(values) },
    },
    { kind: "Service", metadata: istiod, spec: { selector: labels } },
    { kind: "Deployment", metadata: istiod, spec: { selector: { matchLabels: labels }, template } },
    webhooks("istio-sidecar-injector", name, { "istio.io/rev": name }, caBundle),
  ];
}

/** Returns the webhooks of `istioctl tag set TAG --revision REVISION`. */
export function tagWebhooks(tag: string, revision: string, caBundle: string): KubeObject {
  const labels = { "istio.io/rev": revision, "istio.io/tag": tag };
  return webhooks("istio-revision-tag", tag, labels, caBundle);
}

/** Returns the injector's ConfigMap with another image, as Azure sets it in a patch upgrade. */
export function withImage(map: KubeObject, image: string): KubeObject {
  const values = JSON.parse(map.data.values);
  values.global.proxy.image = image;
  return { ...map, data: { ...map.data, values: JSON.stringify(values) } };
}

/** Returns a webhook configuration that selects the label `istio.io/rev=NAME`. */
function webhooks(
  prefix: string,
  name: string,
  labels: Readonly<Record<string, string>>,
  caBundle: string,
): KubeObject {
  const istiod = `istiod-${labels["istio.io/rev"]}`;
  const service = { namespace: ISTIO_NAMESPACE, name: istiod, path: "/inject", port: 443 };
  const optedOut = { key: "sidecar.istio.io/inject", operator: "NotIn", values: ["false"] };
  const named = { key: "istio.io/rev", operator: "In", values: [name] };
  const unlabelled = (key: string) => ({ key, operator: "DoesNotExist" });
  const webhook = (scope: string, namespace: object[], pod: object[]) => ({
    name: `${scope}.sidecar-injector.istio.io`,
    clientConfig: { service, caBundle },
    rules: [{ operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] }],
    failurePolicy: "Fail",
    namespaceSelector: { matchExpressions: namespace },
    objectSelector: { matchExpressions: pod },
  });
  const neither = [unlabelled("istio.io/rev"), unlabelled("istio-injection")];
  return {
    kind: "MutatingWebhookConfiguration",
    metadata: { name: `${prefix}-${name}-${ISTIO_NAMESPACE}`, labels },
    webhooks: [
      webhook("rev.namespace", [named, unlabelled("istio-injection")], [optedOut]),
      webhook("rev.object", neither, [optedOut, named]),
    ],
  };
}
