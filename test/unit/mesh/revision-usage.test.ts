import { describe, expect, test } from "vitest";
import type { RemainingReferences } from "../../../src/mesh/remaining-references.ts";
import { shortKind } from "../../../src/kubernetes/kinds.ts";
import { resolveMesh } from "../../../src/mesh/mesh.ts";
import {
  type RevisionUsage,
  type UsageByRevision,
  usageByRevision,
} from "../../../src/mesh/revision-usage.ts";
import type { Namespace, UsageSnapshot, Webhook, Workload } from "../../../src/snapshot.ts";
import {
  controlPlane,
  type ControlPlaneOptions,
  type RevisionOptions,
} from "../../support/build/control-plane.ts";
import { namespace } from "../../support/build/namespace.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import {
  AKS_GATEWAY,
  deployment,
  otherWorkload,
  statefulSet,
  podTemplate,
} from "../../support/build/workload.ts";
import { formatStep } from "../../support/build/next-step.ts";

const OLD: RevisionOptions = { name: "asm-1-27", values: { image: proxyImage("v1.27.9-6") } };
const NEW: RevisionOptions = { name: "asm-1-28", values: { image: proxyImage("v1.28.3-2") } };
const IMAGE = proxyImage("v1.27.7-1");
const INJECT = "sidecar.istio.io/inject";

interface World extends Partial<Omit<UsageSnapshot, "controlPlane" | "namespaces">> {
  readonly plane?: ControlPlaneOptions;
  readonly places?: readonly Namespace[];
}

function usage({ plane, places = [], ...rest }: World): UsageByRevision {
  const snapshot: UsageSnapshot = {
    controlPlane: controlPlane(plane ?? { revisions: [OLD, NEW] }),
    namespaces: new Map(places.map((place) => [place.name, place])),
    workloads: [],
    gateways: [],
    templateOwners: [],
    gaps: [],
    ...rest,
  };
  return usageByRevision(snapshot, resolveMesh(snapshot.controlPlane));
}

