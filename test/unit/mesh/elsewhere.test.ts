import { describe, expect, test } from "vitest";
import { assess } from "../../../src/mesh/assessment.ts";
import { NO_CONSENT } from "../../../src/mesh/consent.ts";
import { injectorElsewhere } from "../../../src/mesh/elsewhere.ts";
import { resolveMesh } from "../../../src/mesh/mesh.ts";
import { type RevisionUsage, usageByRevision } from "../../../src/mesh/revision-usage.ts";
import type { ControlPlane, UsageSnapshot } from "../../../src/snapshot.ts";
import { controlPlane, type RevisionOptions } from "../../support/build/control-plane.ts";
import { namespace } from "../../support/build/namespace.ts";
import { formatStep } from "../../support/build/next-step.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { deployment } from "../../support/build/workload.ts";

const OLD: RevisionOptions = { name: "asm-1-27", values: { image: proxyImage("v1.27.9-6") } };
const NEW: RevisionOptions = { name: "asm-1-28", values: { image: proxyImage("v1.28.3-2") } };
const STOCK: RevisionOptions = { name: "default", values: { hub: "h", tag: "1.30.1" } };
const IMAGE = "h/proxyv2:1.30.1";

const AKS = controlPlane({ revisions: [OLD, NEW], tags: { prod: "asm-1-27" } });
const SELF = controlPlane({ istioNamespace: "istio-system", revisions: [STOCK] });

/** Two meshes in one cluster, as a reader of the first one's namespace sees them. */
function beside(own: ControlPlane, other: ControlPlane): ControlPlane {
  return { ...own, webhooks: [...(own.webhooks ?? []), ...(other.webhooks ?? [])] };
}

/** The mesh of AKS, beside a webhook for the label `istio.io/rev=ext`. */
function withWebhook(change: Partial<NonNullable<ControlPlane["webhooks"]>[number]>): ControlPlane {
  const ext = controlPlane({ revisions: [{ ...OLD, name: "ext" }] });
  const webhooks = (ext.webhooks ?? []).map((webhook) => ({ ...webhook, ...change }));
  const services = [...(AKS.services ?? []), { name: "bare", selector: {}, external: false }];
  return { ...beside(AKS, { ...ext, webhooks }), services };
}

const URL_OUTSIDE = { service: undefined, url: "https://istiod.example/inject/cluster/x/net/y" };
const BARE_SERVICE = { service: { namespace: "aks-istio-system", name: "bare" } };

