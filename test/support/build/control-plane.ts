import type {
  ControlPlane,
  Istiod,
  Labels,
  LabelRequirement,
  Service,
  Webhook,
} from "../../../src/snapshot.ts";
import { type ConfigOptions, injectorConfigMap, type ValuesOptions } from "./injector-config.ts";

export interface RevisionOptions {
  readonly name: string;
  readonly values: ValuesOptions;
  readonly config?: ConfigOptions;
  /** `dead`: its Service has no endpoint. `removed`: only its webhooks are left. */
  readonly state?: "alive" | "dead" | "removed";
  readonly failurePolicy?: "Fail" | "Ignore";
  readonly matchConditions?: boolean;
  readonly istiodImage?: string;
  /** The value of istiod's environment variable `ENABLE_NATIVE_SIDECARS`. */
  readonly native?: "true" | "false" | "auto";
  /** True if istiod's Deployment is rolled out. */
  readonly ready?: boolean;
}

export interface ControlPlaneOptions {
  readonly istioNamespace?: string;
  readonly revisions: readonly RevisionOptions[];
  /** The revision of each tag; the tag `default` also covers `istio-injection=enabled`. */
  readonly tags?: Readonly<Record<string, string>>;
  /** The time at which the images of the revisions last changed, in RFC 3339. */
  readonly changedAt?: string;
  /** The time of the read by the API server's clock, in RFC 3339. */
  readonly readAt?: string;
  /** Other ConfigMaps of the Istio namespace. */
  readonly configMaps?: Readonly<Record<string, Labels>>;
  /** The parts that could not be read. */
  readonly unread?: readonly Part[];
}

export type Part = Exclude<keyof ControlPlane, "istioNamespace" | "valuesChangedAt" | "readAt">;

/** Returns the records of a control plane as Istio's charts and `istioctl tag set` install it. */
export function controlPlane(options: ControlPlaneOptions): ControlPlane {
  const { revisions, tags = {}, istioNamespace = "aks-istio-system" } = options;
  rejectImpossible(revisions, tags);
  const suffix = istioNamespace === "istio-system" ? "" : `-${istioNamespace}`;
  const installed = revisions.filter(({ state }) => state !== "removed");
  const own = revisions.flatMap((revision) =>
    stockWebhooks({
      configuration: `istio-sidecar-injector${suffixOf(revision.name)}${suffix}`,
      selects: revision.name,
      tag: undefined,
      revision,
      istioNamespace,
    }),
  );
  const tagged = Object.entries(tags).flatMap(([tag, name]) =>
    stockWebhooks({
      configuration: `istio-revision-tag-${tag}${suffix}`,
      selects: tag,
      tag,
      revision: revisionNamed(revisions, name),
      istioNamespace,
    }),
  );
  const tagServices = Object.entries(tags).map(([tag, name]) => ({
    ...serviceOf(name),
    name: `istiod-revision-tag-${tag}`,
  }));
  const whole = {
    webhooks: [...own, ...tagged].sort((a, b) => (a.configuration < b.configuration ? -1 : 1)),
    configMaps: new Map([
      ...Object.entries(options.configMaps ?? {}),
      ...installed.map(
        ({ name, config = {}, values }) =>
          [`istio-sidecar-injector${suffixOf(name)}`, injectorConfigMap(config, values)] as const,
      ),
    ]),
    services: [...installed.map(({ name }) => serviceOf(name)), ...tagServices],
    readyEndpoints: new Map(
      installed.map(({ name, state }) => [serviceOf(name).name, state === "dead" ? 0 : 2]),
    ),
    istiods: installed.map(istiodOf),
  };
  const unread = new Set<string>(options.unread);
  const read = <Value>(part: Part, value: Value) => (unread.has(part) ? undefined : value);
  return {
    istioNamespace,
    webhooks: read("webhooks", whole.webhooks),
    configMaps: read("configMaps", whole.configMaps),
    services: read("services", whole.services),
    readyEndpoints: read("readyEndpoints", whole.readyEndpoints),
    istiods: read("istiods", whole.istiods),
    ...(options.changedAt === undefined
      ? {}
      : {
          valuesChangedAt: new Map(
            [...whole.configMaps.keys()].map((name) => [name, options.changedAt ?? ""]),
          ),
        }),
    ...(options.readAt === undefined ? {} : { readAt: new Date(options.readAt) }),
  };
}

