import { load as parseYaml } from "js-yaml";
import type { ControlPlane, Istiod, Labels, PodTemplate, Service, Webhook } from "../snapshot.ts";
import { type InjectorConfig, parseInjectorConfig } from "./injector-config.ts";
import { imageTypeOf, proxyImageFor } from "./proxy-image.ts";
import { matchesSelector } from "../kubernetes/selector.ts";

const CONFIG_MAP = "istio-sidecar-injector";

/** The control plane, resolved once: what every prediction reads. */
export interface Mesh {
  readonly istioNamespace: string;
  /** `undefined`: they could not be read, so nothing can be predicted. */
  readonly injectors: readonly Injector[] | undefined;
  /** By name; `default` for the revision without a suffix. */
  readonly revisions: ReadonlyMap<string, Revision>;
  /** The ConfigMaps could not be read: that `revisions` lacks one says nothing. */
  readonly revisionsUnread: boolean;
  /** `undefined`: they could not be read. */
  readonly sharedConfigMaps: ReadonlySet<string> | undefined;
}

/** A webhook, with the revision behind its Service. */
export interface Injector extends Webhook {
  /** `undefined`: what stands behind the Service could not be read, or is of several revisions. */
  readonly revision: string | undefined;
  /** `undefined`: that could not be read. */
  readonly available: boolean | undefined;
  /** Why it is not alive. */
  readonly outage: Outage | undefined;
}

export type Outage = "no-service" | "no-endpoint" | "no-authority";

export interface Revision {
  readonly name: string;
  /** `configmap/istio-sidecar-injector-asm-1-27` */
  readonly source: string;
  /** What is wrong with the ConfigMap, where it cannot be used. */
  readonly config: InjectorConfig | string;
  readonly meshImageType: string;
  /** The mesh configuration may give every pod another way of interception than redirection. */
  readonly meshNamesInterception: boolean;
  readonly tags: readonly string[];
  readonly istiod: Istiod | undefined;
}

export function resolveMesh(controlPlane: ControlPlane): Mesh {
  const injectors = controlPlane.webhooks
    ?.filter((webhook) => webhook.name.endsWith("sidecar-injector.istio.io"))
    .map((webhook) => resolveInjector(webhook, controlPlane));
  const configMaps = [...(controlPlane.configMaps ?? [])];
  const revisions = configMaps
    .filter(([name]) => name === CONFIG_MAP || name.startsWith(`${CONFIG_MAP}-`))
    .map(([name, data]) => resolveRevision(name, data, injectors ?? [], controlPlane));
  return {
    istioNamespace: controlPlane.istioNamespace,
    injectors,
    revisions: new Map(revisions.map((revision) => [revision.name, revision])),
    revisionsUnread: controlPlane.configMaps === undefined,
    sharedConfigMaps:
      controlPlane.configMaps &&
      new Set(
        configMaps
          .map(([name]) => name)
          .filter((name) => name.startsWith("istio-shared-configmap-")),
      ),
  };
}

/**
 * The revision is what the control plane behind the Service calls itself, not the webhook's own
 * label `istio.io/rev`: some tools write a tag's name there.
 */
function resolveInjector(webhook: Webhook, controlPlane: ControlPlane): Injector {
  const { services, istiods, readyEndpoints, istioNamespace } = controlPlane;
  const untold = { ...webhook, revision: undefined, available: undefined, outage: undefined };
  // Behind a URL, or in another namespace, stands a control plane that was not read.
  if (webhook.service?.namespace !== istioNamespace || services === undefined) return untold;
  const { name } = webhook.service;
  const service = services.find((candidate) => candidate.name === name);
  if (service === undefined) return { ...untold, available: false, outage: "no-service" };
  // Where that is, no endpoint says; nor does the selector count there.
  if (service.external) return untold;
  const revision = revisionBehind(service, istiods ?? []);
  // Where istiod never wrote its authority, nobody can tell that it is istiod who answers.
  if (!webhook.trusted) return { ...webhook, revision, available: false, outage: "no-authority" };
  const available = readyEndpoints && (readyEndpoints.get(name) ?? 0) > 0;
  return {
    ...webhook,
    revision,
    available,
    outage: available === false ? "no-endpoint" : undefined,
  };
}

/** `undefined` where nothing is behind a Service, or control planes of several revisions are. */
function revisionBehind({ selector }: Service, istiods: readonly Istiod[]): string | undefined {
  // A Service without a selector selects nothing, unlike an empty label selector.
  const selects = Object.keys(selector).length > 0;
  const selected = istiods.filter(
    ({ podLabels }) => selects && matchesSelector(podLabels, { matchLabels: selector }),
  );
  // What is scaled to zero answers nothing, where another does.
  const wanted = selected.filter((istiod) => istiod.wanted > 0);
  const [revision, ...others] = new Set(
    (wanted.length > 0 ? wanted : selected).map((istiod) => istiod.revision),
  );
  return others.length === 0 ? revision : undefined;
}

function resolveRevision(
  configMap: string,
  data: Labels,
  injectors: readonly Injector[],
  { configMaps, istiods }: ControlPlane,
): Revision {
  const suffix = configMap.slice(CONFIG_MAP.length);
  const name = suffix === "" ? "default" : suffix.slice(1);
  const tags = injectors.flatMap(({ tag, revision }) =>
    tag !== undefined && revision === name ? [tag] : [],
  );
  const meshes = [`istio${suffix}`, `istio-shared-configmap${suffix}`].map(
    (map) => configMaps?.get(map)?.["mesh"],
  );
  return {
    name,
    source: `configmap/${configMap}`,
    config: parseInjectorConfig(data),
    meshImageType: meshImageType(configMaps?.get(`istio${suffix}`)?.["mesh"]),
    meshNamesInterception: meshes.some((mesh) => mesh?.includes("interceptionMode") === true),
    tags: [...new Set(tags)].sort(),
    istiod: istiods?.find((candidate) => candidate.revision === name),
  };
}

/** The image type that the mesh configuration gives every proxy; empty where it gives none. */
function meshImageType(mesh: string | undefined): string {
  if (mesh === undefined || !mesh.includes("imageType")) return "";
  try {
    const config = parseYaml(mesh) as { defaultConfig?: unknown } | null;
    return imageTypeOf(JSON.stringify(config?.defaultConfig ?? {}));
  } catch {
    return "";
  }
}

/** What a revision gives a plain pod; `undefined` where its ConfigMap cannot be used. */
export function defaultTarget({ config, meshImageType: type }: Revision): string | undefined {
  if (typeof config === "string") return undefined;
  const proxy = proxyImageFor(PLAIN_POD, config, type);
  return proxy.kind === "image" ? proxy.image : undefined;
}

const PLAIN_POD: PodTemplate = {
  labels: {},
  annotations: {},
  hostNetwork: false,
  proxy: undefined,
  probed: true,
};