function usage(plane: ControlPlane, rest: Partial<UsageSnapshot>, name: string): RevisionUsage {
  const snapshot: UsageSnapshot = {
    controlPlane: plane,
    namespaces: new Map(),
    workloads: [],
    gateways: [],
    templateOwners: [],
    gaps: [],
    ...rest,
  };
  const all = usageByRevision(snapshot, resolveMesh(plane)).revisions;
  const found = all.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no revision ${name}`);
  return found;
}

function places(...all: ReturnType<typeof namespace>[]) {
  return { namespaces: new Map(all.map((place) => [place.name, place])) };
}

function releases(found: RevisionUsage): readonly string[] {
  return found.references.map(({ kind, release }) => `${kind}: ${formatStep(release)}`);
}

describe("the control plane of a revision", () => {
  test.each<[what: string, plane: ControlPlane, revision: string, expected: string | undefined]>([
    ["of this mesh", beside(AKS, SELF), "asm-1-27", undefined],
    ["of a self-managed mesh", beside(AKS, SELF), "default", "istio-system"],
    ["of AKS, for the self-managed mesh", beside(SELF, AKS), "asm-1-27", "aks-istio-system"],
    ["of another tag", beside(SELF, AKS), "prod", "aks-istio-system"],
    ["behind a URL", withWebhook(URL_OUTSIDE), "ext", "remote"],
    ["behind a Service without a selector", withWebhook(BARE_SERVICE), "ext", "remote"],
    ["that nothing leads to", beside(AKS, SELF), "asm-1-26", undefined],
  ])("%s is found", (_what, plane, revision, expected) => {
    const place = injectorElsewhere(revision, resolveMesh(plane))?.elsewhere;
    expect(place?.kind === "namespace" ? place.namespace : place?.kind).toBe(expected);
  });
});

describe("a revision of another mesh", () => {
  const workloads = [deployment("web", { pods: [sidecars(2, IMAGE, { revision: "default" })] })];

  test("is not absent, and no command moves what uses it", () => {
    const found = usage(
      beside(AKS, SELF),
      { ...places(namespace("shop", { injection: "enabled" })), workloads },
      "default",
    );
    expect(found).toMatchObject({ installed: undefined, elsewhere: { namespace: "istio-system" } });
    const step =
      "it belongs to another mesh, see: istio-upgrade revisions default --istio-namespace istio-system";
    expect(releases(found)).toEqual([`namespaces: ${step}`, `pods: ${step}`]);
  });

  test("is used by a gateway with a label of AKS, which AKS does not remove with it", () => {
    const gateway = deployment("edge", {
      labels: { "kubernetes.azure.com/managedby": "aks" },
      template: { labels: { "istio.io/rev": "default" }, proxy: { image: "auto" } },
      pods: [sidecars(2, IMAGE, { revision: "default" })],
    });
    const kinds = (plane: ControlPlane, revision: string) =>
      usage(plane, { ...places(namespace("shop")), workloads: [gateway] }, revision).references.map(
        ({ kind }) => kind,
      );
    expect(kinds(beside(AKS, SELF), "default")).toEqual(["templates", "pods"]);
    const own = controlPlane({ revisions: [{ ...STOCK, name: "default" }] });
    expect(kinds(own, "default")).toEqual([]);
    expect(kinds(beside(SELF, AKS), "default")).toEqual(["templates", "pods"]);
  });

  test("keeps its namespaces if the mesh of AKS is the other one", () => {
    const found = usage(beside(SELF, AKS), places(namespace("a", { rev: "asm-1-27" })), "asm-1-27");
    expect(releases(found).join("\n")).not.toContain("kubectl label");
    expect(releases(found).join("\n")).not.toContain("istioctl");
  });

  test("has its tags, and the namespaces of the tags", () => {
    const found = usage(beside(SELF, AKS), places(namespace("a", { rev: "prod" })), "asm-1-27");
    expect(found).toMatchObject({
      tags: ["prod"],
      namespaces: [{ name: "a", label: "istio.io/rev=prod", tag: "prod" }],
    });
  });

  test("does not replace a tag of this mesh", () => {
    const other = controlPlane({
      istioNamespace: "istio-system",
      revisions: [STOCK],
      tags: { prod: "default" },
    });
    const found = usage(beside(AKS, other), places(namespace("a", { rev: "prod" })), "asm-1-27");
    expect(found.tags).toEqual(["prod"]);
  });

  test.each([URL_OUTSIDE, BARE_SERVICE])("outside the cluster is remote", (change) => {
    const shop = namespace("shop", { rev: "ext" });
    const found = usage(withWebhook(change), { ...places(shop), workloads: [] }, "ext");
    expect(found).toMatchObject({ installed: undefined, elsewhere: { kind: "remote" } });
    expect(releases(found)).toEqual([
      "namespaces: its control plane is outside this cluster: ask its operator before you move anything",
    ]);
    // The remote control plane writes its own revision on the pods.
    const pods = [sidecars(1, IMAGE, { revision: "east" })];
    const rest = { ...places(shop), workloads: [deployment("web", { pods })] };
    expect(usage(withWebhook(change), rest, "east")).toMatchObject({
      elsewhere: { kind: "remote" },
    });
  });
});

describe("with several meshes", () => {
  test("the namespaces of a removed revision are moved to neither", () => {
    const plane = beside(SELF, AKS);
    const found = usage(plane, places(namespace("shop", { rev: "asm-1-26" })), "asm-1-26");
    expect(found).toMatchObject({ installed: false, elsewhere: undefined });
    expect(releases(found)).toEqual([
      "namespaces: give each a revision of its own mesh: several meshes are installed, and none has this revision",
    ]);
  });

  test("a namespace that leads to both is moved by hand", () => {
    const own = controlPlane({ revisions: [OLD, NEW], tags: { default: "asm-1-27" } });
    const shop = namespace("shop", { injection: "enabled" });
    const untagged = controlPlane({ revisions: [STOCK, NEW] });
    for (const [plane, name] of [[untagged, "default"]] as const) {
      expect(releases(usage(beside(plane, SELF), places(shop), name))).toEqual([
        "namespaces: leave one label on each that asks for injection: shop leads to two meshes",
      ]);
    }
    expect(usage(beside(own, SELF), places(shop), "asm-1-27").namespaces).toHaveLength(1);
  });
});

test("a workload of another mesh that would lose its sidecar is not moved to this mesh", () => {
  const pods = [sidecars(2, IMAGE, { revision: "default" })];
  const options = { ...NO_CONSENT, excludes: () => undefined };
  const stepFor = (plane: ControlPlane) => {
    const web = deployment("web", { pods });
    const found = assess(web, namespace("shop"), resolveMesh(plane), options);
    return [found?.verdict, found && formatStep(found.finding.nextStep)];
  };
  expect(stepFor(beside(AKS, SELF))).toEqual([
    "would-lose",
    "it belongs to another mesh, see: istio-upgrade explain deployment/web --namespace shop --istio-namespace istio-system",
  ]);
  expect(stepFor(AKS)).toEqual([
    "would-lose",
    "for asm-1-27 (tag prod): kubectl label namespace shop istio.io/rev=asm-1-27 && istio-upgrade restart --namespace shop --allow-revision asm-1-27; for asm-1-28: kubectl label namespace shop istio.io/rev=asm-1-28 && istio-upgrade restart --namespace shop --allow-revision asm-1-28",
  ]);
});