function rejectImpossible(
  revisions: readonly RevisionOptions[],
  tags: Readonly<Record<string, string>>,
): void {
  const names = revisions.map(({ name }) => name);
  for (const name of [...names, ...Object.keys(tags)]) {
    if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name))
      throw new Error(`"${name}" is not a valid revision name`);
  }
  if (new Set(names).size < names.length) throw new Error("a revision can be installed only once");
  const shadowed = Object.keys(tags).find((tag) => names.includes(tag));
  if (shadowed !== undefined) throw new Error(`"${shadowed}" is a revision and cannot be a tag`);
  for (const { name, state, ready } of revisions) {
    if (state === "dead" && ready === true)
      throw new Error(`${name} cannot be both ready and dead`);
  }
}

function revisionNamed(revisions: readonly RevisionOptions[], name: string): RevisionOptions {
  const revision = revisions.find((candidate) => candidate.name === name);
  if (revision === undefined)
    throw new Error(`cannot set a tag: the revision "${name}" was never installed`);
  return revision;
}

/** The suffix of a revision's objects; the revision `default` has none. */
function suffixOf(revision: string): string {
  return revision === "default" ? "" : `-${revision}`;
}

function serviceOf(revision: string): Service {
  const selector =
    revision === "default"
      ? { app: "istiod", istio: "pilot" }
      : { app: "istiod", "istio.io/rev": revision };
  return { name: `istiod${suffixOf(revision)}`, selector, external: false };
}

function istiodOf({ name, state, istiodImage, native, ready }: RevisionOptions): Istiod {
  const version = /^asm-(\d+)-(\d+)$/.exec(name);
  const tag = version ? `v${version[1]}.${version[2]}.0` : "1.31.0";
  return {
    name: `istiod${suffixOf(name)}`,
    podLabels: { app: "istiod", "istio.io/rev": name, ...serviceOf(name).selector },
    revision: name,
    image: istiodImage ?? `mcr.microsoft.com/oss/v2/istio/pilot:${tag}`,
    native,
    wanted: state === "dead" ? 0 : 2,
    ready: ready ?? state !== "dead",
  };
}

interface StockOptions {
  readonly configuration: string;
  /** The value of `istio.io/rev` that it selects: a revision or a tag. */
  readonly selects: string;
  readonly tag: string | undefined;
  readonly revision: RevisionOptions;
  readonly istioNamespace: string;
}

const REV = "istio.io/rev";
const INJECTION = "istio-injection";
const INJECT = "sidecar.istio.io/inject";

const absent = (key: string): LabelRequirement => ({ key, operator: "DoesNotExist" });
const among = (key: string, value: string): LabelRequirement => ({
  key,
  operator: "In",
  values: [value],
});
const NOT_OPTED_OUT: LabelRequirement = { key: INJECT, operator: "NotIn", values: ["false"] };

/** Returns the webhooks of a revision or tag as a real control plane has them. */
function stockWebhooks(options: StockOptions): readonly Webhook[] {
  const { configuration, selects, tag, revision, istioNamespace } = options;
  const webhook = (
    name: string,
    namespaceExpressions: readonly LabelRequirement[],
    objectExpressions: readonly LabelRequirement[],
  ): Webhook => ({
    configuration,
    name: `${name}.sidecar-injector.istio.io`,
    tag,
    service: { namespace: istioNamespace, name: serviceOf(revision.name).name },
    url: undefined,
    namespaceSelector: { matchExpressions: namespaceExpressions },
    objectSelector: { matchExpressions: objectExpressions },
    failurePolicy: revision.failurePolicy ?? "Fail",
    hasMatchConditions: revision.matchConditions === true,
    trusted: true,
  });
  const byRevision = [
    webhook("rev.namespace", [among(REV, selects), absent(INJECTION)], [NOT_OPTED_OUT]),
    webhook("rev.object", [absent(REV), absent(INJECTION)], [NOT_OPTED_OUT, among(REV, selects)]),
  ];
  if (selects !== "default") return byRevision;
  return [
    ...byRevision,
    webhook("namespace", [among(INJECTION, "enabled")], [NOT_OPTED_OUT]),
    webhook("object", [absent(INJECTION), absent(REV)], [among(INJECT, "true"), absent(REV)]),
  ];
}
