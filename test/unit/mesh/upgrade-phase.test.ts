import { describe, expect, test } from "vitest";
import { planUpgrade, type UpgradePlan } from "../../../src/mesh/upgrade-steps.ts";
import { phaseOf, type Phase } from "../../../src/mesh/upgrade-phase.ts";
import type { ControlPlane, Gap, Labels, Workload } from "../../../src/snapshot.ts";
import { namespace } from "../../support/build/namespace.ts";
import { formatStep } from "../../support/build/next-step.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import {
  NEW,
  NEW_IMAGE,
  OLD,
  OLD_IMAGE,
  upgradeIn,
  type UpgradeWorld,
} from "../../support/build/upgrade.ts";
import {
  AKS_GATEWAY,
  daemonSet,
  deployment,
  otherWorkload,
  podTemplate,
  statefulSet,
} from "../../support/build/workload.ts";

const [FROM, TO] = ["asm-1-27", "asm-1-28"];
const AZURE = { resourceGroup: "rg", name: "aks" };

function plan(world: UpgradeWorld): UpgradePlan {
  return planUpgrade(upgradeIn(world), { azure: AZURE });
}

function next(world: UpgradeWorld): string {
  return formatStep(plan(world).nextStep);
}

const ONLY_OLD: UpgradeWorld = { plane: { revisions: [OLD] } };
const onOld = (pods = 2) => sidecars(pods, OLD_IMAGE);
const onNew = (pods = 2) => sidecars(pods, NEW_IMAGE, { revision: TO });
const GAP: Gap = {
  verb: "list",
  resource: "pods",
  namespace: "shop",
  reason: "forbidden",
  message: "no",
  hint: "ask",
};

/** A namespace with one workload. */
const SHOP_OLD: UpgradeWorld = {
  places: [namespace("shop", { rev: FROM })],
  workloads: [deployment("web", { pods: [onOld()] })],
};
const SHOP_NEW: UpgradeWorld = {
  places: [namespace("shop", { rev: TO })],
  workloads: [deployment("web", { pods: [onNew()] })],
};

/** Removes the authority from the webhooks of a revision. */
const untrusted =
  (revision: string) =>
  (plane: ControlPlane): ControlPlane => ({
    ...plane,
    webhooks: plane.webhooks?.map((webhook) =>
      webhook.configuration.includes(revision) ? { ...webhook, trusted: false } : webhook,
    ),
  });

/** Adds the istiod of the application routing add-on, which has no revision and no webhook. */
const withAppRouting = (plane: ControlPlane): ControlPlane => ({
  ...plane,
  istiods: [
    ...(plane.istiods ?? []),
    {
      name: "istiod",
      podLabels: { app: "istiod" },
      revision: "default",
      image: "pilot",
      native: undefined,
      wanted: 2,
      ready: true,
    },
  ],
  configMaps: new Map([
    ...(plane.configMaps ?? []),
    ["istio-sidecar-injector", { values: "{}", config: "" }],
  ]),
});