function revision(world: World, name = "asm-1-27"): RevisionUsage {
  const found = usage(world).revisions.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no revision ${name}`);
  return found;
}

/** The references that must be removed, as `KIND COUNT: NAMES`. */
function remaining(world: World, name?: string): readonly string[] {
  return revision(world, name).references.map(
    ({ kind, count, names }) => `${kind} ${count}: ${names.join(", ")}`,
  );
}

describe("revisions", () => {
  test("are listed if they are installed, even without references", () => {
    expect(usage({}).revisions).toMatchObject([
      {
        name: "asm-1-27",
        installed: true,
        ready: true,
        image: proxyImage("v1.27.9-6"),
        source: "configmap/istio-sidecar-injector-asm-1-27",
        references: [],
      },
      { name: "asm-1-28", installed: true, references: [] },
    ]);
  });

  test("are listed if pods or labels refer to them, even if they are not installed", () => {
    const world = {
      places: [namespace("shop", { rev: "asm-1-25" })],
      workloads: [deployment("web", { pods: [sidecars(2, IMAGE, { revision: "asm-1-26" })] })],
    };
    expect(usage(world).revisions.map(({ name, installed }) => [name, installed])).toEqual([
      ["asm-1-25", false],
      ["asm-1-26", false],
      ["asm-1-27", true],
      ["asm-1-28", true],
    ]);
    expect(revision(world, "asm-1-26")).toMatchObject({ ready: undefined, image: undefined });
  });

  test.each<[what: string, plane: ControlPlaneOptions, expected: object]>([
    [
      "not ready if istiod is not ready",
      { revisions: [{ ...OLD, ready: false }] },
      { installed: true, ready: false },
    ],
    [
      "of unknown readiness if Deployments are unread",
      { revisions: [OLD], unread: ["istiods"] },
      { installed: true, ready: undefined },
    ],
    [
      "installed if istiod is, even if ConfigMaps are unread",
      { revisions: [OLD], unread: ["configMaps"] },
      { installed: true, ready: true, image: undefined },
    ],
  ])("are %s", (_what, plane, expected) => {
    expect(revision({ plane })).toMatchObject(expected);
  });

  test("are not reported as absent if the control plane is unread", () => {
    const world: World = {
      plane: { revisions: [OLD], unread: ["configMaps", "istiods"] },
      workloads: [deployment("web", { pods: [sidecars(1, IMAGE)] })],
    };
    expect(revision(world).installed).toBeUndefined();
  });
});

describe("the remaining references of a revision include", () => {
  test("live pods, by the names of their workloads", () => {
    const workloads = [
      deployment("web", { pods: [sidecars(2, IMAGE), sidecars(1, proxyImage("v1.27.9-6"))] }),
      deployment("plain", { pods: [bare(4)] }),
      otherWorkload("Job", "import", { pods: [sidecars(1, IMAGE, { native: true })] }),
    ];
    expect(remaining({ workloads })).toEqual(["pods 4: shop/deploy/web, shop/job/import"]);
    expect(revision({ workloads }).pods).toEqual({
      sidecars: 4,
      gateways: 0,
      terminating: 0,
      managed: 0,
    });
  });

  test("terminating pods, by their own names", () => {
    const workloads = [
      deployment("web", {
        pods: [sidecars(1, IMAGE, { revision: "asm-1-28" })],
        terminatingPods: [sidecars(12, IMAGE), bare(1)],
      }),
    ];
    const [reference] = revision({ workloads }).references;
    expect(reference).toMatchObject({ kind: "terminating-pods", count: 12 });
    expect(reference?.names).toHaveLength(10);
    expect(reference?.names[0]).toBe("shop/pod-0");
    expect(revision({ workloads }).pods.terminating).toBe(12);
  });

  test("gateways as well as sidecars", () => {
    const workloads = [
      deployment("ingress", {
        template: { annotations: { "inject.istio.io/templates": "gateway" } },
        pods: [sidecars(2, IMAGE)],
      }),
      deployment("rendered", {
        template: { labels: { "gateway.networking.k8s.io/gateway-name": "public" } },
        pods: [sidecars(1, IMAGE)],
      }),
    ];
    expect(revision({ workloads }).pods).toMatchObject({ sidecars: 0, gateways: 3 });
    expect(remaining({ workloads })).toEqual(["pods 3: shop/deploy/ingress, shop/deploy/rendered"]);
  });

  test("no gateways of AKS, which AKS removes with the revision", () => {
    const workloads = [
      deployment("aks-istio-ingressgateway-external-asm-1-27", {
        ...AKS_GATEWAY,
        template: { ...AKS_GATEWAY.template, labels: { "istio.io/rev": "asm-1-27" } },
        pods: [sidecars(2, IMAGE)],
      }),
    ];
    expect(remaining({ workloads })).toEqual([]);
    expect(revision({ workloads }).pods).toMatchObject({ gateways: 2, managed: 2 });
  });

  test.each([
    ["asm-1-27", "an installed revision", []],
    ["asm-1-26", "a removed revision of AKS", []],
    ["other-mesh", "a revision that AKS does not install", ["templates 1", "pods 2"]],
  ])("a gateway with the labels of AKS that names %s, %s", (name, _what, expected) => {
    const workload = deployment("edge", {
      ...AKS_GATEWAY,
      template: { ...AKS_GATEWAY.template, labels: { "istio.io/rev": name } },
      pods: [sidecars(2, IMAGE, { revision: name })],
    });
    const found = remaining({ workloads: [workload] }, name);
    expect(found.map((line) => line.split(":")[0]).toSorted()).toEqual(expected.toSorted());
  });

  test.each<[what: string, workload: Workload]>([
    [
      "a user's gateway in a namespace of AKS",
      deployment("edge", {
        namespace: "aks-istio-egress",
        template: { labels: { "istio.io/rev": "asm-1-27" }, proxy: { image: "auto" } },
        pods: [sidecars(2, IMAGE)],
      }),
    ],
    [
      "a user's sidecars in a namespace of AKS",
      deployment("edge", { namespace: "aks-istio-egress", pods: [sidecars(2, IMAGE)] }),
    ],
    [
      "a user's sidecars with a label of AKS",
      deployment("edge", {
        namespace: "aks-istio-egress",
        labels: { "kubernetes.azure.com/managedby": "aks" },
        pods: [sidecars(2, IMAGE)],
      }),
    ],
  ])("%s", (_what, workload) => {
    expect(remaining({ workloads: [workload] })).toContain("pods 2: aks-istio-egress/deploy/edge");
    expect(revision({ workloads: [workload] }).pods).toMatchObject({ managed: 0 });
  });

  test("rendered gateways, which follow the label of their Gateway", () => {
    const rendered = deployment("edge-istio", {
      template: {
        labels: { "gateway.networking.k8s.io/gateway-name": "edge", [INJECT]: "false" },
        proxy: { image: IMAGE },
      },
      pods: [sidecars(1, IMAGE)],
    });
    const releases = (workloads: readonly Workload[]) =>
      revision({
        places: [namespace("pay", { rev: "asm-1-28" })],
        workloads,
      }).references.map(({ release }) => formatStep(release));
    const relabel = "label their Gateways with another revision: istiod then renders them again";
    expect(releases([rendered])).toEqual([relabel]);
    const sidecar = deployment("web", { namespace: "pay", pods: [sidecars(1, IMAGE)] });
    expect(releases([rendered, sidecar])).toEqual([
      "istio-upgrade restart --namespace pay --revision asm-1-27 --allow-revision asm-1-28",
      relabel,
    ]);
  });

  describe("pods by the way in which they can leave it:", () => {
    const moved = namespace("shop", { rev: "asm-1-28" });
    const old = { pods: [sidecars(1, IMAGE)] };
    const restart =
      "istio-upgrade restart --namespace shop --revision asm-1-27 --allow-revision asm-1-28";
    const check = "istio-upgrade check --namespace shop --revision asm-1-27";
    const byHand = ["by-hand", `each has its own next step: ${check}`];
    const relabel = "change the labels and tags first, then: ";

    test.each<[what: string, workload: Workload, place: Namespace, way: readonly string[]]>([
      ["a Deployment", deployment("web", old), moved, ["restart", restart]],
      [
        "a StatefulSet of one replica",
        statefulSet("db", { ...old, rollout: { replicas: 1 } }),
        moved,
        ["restart-with-downtime", `${restart} --allow-downtime`],
      ],
      [
        "a Deployment with the strategy Recreate",
        deployment("web", { ...old, rollout: { strategy: "Recreate" } }),
        moved,
        ["restart-with-downtime", `${restart} --allow-downtime`],
      ],
      [
        "a paused Deployment",
        deployment("web", { ...old, rollout: { paused: true } }),
        moved,
        byHand,
      ],
      ["a bare pod", otherWorkload("Pod", "single", old), moved, byHand],
      ["a Job", otherWorkload("Job", "import", old), moved, byHand],
      [
        "an excluded workload",
        deployment("web", {
          ...old,
          annotations: { "istio-upgrade/exclude": "true" },
        }),
        moved,
        ["excluded", `restart them yourself, or remove what excludes them: ${check}`],
      ],
      [
        "a Deployment in a namespace that still leads to it",
        deployment("web", old),
        namespace("shop", { rev: "asm-1-27" }),
        ["after-relabelling", `${relabel}${restart}`],
      ],
      [
        "a StatefulSet of one replica in such a namespace",
        statefulSet("db", { ...old, rollout: { replicas: 1 } }),
        namespace("shop", { rev: "asm-1-27" }),
        ["after-relabelling-with-downtime", `${relabel}${restart} --allow-downtime`],
      ],
      [
        "a Deployment whose template names it",
        deployment("web", { ...old, template: { labels: { "istio.io/rev": "asm-1-27" } } }),
        namespace("shop"),
        ["after-relabelling", `${relabel}${restart}`],
      ],
      [
        "a bare pod in a namespace that still leads to it",
        otherWorkload("Pod", "single", old),
        namespace("shop", { rev: "asm-1-27" }),
        byHand,
      ],
      ["a workload that would lose its sidecar", deployment("web", old), namespace("shop"), byHand],
    ])("%s", (_what, workload, place, way) => {
      const found = revision({ places: [place], workloads: [workload] }).references;
      const pods = found.filter(({ kind }) => kind === "pods");
      expect(pods.map(({ releasedBy, release }) => [releasedBy, formatStep(release)])).toEqual([
        way,
      ]);
    });

    test("all names are kept", () => {
      const workloads = Array.from({ length: 12 }, (_, index) => deployment(`web-${index}`, old));
      const [reference] = revision({ places: [moved], workloads }).references;
      expect([reference?.count, reference?.names.length]).toEqual([12, 12]);
    });
  });

  test("Jobs whose template names it, which cannot be changed", () => {
    const template = podTemplate({ labels: { "istio.io/rev": "asm-1-27" } });
    const templateOwners = ["Job", "CronJob"].map((kind) => ({
      namespace: "shop",
      kind,
      name: "import",
      template,
    }));
    const found = revision({ places: [namespace("shop")], templateOwners }).references;
    expect(found.map(({ releasedBy, names }) => [releasedBy, names])).toEqual([
      ["relabelling", ["shop/cronjob/import"]],
      ["waiting", ["shop/job/import"]],
    ]);
  });

  test("namespaces whose label names the revision", () => {
    const places = [namespace("shop", { rev: "asm-1-27" }), namespace("pay", { rev: "asm-1-28" })];
    expect(remaining({ places })).toEqual(["namespaces 1: shop"]);
    expect(revision({ places }).namespaces).toEqual([
      { name: "shop", label: "istio.io/rev=asm-1-27", tag: undefined },
    ]);
  });

  test("namespaces whose label has no effect because of another label", () => {
    const places = [namespace("shop", { rev: "asm-1-27", injection: "enabled" })];
    expect(remaining({ places })).toEqual(["namespaces 1: shop"]);
  });

  test("tags, but not the labels that name a tag", () => {
    const world: World = {
      plane: { revisions: [OLD, NEW], tags: { prod: "asm-1-27" } },
      places: [namespace("shop", { rev: "prod" })],
      workloads: [deployment("web", { template: { labels: { "istio.io/rev": "prod" } } })],
      gateways: [{ namespace: "shop", name: "public", labels: { "istio.io/rev": "prod" } }],
    };
    expect(remaining(world)).toEqual(["tags 1: prod"]);
    expect(revision(world)).toMatchObject({
      tags: ["prod"],
      namespaces: [{ name: "shop", label: "istio.io/rev=prod", tag: "prod" }],
    });
  });

  test("namespaces with istio-injection=enabled, if the revision is the default", () => {
    const places = [namespace("shop", { injection: "enabled" })];
    const tagged: World = {
      plane: { revisions: [OLD, NEW], tags: { default: "asm-1-27" } },
      places,
    };
    expect(remaining(tagged)).toEqual(["tags 1: default"]);
    expect(revision(tagged).namespaces).toEqual([
      { name: "shop", label: "istio-injection=enabled", tag: "default" },
    ]);
    const stock: World = {
      plane: {
        istioNamespace: "istio-system",
        revisions: [{ name: "default", values: { hub: "h", tag: "1.31.0" } }],
      },
      places,
    };
    expect(remaining(stock, "default")).toEqual(["namespaces 1: shop"]);
  });

  test("pod templates, also of CronJobs and of workloads without pods", () => {
    const labels = { "istio.io/rev": "asm-1-27" };
    const world: World = {
      places: [namespace("shop")],
      workloads: [
        deployment("web", { template: { labels } }),
        deployment("out", {
          template: { labels: { ...labels, "sidecar.istio.io/inject": "false" } },
        }),
        otherWorkload("Pod", "single", { template: { labels }, pods: [bare(1)] }),
        otherWorkload("CronJob", "nightly", { template: { labels }, pods: [bare(1)] }),
      ],
      templateOwners: [
        { namespace: "shop", kind: "CronJob", name: "nightly", template: podTemplate({ labels }) },
        { namespace: "shop", kind: "CronJob", name: "weekly", template: podTemplate({ labels }) },
      ],
    };
    expect(remaining(world)).toEqual([
      "templates 3: shop/cronjob/nightly, shop/cronjob/weekly, shop/deploy/web",
    ]);
  });

  test.each(["ReplicaSet", "Job", "ReplicationController", "CronJob"])(
    "the template of a %s without pods",
    (kind) => {
      const template = podTemplate({ labels: { "istio.io/rev": "asm-1-27" } });
      const templateOwners = [{ namespace: "shop", kind, name: "old", template }];
      expect(remaining({ places: [namespace("shop")], templateOwners })).toEqual([
        `templates 1: shop/${shortKind(kind)}/old`,
      ]);
    },
  );

  test("no template that running pods have, and their owner no longer has", () => {
    const labels = { "istio.io/rev": "asm-1-27" };
    const moved = podTemplate({ labels: { "istio.io/rev": "asm-1-28" } });
    const world: World = {
      places: [namespace("shop")],
      workloads: [
        otherWorkload("CronJob", "nightly", { template: { labels }, pods: [sidecars(1, IMAGE)] }),
      ],
      templateOwners: [{ namespace: "shop", kind: "CronJob", name: "nightly", template: moved }],
    };
    expect(remaining(world)).toEqual(["pods 1: shop/cronjob/nightly"]);
  });

  test("pod templates that ask for the default revision", () => {
    const world: World = {
      plane: {
        istioNamespace: "istio-system",
        revisions: [{ name: "default", values: { hub: "h", tag: "1.31.0" } }],
      },
      places: [namespace("shop")],
      workloads: [
        deployment("web", { template: { labels: { "sidecar.istio.io/inject": "true" } } }),
      ],
    };
    expect(remaining(world, "default")).toEqual(["templates 1: shop/deploy/web"]);
  });

  test("Gateways whose label names the revision", () => {
    const gateways = [
      { namespace: "shop", name: "public", labels: { "istio.io/rev": "asm-1-27" } },
      { namespace: "shop", name: "other", labels: {} },
    ];
    expect(remaining({ gateways })).toEqual(["gateways 1: shop/public"]);
  });
});

test("sidecars of an unknown revision are unattributed", () => {
  const workloads = [deployment("web", { pods: [sidecars(2, IMAGE, { revision: undefined })] })];
  expect(usage({ workloads }).unattributed).toEqual({
    pods: 2,
    names: ["shop/deploy/web"],
    tags: [],
  });
});

describe("a tag", () => {
  const plane = controlPlane({ revisions: [OLD, NEW], tags: { prod: "asm-1-27" } });
  const service = (place: string, name: string) => ({ namespace: place, name });

  test.each<[what: string, change: Partial<Webhook>, tags: readonly string[]]>([
    ["behind a URL", { service: undefined, url: "https://istiod.example" }, ["prod"]],
    [
      "behind a Service without pods of a revision",
      { service: service("aks-istio-system", "odd") },
      ["prod"],
    ],
    ["whose Service does not exist", { service: service("aks-istio-system", "gone") }, []],
    ["behind a Service in another namespace", { service: service("istio-system", "istiod") }, []],
    ["of a known revision", {}, []],
  ])("%s is unattributed only if it may lead to any revision", (_what, change, tags) => {
    const webhooks = plane.webhooks?.map((webhook) =>
      webhook.tag === undefined ? webhook : { ...webhook, ...change },
    );
    const odd = { name: "odd", selector: {}, external: false };
    const controlled = { ...plane, webhooks, services: [...(plane.services ?? []), odd] };
    const endpoints = new Map([...(plane.readyEndpoints ?? []), ["odd", 1] as const]);
    const snapshot: UsageSnapshot = {
      controlPlane: { ...controlled, readyEndpoints: endpoints },
      namespaces: new Map(),
      workloads: [],
      gateways: [],
      templateOwners: [],
      gaps: [],
    };
    expect(usageByRevision(snapshot, resolveMesh(snapshot.controlPlane)).unattributed.tags).toEqual(
      tags,
    );
  });
});

describe("the instruction to remove references", () => {
  const labels = { "istio.io/rev": "asm-1-27" };
  const world: World = {
    plane: { revisions: [OLD, NEW], tags: { prod: "asm-1-27" } },
    places: [namespace("shop", { rev: "asm-1-27" })],
    workloads: [
      deployment("web", {
        template: { labels },
        pods: [sidecars(1, IMAGE)],
        terminatingPods: [sidecars(1, IMAGE)],
      }),
    ],
    gateways: [{ namespace: "shop", name: "public", labels }],
  };

  test("exists for each kind, in the order to follow", () => {
    expect(
      revision(world).references.map(({ kind, release }) => [kind, formatStep(release)]),
    ).toEqual([
      [
        "tags",
        "istioctl tag set prod --revision asm-1-28 --istioNamespace aks-istio-system --overwrite",
      ],
      [
        "namespaces",
        "kubectl label namespaces -l istio.io/rev=asm-1-27 istio.io/rev=asm-1-28 --overwrite",
      ],
      ["templates", "set the label istio.io/rev=asm-1-28 in these pod templates"],
      [
        "gateways",
        "kubectl label gateways.gateway.networking.k8s.io -A -l istio.io/rev=asm-1-27 istio.io/rev=asm-1-28 --overwrite",
      ],
      [
        "pods",
        "change the labels and tags first, then: istio-upgrade restart --namespace shop --revision asm-1-27 --allow-revision asm-1-28",
      ],
      ["terminating-pods", "wait until they are gone"],
    ]);
  });

  test("names no revision if no other one is installed", () => {
    const alone: World = {
      plane: { revisions: [OLD] },
      places: [namespace("shop", { rev: "asm-1-27" })],
    };
    expect(releaseOf(alone, "namespaces")).toBe(
      "no other revision is installed: install a revision first",
    );
  });

  const [kept, next] = ["asm-1-28", "asm-1-29"];
  const labelled = (key: string, to: string) =>
    `kubectl label namespaces -l istio.io/rev=${key} istio.io/rev=${to} --overwrite`;
  const restarted = (to: string) =>
    `istio-upgrade restart --namespace shop --revision asm-1-27 --allow-revision ${to}`;
  test.each<[kind: RemainingReferences["kind"], step: string]>([
    [
      "tags",
      `for ${kept}: istioctl tag set prod --revision ${kept} --istioNamespace aks-istio-system --overwrite; for ${next}: istioctl tag set prod --revision ${next} --istioNamespace aks-istio-system --overwrite`,
    ],
    [
      "namespaces",
      `for ${kept}: ${labelled("asm-1-27", kept)}; for ${next}: ${labelled("asm-1-27", next)}`,
    ],
    [
      "templates",
      `for ${kept}: set the label istio.io/rev=${kept} in these pod templates; for ${next}: set the label istio.io/rev=${next} in these pod templates`,
    ],
    [
      "pods",
      `change the labels and tags first, then, for ${kept}: ${restarted(kept)}; for ${next}: ${restarted(next)}`,
    ],
  ])("of the kind %s names every other revision that may be meant", (kind, step) => {
    const newer = { name: next, values: { image: proxyImage("v1.29.1-1") } };
    const plane = { revisions: [OLD, NEW, newer], tags: { prod: "asm-1-27" } };
    expect(releaseOf({ ...world, plane }, kind)).toBe(step);
  });

  test("does not choose for the user if the revision is gone", () => {
    const places = [namespace("shop", { rev: "asm-1-26" })];
    const { references } = revision({ places }, "asm-1-26");
    expect(references.map(({ release }) => formatStep(release))).toEqual([
      `for asm-1-27: ${labelled("asm-1-26", "asm-1-27")}; for asm-1-28: ${labelled("asm-1-26", "asm-1-28")}`,
    ]);
  });

  test("names no revision if revisions are unread", () => {
    const plane = { revisions: [], unread: ["configMaps", "webhooks"] } as const;
    const places = [namespace("shop", { rev: "asm-1-27" })];
    expect(releaseOf({ plane, places }, "namespaces")).toBe(
      "list the revisions: kubectl get configmaps -n aks-istio-system",
    );
  });

  test("covers all namespaces instead of naming many", () => {
    const workloads = ["a", "b", "c", "d"].map((place) =>
      deployment("web", { namespace: place, pods: [sidecars(1, IMAGE)] }),
    );
    const places = ["a", "b", "c", "d"].map((name) => namespace(name, { rev: "asm-1-28" }));
    expect(releaseOf({ places, workloads }, "pods")).toBe(
      "istio-upgrade restart --all-namespaces --revision asm-1-27 --allow-revision asm-1-28",
    );
  });

  function releaseOf(of: World, kind: RemainingReferences["kind"]): string | undefined {
    const found = revision(of).references.find((candidate) => candidate.kind === kind);
    return found && formatStep(found.release);
  }
});

describe("the removal of a revision", () => {
  const removal = (plane: ControlPlaneOptions, name?: string) =>
    revision({ plane }, name).removal.map(formatStep);
  const end = (verb: string, name: string) =>
    `istio-upgrade revisions ${name} --assert-unused && az aks mesh upgrade ${verb} --resource-group RESOURCE_GROUP --name CLUSTER`;

  test.each<[what: string, plane: ControlPlaneOptions, name: string, steps: readonly string[]]>([
    [
      "completes the upgrade",
      { revisions: [OLD, NEW] },
      "asm-1-27",
      [
        `complete the upgrade, with your resource group and cluster: ${end("complete", "asm-1-27")}`,
      ],
    ],
    [
      "rolls the upgrade back, if the other revision is older",
      { revisions: [OLD, NEW] },
      "asm-1-28",
      [
        `roll the upgrade back, with your resource group and cluster: ${end("rollback", "asm-1-28")}`,
      ],
    ],
    ["is not possible for the only revision of AKS", { revisions: [OLD] }, "asm-1-27", []],
    [
      "deletes the shared ConfigMap afterwards",
      {
        revisions: [OLD, NEW],
        configMaps: { "istio-shared-configmap-asm-1-27": { mesh: "" } },
      },
      "asm-1-27",
      [
        `complete the upgrade, with your resource group and cluster: ${end("complete", "asm-1-27")}`,
        "then delete: kubectl delete configmap istio-shared-configmap-asm-1-27 -n aks-istio-system",
      ],
    ],
    [
      "uninstalls a revision that is not the one of AKS",
      {
        istioNamespace: "istio-system",
        revisions: [
          { name: "1-30", values: { hub: "h", tag: "1.30.1" } },
          { name: "1-31", values: { hub: "h", tag: "1.31.0" } },
        ],
      },
      "1-30",
      [
        "uninstall it: istio-upgrade revisions 1-30 --assert-unused && istioctl uninstall --revision 1-30 --istioNamespace istio-system",
      ],
    ],
  ])("%s", (_what, plane, name, steps) => {
    expect(removal(plane, name)).toEqual(steps);
  });
});
