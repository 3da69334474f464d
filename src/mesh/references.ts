import type {
  LabelledObject,
  Namespace,
  PodGroup,
  PodTemplate,
  TemplateOwner,
  UsageSnapshot,
  Workload,
} from "../snapshot.ts";
import { newPodOf } from "../kubernetes/controller-labels.ts";
import { isGateway } from "./gateway.ts";
import { shortKind } from "../kubernetes/kinds.ts";
import { classifyManaged } from "./managed.ts";
import type { Mesh } from "./mesh.ts";
import { matchInjectors } from "./prediction.ts";
import { INJECT, INJECTION, REVISION } from "../istio-labels.ts";

/** One thing that uses a revision: pods that it injected, or what leads new ones to it. */
export type Reference = PodReference | LabelReference;

export interface PodReference {
  readonly kind: "pods" | "terminating-pods";
  /** `undefined`: the pods do not say. */
  readonly revision: string | undefined;
  readonly namespace: string;
  /** Of live pods the workload, of terminating ones the pods, at most ten. */
  readonly names: readonly string[];
  readonly count: number;
  readonly gateway: boolean;
  /** AKS owns them, and takes them away with the revision. */
  readonly managed: boolean;
}

export interface LabelReference {
  readonly kind: "tags" | "namespaces" | "templates" | "gateways";
  readonly revision: string;
  readonly namespace: string;
  readonly names: readonly string[];
  readonly count: 1;
  /** `istio.io/rev=prod` */
  readonly label: string;
  /** The tag by which the label leads to the revision. */
  readonly tag: string | undefined;
}

export function podReferences({ workloads }: UsageSnapshot): readonly PodReference[] {
  return workloads.flatMap((workload) => {
    const { namespace, pods, terminatingPods } = workload;
    const use = (
      kind: PodReference["kind"],
      group: PodGroup,
      names: readonly string[],
    ): PodReference => ({
      kind,
      revision: group.revision,
      namespace,
      names,
      count: group.pods,
      gateway: isGateway(workload),
      managed: isOfAks(workload),
    });
    return [
      ...pods.filter(hasSidecar).map((group) => use("pods", group, [placeOf(workload)])),
      ...terminatingPods.filter(hasSidecar).map((group) =>
        use(
          "terminating-pods",
          group,
          group.podNames.map((name) => `${namespace}/${name}`),
        ),
      ),
    ];
  });
}

function hasSidecar({ image }: PodGroup): boolean {
  return image !== undefined;
}

/** During an upgrade AKS runs its gateways of both revisions, and ends it by removing the old ones. */
function isOfAks(workload: Workload): boolean {
  const pods = [...workload.pods, ...workload.terminatingPods];
  return classifyManaged(workload, pods)?.code === "aks-gateway";
}

/** Everything that leads new pods, or Gateways, to a revision. */
export function labelReferences(snapshot: UsageSnapshot, mesh: Mesh): readonly LabelReference[] {
  const tags = tagsOf(mesh);
  const ofNamespaces = new Map(
    [...snapshot.namespaces].map(([name, place]) => [name, namespaceUses(place, tags, mesh)]),
  );
  const ofTemplates = [
    ...snapshot.workloads.filter((workload) => workload.kind !== "Pod" && !isOfAks(workload)),
    ...(snapshot.cronJobs ?? []),
  ].flatMap((owner) => {
    const place = snapshot.namespaces.get(owner.namespace);
    const covered = ofNamespaces.get(owner.namespace) ?? [];
    return templateUses(owner, place, { tags, mesh, covered });
  });
  return [
    ...[...tags].map(([tag, revision]): LabelReference => {
      const label = `${REVISION}=${tag}`;
      return {
        kind: "tags",
        revision,
        namespace: "",
        names: [tag],
        count: 1,
        label,
        tag: undefined,
      };
    }),
    ...[...ofNamespaces.values()].flat(),
    // A CronJob is there twice while its pods run.
    ...new Map(ofTemplates.map((use) => [JSON.stringify([use.revision, use.names]), use])).values(),
    ...(snapshot.gateways ?? []).flatMap((gateway) => gatewayUses(gateway, tags)),
  ];
}