describe("the phase is", () => {
  test.each<[phase: Phase | undefined, what: string, world: UpgradeWorld]>([
    ["current", "one revision, and nothing else", ONLY_OLD],
    ["current", "one revision that everything runs", { ...ONLY_OLD, ...SHOP_OLD }],
    ["current", "one revision, which is also that of --to", { ...ONLY_OLD, ...SHOP_OLD, to: FROM }],
    [
      "current",
      "one revision beside the istiod of application routing",
      { ...ONLY_OLD, ...SHOP_OLD, change: withAppRouting },
    ],
    [
      "current",
      "one revision, and workloads that injection would add a sidecar to",
      { ...ONLY_OLD, ...SHOP_OLD, workloads: [deployment("web", { pods: [bare(1)] })] },
    ],
    [
      "current",
      "a shared ConfigMap of a newer revision, without --to",
      { plane: { revisions: [OLD], configMaps: { "istio-shared-configmap-asm-1-28": {} } } },
    ],
    [
      "patch",
      "one revision, and sidecars that lag",
      {
        ...ONLY_OLD,
        ...SHOP_OLD,
        workloads: [deployment("web", { pods: [sidecars(1, proxyImage("v1.27.7-1"))] })],
      },
    ],
    [
      "patch",
      "one revision, and a sidecar that a restart would lose",
      { ...ONLY_OLD, ...SHOP_OLD, places: [namespace("shop")] },
    ],
    [
      "leftovers",
      "one revision, and the shared ConfigMap of an older one",
      { plane: { revisions: [NEW], configMaps: { "istio-shared-configmap-asm-1-27": {} } } },
    ],
    [
      "leftovers",
      "one revision, and the shared ConfigMap of a newer one after the way back",
      {
        plane: { revisions: [OLD], configMaps: { "istio-shared-configmap-asm-1-28": {} } },
        to: FROM,
      },
    ],
    [
      "leftovers",
      "one revision, and a label of another one on a namespace without pods",
      { plane: { revisions: [NEW] }, places: [namespace("shop", { rev: FROM })] },
    ],
    [
      "leftovers",
      "one revision, and a tag of another one that nothing follows",
      { plane: { revisions: [{ ...OLD, state: "removed" }, NEW], tags: { prod: FROM } } },
    ],
    [
      "stranded",
      "pods of a revision that is gone",
      { ...SHOP_OLD, plane: { revisions: [NEW] }, places: [namespace("shop", { rev: TO })] },
    ],
    [
      "stranded",
      "a label of a revision that is gone, on a namespace with pods of another one",
      { ...SHOP_NEW, plane: { revisions: [NEW] }, places: [namespace("shop", { rev: FROM })] },
    ],
    [
      "stranded",
      "a tag of a revision that is gone, which a namespace with pods follows",
      {
        ...SHOP_NEW,
        plane: { revisions: [{ ...OLD, state: "removed" }, NEW], tags: { prod: FROM } },
        places: [namespace("shop", { rev: "prod" })],
      },
    ],
    [
      "stranded",
      "pods of a revision that is gone, although another upgrade is planned",
      { ...SHOP_OLD, plane: { revisions: [NEW] }, to: "asm-1-29" },
    ],
    ["stranded", "pods, and no revision at all", { ...SHOP_OLD, plane: { revisions: [] } }],
    ["planning", "--to of a revision that is not installed", { ...ONLY_OLD, to: TO }],
    [
      "planning",
      "--to of a revision that is not installed, and a namespace that has its label already",
      {
        ...ONLY_OLD,
        ...SHOP_OLD,
        places: [namespace("shop", { rev: TO })],
        to: TO,
      },
    ],
    ["planning", "--to of a third revision", { to: "asm-1-29" }],
    [
      "starting",
      "--to of a revision whose istiod is not ready",
      { plane: { revisions: [OLD, { ...NEW, ready: false }] }, to: TO },
    ],
    [
      "starting",
      "--to of a revision whose istiod has no endpoint",
      { plane: { revisions: [OLD, { ...NEW, state: "dead" }] }, to: TO },
    ],
    [
      "starting",
      "--to of a revision whose webhook has no authority yet",
      { change: untrusted("asm-1-28"), to: TO },
    ],
    ["ready", "both revisions without anything else", { to: TO }],
    ["ready", "both revisions, and everything on the old one", { ...SHOP_OLD, to: TO }],
    [
      "ready",
      "both revisions, and only the gateways of AKS on the new one",
      {
        ...SHOP_OLD,
        workloads: [
          deployment("web", { pods: [onOld()] }),
          deployment("ingress", { ...AKS_GATEWAY, pods: [onNew()] }),
        ],
        to: TO,
      },
    ],
    [
      "moving",
      "a label on each revision",
      {
        ...SHOP_OLD,
        places: [namespace("shop", { rev: FROM }), namespace("pay", { rev: TO })],
        to: TO,
      },
    ],
    [
      "moving",
      "pods of the old revision behind a label of the new one",
      {
        ...SHOP_OLD,
        places: [namespace("shop", { rev: TO })],
        to: TO,
      },
    ],
    [
      "moving",
      "a tag that still leads to the old revision",
      {
        ...SHOP_NEW,
        plane: { revisions: [OLD, NEW], tags: { prod: FROM } },
        to: TO,
      },
    ],
    ["moved", "nothing on the old revision", { ...SHOP_NEW, to: TO }],
    ["moved", "nothing on the new revision, on the way back", { ...SHOP_OLD, to: FROM }],
    [
      "moving",
      "the same cluster on the way back",
      {
        ...SHOP_NEW,
        to: FROM,
        places: [namespace("shop", { rev: TO }), namespace("pay", { rev: FROM })],
      },
    ],
    ["ready", "both revisions, without --to", SHOP_OLD],
    ["moved", "the new revision alone in use, without --to", SHOP_NEW],
    [
      "moved",
      "only terminating AKS gateways on the old one",
      {
        ...SHOP_NEW,
        workloads: [
          deployment("web", { pods: [onNew()] }),
          deployment("ingress", { ...AKS_GATEWAY, pods: [onOld(1)] }),
        ],
        to: TO,
      },
    ],
    [
      "moving",
      "terminating pods on the old one",
      {
        ...SHOP_NEW,
        workloads: [deployment("web", { pods: [onNew()], terminatingPods: [onOld(1)] })],
        to: TO,
      },
    ],
    [undefined, "a gap that could hide something", { ...ONLY_OLD, ...SHOP_OLD, gaps: [GAP] }],
    [undefined, "a gap although everything else was moved", { ...SHOP_NEW, to: TO, gaps: [GAP] }],
    [
      undefined,
      "a workload whose verdict is unknown",
      {
        ...ONLY_OLD,
        ...SHOP_OLD,
        workloads: [deployment("web", { pods: [onOld()], template: null })],
      },
    ],
    [
      undefined,
      "an unread control plane",
      {
        ...SHOP_OLD,
        plane: { revisions: [OLD], unread: ["istiods", "configMaps"] },
      },
    ],
    [
      "stranded",
      "pods of a revision that is gone, in spite of a gap",
      {
        ...SHOP_OLD,
        plane: { revisions: [NEW] },
        gaps: [GAP],
      },
    ],
  ])("%s: %s", (phase, _what, world) => {
    expect(phaseOf(upgradeIn(world))).toBe(phase);
  });

  test("that of the revision behind a tag in --to", () => {
    const plane = { revisions: [OLD, NEW], tags: { canary: TO } };
    const upgrade = upgradeIn({ ...SHOP_OLD, plane, to: "canary" });
    expect([upgrade.to, upgrade.from, phaseOf(upgrade)]).toEqual([TO, FROM, "moving"]);
  });
});

