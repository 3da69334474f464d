import { load as parseYaml } from "js-yaml";
import type { ControlPlane, Istiod, Labels, PodTemplate, Service, Webhook } from "../snapshot.ts";
import { settingsIn } from "./mesh-settings.ts";
import { type InjectorConfig, type Parsed, parseInjectorConfig } from "./injector-config.ts";
import { imageTypeOf, proxyImageFor } from "./proxy-image.ts";
import { matchesSelector } from "../kubernetes/selector.ts";

/** The ConfigMap of a revision's injector, without the suffix `-REVISION`. */
const INJECTOR_CONFIG_MAP = "istio-sidecar-injector";

/** The ConfigMap of a revision's shared mesh configuration, without the suffix `-REVISION`. */
export const SHARED_CONFIG_MAP = "istio-shared-configmap";

/** The control plane: its webhooks and revisions, with the connections between them. */
export interface Mesh {
  readonly istioNamespace: string;
  /** The time of the read by the API server's clock; `undefined` if it is unknown. */
  readonly readAt: Date | undefined;
  /** `undefined` if the webhooks could not be read; no prediction is then possible. */
  readonly injectors: readonly Injector[] | undefined;
  /** The webhooks of others that are called when a pod is created; `undefined` if they are unread. */
  readonly otherWebhooks: readonly Webhook[] | undefined;
  /** The revisions by name. The revision without a suffix has the name `default`. */
  readonly revisions: ReadonlyMap<string, Revision>;
  /** True if the ConfigMaps could not be read, so that `revisions` may be incomplete. */
  readonly revisionsUnread: boolean;
  /** The revisions whose istiod is installed; `undefined` if the Deployments could not be read. */
  readonly istiods: ReadonlySet<string> | undefined;
  /**
   * The settings in each shared ConfigMap, by its name; `undefined` settings are not YAML. The map is
   * `undefined` if the ConfigMaps could not be read.
   */
  readonly sharedConfigMaps: ReadonlyMap<string, readonly string[] | undefined> | undefined;
  /** The number of namespaces that lead to each revision; `undefined` if not all were read. */
  readonly namespaceUses?: ReadonlyMap<string, number>;
}

/** A webhook that injects sidecars, with the revision behind its Service. */
export interface Injector extends Webhook {
  /** `undefined` if the Service leads to no known revision, or to several. */
  readonly revision: string | undefined;
  /** True if the API server can reach the injector; `undefined` if that is unknown. */
  readonly available: boolean | undefined;
  /** The reason why the injector is unavailable; `undefined` if `available` is not false. */
  readonly outage: Outage | undefined;
  /** The place of its control plane, if that is not the Istio namespace. */
  readonly elsewhere: Elsewhere | undefined;
}

/** The place of a control plane outside the Istio namespace. */
export type Elsewhere =
  | { readonly kind: "namespace"; readonly namespace: string }
  /** Outside the cluster. */
  | { readonly kind: "remote" };

/** The reason why the API server cannot call an injector; `no-authority`: it has no `caBundle`. */
export type Outage = "no-service" | "no-endpoint" | "no-authority";

/** An installed revision, as its ConfigMap in the Istio namespace describes it. */
export interface Revision {
  readonly name: string;
  /** The ConfigMap, for example `configmap/istio-sidecar-injector-asm-1-27`. */
  readonly source: string;
  /** The time of the last change of its image, in RFC 3339; `undefined` if nothing tells it. */
  readonly changedAt: string | undefined;
  readonly config: Parsed<InjectorConfig>;
  /** The namespace whose ProxyConfigs apply to every namespace. */
  readonly rootNamespace: string;
  /** The image type in the mesh configuration; empty if it has none. */
  readonly meshImageType: string;
  /** True if the mesh configuration sets an interception mode for every pod. */
  readonly meshNamesInterception: boolean;
  readonly tags: readonly string[];
  /** `undefined` if no control-plane Deployment of the revision was found. */
  readonly istiod: Istiod | undefined;
}

export function resolveMesh(controlPlane: ControlPlane): Mesh {
  const injectors = controlPlane.webhooks
    ?.filter(isInjector)
    .map((webhook) => resolveInjector(webhook, controlPlane));
  const configMaps = [...(controlPlane.configMaps ?? [])];
  const revisions = configMaps
    .filter(([name]) => name === INJECTOR_CONFIG_MAP || name.startsWith(`${INJECTOR_CONFIG_MAP}-`))
    .map(([name, data]) => resolveRevision(name, data, injectors ?? [], controlPlane));
  return {
    istioNamespace: controlPlane.istioNamespace,
    readAt: controlPlane.readAt,
    injectors,
    otherWebhooks: controlPlane.webhooks?.filter((webhook) => !isInjector(webhook)),
    revisions: new Map(revisions.map((revision) => [revision.name, revision])),
    revisionsUnread: controlPlane.configMaps === undefined,
    istiods:
      controlPlane.istiods &&
      new Set(controlPlane.istiods.flatMap(({ revision }) => revision ?? [])),
    sharedConfigMaps:
      controlPlane.configMaps &&
      new Map(
        configMaps
          .filter(([name]) => name.startsWith(`${SHARED_CONFIG_MAP}-`))
          .map(([name, data]) => [name, settingsIn(data["mesh"] ?? "")]),
      ),
  };
}

/** True for a webhook of Istio: istiod fills in the authority of those alone. */
function isInjector({ name }: Webhook): boolean {
  return name.endsWith("sidecar-injector.istio.io");
}