/** The revision that each tag leads to. */
type Tags = ReadonlyMap<string, string>;

function tagsOf({ injectors }: Mesh): Tags {
  return new Map(
    (injectors ?? []).flatMap(({ tag, revision }) =>
      tag === undefined || revision === undefined ? [] : [[tag, revision] as const],
    ),
  );
}

/** What a label `istio.io/rev` leads to: it may name a tag. */
function resolveLabel(
  value: string,
  tags: Tags,
): Pick<LabelReference, "label" | "revision" | "tag"> {
  const label = `${REVISION}=${value}`;
  const tagged = tags.get(value);
  return { label, revision: tagged ?? value, tag: tagged === undefined ? undefined : value };
}

function namespaceUses(place: Namespace, tags: Tags, mesh: Mesh): readonly LabelReference[] {
  const base = { kind: "namespaces", namespace: "", names: [place.name], count: 1 } as const;
  const named = place.labels[REVISION];
  const uses: LabelReference[] = named ? [{ ...base, ...resolveLabel(named, tags) }] : [];
  // Also what no `istio.io/rev` says: `istio-injection=enabled`, or selectors of an operator's own.
  for (const { revision, tag } of calledFor(PLAIN, place, mesh)) {
    if (uses.some((use) => use.revision === revision)) continue;
    const injection = place.labels[INJECTION];
    const label = injection === undefined ? "selected by a webhook" : `${INJECTION}=${injection}`;
    uses.push({ ...base, revision, tag, label });
  }
  return uses;
}

function templateUses(
  owner: TemplateOwner,
  place: Namespace | undefined,
  { tags, mesh, covered }: { tags: Tags; mesh: Mesh; covered: readonly LabelReference[] },
): readonly LabelReference[] {
  const { namespace } = owner;
  const template = newPodOf(owner);
  // An opt-out always wins: the control plane's own pods carry their revision beside one.
  if (template === undefined || template.labels[INJECT] === "false") return [];
  const base = { kind: "templates", namespace, names: [placeOf(owner)], count: 1 } as const;
  const named = template.labels[REVISION];
  const uses: LabelReference[] = named ? [{ ...base, ...resolveLabel(named, tags) }] : [];
  for (const { revision, tag } of place === undefined ? [] : calledFor(template, place, mesh)) {
    if ([...uses, ...covered].some((use) => use.revision === revision)) continue;
    const inject = template.labels[INJECT];
    const label = inject === undefined ? "selected by a webhook" : `${INJECT}=${inject}`;
    uses.push({ ...base, revision, tag, label });
  }
  return uses;
}

function gatewayUses(
  { namespace, name, labels }: LabelledObject,
  tags: Tags,
): readonly LabelReference[] {
  const named = labels[REVISION];
  if (!named) return [];
  const names = [`${namespace}/${name}`];
  return [{ kind: "gateways", namespace, names, count: 1, ...resolveLabel(named, tags) }];
}

/** A pod without labels: what the namespace alone decides. */
const PLAIN: PodTemplate = {
  labels: {},
  annotations: {},
  hostNetwork: false,
  proxy: undefined,
  probed: true,
};

function calledFor(template: PodTemplate, place: Namespace, { injectors }: Mesh) {
  return matchInjectors(template, place, injectors ?? []).flatMap(({ called, injector }) =>
    called && injector.revision !== undefined
      ? [{ revision: injector.revision, tag: injector.tag }]
      : [],
  );
}

/** `shop/deploy/web` */
function placeOf({ namespace, kind, name }: Omit<TemplateOwner, "template">): string {
  return `${namespace}/${shortKind(kind)}/${name}`;
}