const move = (name: string, to: string) => `istio-upgrade move ${name} --to ${to}`;

describe("a gateway that istiod renders", () => {
  const rendered = (revision: string): Workload =>
    deployment("front-istio", {
      labels: { "gateway.istio.io/managed": "istio.io-gateway-controller" },
      template: {
        labels: {
          "sidecar.istio.io/inject": "false",
          "gateway.networking.k8s.io/gateway-name": "front",
        },
        annotations: { "istio.io/rev": revision },
        proxy: { image: revision === TO ? NEW_IMAGE : OLD_IMAGE, args: ["proxy", "router"] },
      },
      pods: [sidecars(2, revision === TO ? NEW_IMAGE : OLD_IMAGE, { revision })],
    });
  const LABELLED =
    "kubectl label gateways.gateway.networking.k8s.io front -n shop istio.io/rev=asm-1-28 --overwrite";

  test.each<[what: string, labels: Labels, runs: string, to: string, expected: string]>([
    [
      "is labelled if its Gateway names the old revision",
      { "istio.io/rev": FROM },
      FROM,
      TO,
      LABELLED,
    ],
    ["is labelled if its Gateway names none", {}, FROM, TO, LABELLED],
    [
      "is waited for once its Gateway names the new revision",
      { "istio.io/rev": TO },
      FROM,
      TO,
      "kubectl rollout status deployment/front-istio -n shop",
    ],
    [
      "is done once it runs the new revision",
      {},
      TO,
      TO,
      "istio-upgrade revisions asm-1-27 --assert-unused && az aks mesh upgrade complete --resource-group rg --name aks",
    ],
    [
      "goes back by a label, although Azure moved it without one",
      {},
      TO,
      FROM,
      LABELLED.replace(TO, FROM),
    ],
  ])("%s", (_what, labels, runs, to, expected) => {
    const gateways = [{ namespace: "shop", name: "front", labels }];
    const places = [namespace("pay", { rev: to })];
    const own = deployment("web", {
      namespace: "pay",
      pods: [to === TO ? onNew() : onOld()],
    });
    expect(next({ gateways, places, workloads: [own, rendered(runs)], to })).toBe(expected);
  });

  test("moves with the tag that its Gateway names", () => {
    const world: UpgradeWorld = {
      plane: { revisions: [OLD, NEW], tags: { edge: FROM } },
      gateways: [{ namespace: "shop", name: "front", labels: { "istio.io/rev": "edge" } }],
      workloads: [rendered(FROM)],
      to: TO,
    };
    expect(next(world)).toBe(
      "istioctl tag set edge --revision asm-1-28 --istioNamespace aks-istio-system --overwrite",
    );
  });

  test("is stranded if its revision is gone", () => {
    const world: UpgradeWorld = {
      plane: { revisions: [NEW] },
      gateways: [{ namespace: "shop", name: "front", labels: { "istio.io/rev": FROM } }],
      workloads: [rendered(FROM)],
    };
    expect([plan(world).phase, next(world)]).toEqual(["stranded", LABELLED]);
  });

  test("does not count as moved if Azure moved it", () => {
    const world = { ...SHOP_OLD, workloads: [...(SHOP_OLD.workloads ?? []), rendered(TO)], to: TO };
    expect(plan(world).phase).toBe("ready");
  });
});