/**
 * Finds the revision behind a webhook by the control plane that its Service selects. The webhook's
 * own label `istio.io/rev` is not reliable: some tools write the name of a tag there.
 */
function resolveInjector(webhook: Webhook, controlPlane: ControlPlane): Injector {
  const { services, istiods, readyEndpoints, istioNamespace } = controlPlane;
  const elsewhere = placeOfWebhook(webhook, istioNamespace, services);
  const unknown = {
    ...webhook,
    revision: undefined,
    available: undefined,
    outage: undefined,
    elsewhere,
  };
  // A URL, or a Service in another namespace, leads to a control plane that was not read.
  if (webhook.service?.namespace !== istioNamespace || services === undefined) return unknown;
  const { name } = webhook.service;
  const service = services.find((candidate) => candidate.name === name);
  if (service === undefined) return { ...unknown, available: false, outage: "no-service" };
  // An ExternalName Service has no endpoints, and Kubernetes ignores its selector.
  if (service.external) return unknown;
  const revision = revisionBehind(service, istiods ?? []);
  // Without a CA certificate, the API server does not trust the answers.
  if (!webhook.trusted) {
    return { ...unknown, revision, available: false, outage: "no-authority" };
  }
  const available = readyEndpoints && (readyEndpoints.get(name) ?? 0) > 0;
  return {
    ...unknown,
    revision,
    available,
    outage: available === false ? "no-endpoint" : undefined,
  };
}

/**
 * Finds the place of the control plane that a webhook calls.
 *
 * @param services the Services of the Istio namespace; `undefined` if they could not be read.
 * @returns `undefined` if it is in the Istio namespace, or if that is unknown.
 */
function placeOfWebhook(
  { service, url }: Pick<Webhook, "service" | "url">,
  istioNamespace: string,
  services: readonly Service[] | undefined,
): Elsewhere | undefined {
  if (service === undefined) return url === undefined ? undefined : { kind: "remote" };
  const { namespace, name } = service;
  if (namespace !== istioNamespace) return { kind: "namespace", namespace };
  const found = services?.find((candidate) => candidate.name === name);
  // Users write the endpoints of a Service without a selector: those of an istiod in another cluster.
  const isRemote = found && (found.external || Object.keys(found.selector).length === 0);
  return isRemote ? { kind: "remote" } : undefined;
}

/**
 * The revision of the control plane that a Service selects; `undefined` if the Service selects
 * none, or control planes of several revisions.
 */
function revisionBehind({ selector }: Service, istiods: readonly Istiod[]): string | undefined {
  // A Service without a selector selects nothing; an empty label selector would select everything.
  const selects = Object.keys(selector).length > 0;
  const selected = istiods.filter(
    ({ podLabels }) => selects && matchesSelector(podLabels, { matchLabels: selector }),
  );
  // A Deployment that is scaled to zero only counts if no other Deployment has pods.
  const scaledUp = selected.filter((istiod) => istiod.wanted > 0);
  const [revision, ...others] = new Set(
    (scaledUp.length > 0 ? scaledUp : selected).map((istiod) => istiod.revision),
  );
  return others.length === 0 ? revision : undefined;
}

function resolveRevision(
  configMap: string,
  data: Labels,
  injectors: readonly Injector[],
  { istioNamespace, configMaps, istiods, valuesChangedAt }: ControlPlane,
): Revision {
  const suffix = configMap.slice(INJECTOR_CONFIG_MAP.length);
  const name = suffix === "" ? "default" : suffix.slice(1);
  const tags = injectors.flatMap(({ tag, revision }) =>
    tag !== undefined && revision === name ? [tag] : [],
  );
  const meshConfigs = [`istio${suffix}`, `${SHARED_CONFIG_MAP}${suffix}`].map(
    (map) => configMaps?.get(map)?.["mesh"],
  );
  return {
    name,
    source: `configmap/${configMap}`,
    changedAt: valuesChangedAt?.get(configMap),
    config: parseInjectorConfig(data),
    rootNamespace:
      meshConfigs.flatMap((mesh) => ROOT_NAMESPACE.exec(mesh ?? "")?.[1] ?? [])[0] ??
      istioNamespace,
    meshImageType: meshImageType(configMaps?.get(`istio${suffix}`)?.["mesh"]),
    meshNamesInterception: meshConfigs.some((mesh) => mesh?.includes("interceptionMode") === true),
    tags: [...new Set(tags)].sort(),
    istiod: istiods?.find((candidate) => candidate.revision === name),
  };
}

const ROOT_NAMESPACE = /^rootNamespace: *["']?([a-z0-9-]+)/m;

/** The image type that a mesh configuration in YAML sets for every proxy; empty if it sets none. */
function meshImageType(mesh: string | undefined): string {
  if (mesh === undefined || !mesh.includes("imageType")) return "";
  try {
    const config = parseYaml(mesh) as { defaultConfig?: unknown } | null;
    return imageTypeOf(JSON.stringify(config?.defaultConfig ?? {}));
  } catch {
    return "";
  }
}

/** The image that a revision gives a plain pod; `undefined` if that is unknown. */
export function defaultImage({ config, meshImageType: type }: Revision): string | undefined {
  if (config.kind === "malformed") return undefined;
  const proxy = proxyImageFor(PLAIN_POD, config.value, type);
  return proxy.kind === "image" ? proxy.image : undefined;
}

/** A pod template without labels and annotations, for which injection depends on the namespace alone. */
export const PLAIN_POD: PodTemplate = {
  labels: {},
  annotations: {},
  hostNetwork: false,
  windows: false,
  proxy: undefined,
  probed: true,
};