describe("the next step", () => {
  test.each<[what: string, world: UpgradeWorld, expected: string]>([
    ["of nothing left is empty", { ...ONLY_OLD, ...SHOP_OLD }, ""],
    ["of two revisions without --to is empty", SHOP_OLD, ""],
    ["of a gap that hides the phase is empty", { ...ONLY_OLD, gaps: [GAP] }, ""],
    [
      "in planning starts the upgrade",
      { ...ONLY_OLD, to: TO },
      "az aks mesh upgrade start --resource-group rg --name aks --revision asm-1-28",
    ],
    [
      "in planning copies the shared ConfigMap first",
      {
        plane: { revisions: [OLD], configMaps: { "istio-shared-configmap-asm-1-27": {} } },
        to: TO,
      },
      "kubectl get configmap istio-shared-configmap-asm-1-27 -n aks-istio-system -o yaml | sed s/asm-1-27/asm-1-28/ | kubectl create -f -",
    ],
    [
      "to an older revision says that Azure does not install it",
      { plane: { revisions: [NEW] }, to: FROM },
      "name a newer revision, or see what is left to do on this one: istio-upgrade status",
    ],
    [
      "to a third revision ends the present upgrade first",
      { to: "asm-1-29" },
      "complete the upgrade to asm-1-28 first, or roll it back: istio-upgrade status",
    ],
    [
      "in starting waits for istiod",
      { plane: { revisions: [OLD, { ...NEW, ready: false }] }, to: TO },
      "kubectl rollout status deployment/istiod-asm-1-28 -n aks-istio-system",
    ],
    ["in ready moves a namespace", { ...SHOP_OLD, to: TO }, move("shop", TO)],
    [
      "in moving restarts what was begun, before another namespace moves",
      {
        places: [namespace("a", { rev: FROM }), namespace("shop", { rev: TO })],
        workloads: [
          deployment("one", { namespace: "a", pods: [onOld(1)] }),
          deployment("web", { pods: [onOld()] }),
        ],
        to: TO,
      },
      move("shop", TO),
    ],
    [
      "moves the smallest namespace first",
      {
        places: [namespace("a", { rev: FROM }), namespace("b", { rev: FROM })],
        workloads: [
          deployment("one", { namespace: "a", pods: [onOld(3)] }),
          deployment("two", { namespace: "b", pods: [onOld(1)] }),
        ],
        to: TO,
      },
      move("b", TO),
    ],
    [
      "moves a tag with everything that follows it",
      {
        ...SHOP_OLD,
        plane: { revisions: [OLD, NEW], tags: { prod: FROM } },
        places: [namespace("shop", { rev: "prod" })],
        to: TO,
      },
      "istioctl tag set prod --revision asm-1-28 --istioNamespace aks-istio-system --overwrite",
    ],
    [
      "changes a pod template that names the revision",
      {
        places: [namespace("shop")],
        workloads: [
          statefulSet("db", {
            pods: [onOld()],
            template: { labels: { "istio.io/rev": FROM } },
          }),
        ],
        to: TO,
      },
      `kubectl patch statefulset/db -n shop --type merge -p '{"spec":{"template":{"metadata":{"labels":{"istio.io/rev":"asm-1-28"}}}}}'`,
    ],
    [
      "changes the template of a CronJob",
      {
        places: [namespace("shop")],
        templateOwners: [
          {
            namespace: "shop",
            kind: "CronJob",
            name: "report",
            template: podTemplate({ labels: { "istio.io/rev": FROM } }),
          },
        ],
        to: TO,
      },
      `kubectl patch cronjob/report -n shop --type merge -p '{"spec":{"jobTemplate":{"spec":{"template":{"metadata":{"labels":{"istio.io/rev":"asm-1-28"}}}}}}}'`,
    ],
    [
      "labels a Gateway that names the revision",
      {
        gateways: [{ namespace: "shop", name: "front", labels: { "istio.io/rev": FROM } }],
        to: TO,
      },
      "kubectl label gateways.gateway.networking.k8s.io front -n shop istio.io/rev=asm-1-28 --overwrite",
    ],
    [
      "corrects labels before the namespace moves",
      {
        ...SHOP_OLD,
        places: [namespace("shop", { rev: FROM, injection: "enabled" })],
        to: TO,
      },
      "kubectl label namespace shop istio-injection-",
    ],
    [
      "moves another namespace before one that `move` refuses",
      {
        places: [namespace("a", { rev: FROM }), namespace("b", { rev: FROM })],
        workloads: [
          deployment("one", {
            namespace: "a",
            pods: [onOld(1)],
            template: { labels: { "sidecar.istio.io/inject": "false" } },
          }),
          deployment("two", { namespace: "b", pods: [onOld(5)] }),
        ],
        to: TO,
      },
      move("b", TO),
    ],
    [
      "names what `move` refuses a namespace for",
      {
        places: [namespace("a", { rev: FROM })],
        workloads: [
          deployment("one", {
            namespace: "a",
            pods: [onOld(1)],
            template: { labels: { "sidecar.istio.io/inject": "false" } },
          }),
        ],
        to: TO,
      },
      "remove the label sidecar.istio.io/inject from the pod template",
    ],
    [
      "names a workload that is excluded once all others are moved",
      {
        places: [namespace("shop", { rev: TO })],
        workloads: [
          deployment("web", {
            pods: [onOld()],
            annotations: { "istio-upgrade/exclude": "true" },
          }),
        ],
        to: TO,
      },
      "it is excluded: remove what excludes it, or restart it yourself: kubectl rollout restart deployment/web -n shop",
    ],
    [
      "names a bare pod once all others are moved",
      {
        places: [namespace("shop", { rev: TO })],
        workloads: [
          otherWorkload("Pod", "tool", { pods: [sidecars(1, OLD_IMAGE, { podNames: ["tool"] })] }),
        ],
        to: TO,
      },
      "replace it from its manifest: kubectl replace --force -f FILE -n shop",
    ],
    [
      "asks for consent where a restart needs it",
      {
        places: [namespace("shop", { rev: TO })],
        workloads: [statefulSet("db", { pods: [onOld(1)] })],
        to: TO,
      },
      "istio-upgrade restart statefulset/db --namespace shop --allow-downtime --allow-revision asm-1-28",
    ],
    [
      "waits for terminating pods",
      {
        ...SHOP_NEW,
        workloads: [
          deployment("web", {
            pods: [onNew()],
            terminatingPods: [sidecars(1, OLD_IMAGE, { podNames: ["web-1"] })],
          }),
        ],
        to: TO,
      },
      "kubectl wait --for=delete pod/web-1 -n shop --timeout=10m",
    ],
    [
      "in moved completes the upgrade, guarded",
      { ...SHOP_NEW, to: TO },
      "istio-upgrade revisions asm-1-27 --assert-unused && az aks mesh upgrade complete --resource-group rg --name aks",
    ],
    [
      "in moved on the way back rolls the upgrade back, guarded",
      { ...SHOP_OLD, to: FROM },
      "istio-upgrade revisions asm-1-28 --assert-unused && az aks mesh upgrade rollback --resource-group rg --name aks",
    ],
    [
      "in moved restarts what a patch left behind first",
      {
        ...SHOP_NEW,
        workloads: [
          deployment("web", {
            pods: [sidecars(1, proxyImage("v1.28.1-1"), { revision: TO })],
          }),
        ],
        to: TO,
      },
      move("shop", TO),
    ],
    [
      "in patch restarts all namespaces at once",
      {
        ...ONLY_OLD,
        places: ["a", "b", "c", "d"].map((name) => namespace(name, { rev: FROM })),
        workloads: ["a", "b", "c", "d"].map((name) =>
          daemonSet("agent", {
            namespace: name,
            pods: [sidecars(1, proxyImage("v1.27.7-1"))],
          }),
        ),
      },
      "istio-upgrade restart --all-namespaces",
    ],
    [
      "in leftovers deletes the shared ConfigMap",
      { plane: { revisions: [NEW], configMaps: { "istio-shared-configmap-asm-1-27": {} } } },
      "kubectl delete configmap istio-shared-configmap-asm-1-27 -n aks-istio-system",
    ],
    [
      "in leftovers deletes a tag that nothing follows",
      { plane: { revisions: [{ ...OLD, state: "removed" }, NEW], tags: { prod: FROM } } },
      "kubectl delete mutatingwebhookconfigurations istio-revision-tag-prod-aks-istio-system",
    ],
    [
      "in leftovers labels a namespace without pods",
      { plane: { revisions: [NEW] }, places: [namespace("shop", { rev: FROM })] },
      "kubectl label namespace shop istio.io/rev=asm-1-28 --overwrite",
    ],
    [
      "in stranded moves the namespace to the revision that is installed",
      { ...SHOP_OLD, plane: { revisions: [NEW] } },
      move("shop", TO),
    ],
    [
      "in stranded restarts pods whose labels are right",
      { ...SHOP_OLD, plane: { revisions: [NEW] }, places: [namespace("shop", { rev: TO })] },
      "istio-upgrade restart --namespace shop --allow-revision asm-1-28",
    ],
    [
      "in stranded moves the tag",
      {
        ...SHOP_OLD,
        plane: { revisions: [{ ...OLD, state: "removed" }, NEW], tags: { prod: FROM } },
        places: [namespace("shop", { rev: "prod" })],
      },
      "istioctl tag set prod --revision asm-1-28 --istioNamespace aks-istio-system --overwrite",
    ],
  ])("%s", (_what, world, expected) => {
    expect(next(world)).toBe(expected);
  });

  test("without the names in Azure is a sentence that no shell takes", () => {
    const unnamed = (world: UpgradeWorld) =>
      formatStep(planUpgrade(upgradeIn(world), { azure: undefined }).nextStep);
    expect(unnamed({ ...ONLY_OLD, to: TO })).toBe(
      "run az aks mesh upgrade start for the revision asm-1-28, with the resource group and the name of this cluster in Azure",
    );
    expect(unnamed({ ...SHOP_NEW, to: TO })).toBe(
      "run az aks mesh upgrade complete, with the resource group and the name of this cluster in Azure, but only once this succeeds: istio-upgrade revisions asm-1-27 --assert-unused",
    );
  });
});
