import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { resolveMesh } from "../../../src/mesh/mesh.ts";
import { usageByRevision } from "../../../src/mesh/revision-usage.ts";
import { renderText } from "../../../src/report/text.ts";
import { revisionsDocument } from "../../../src/report/revisions-document.ts";
import type { ControlPlane, Gap, Namespace, Workload } from "../../../src/snapshot.ts";
import { controlPlane, type RevisionOptions } from "../../support/build/control-plane.ts";
import { namespace } from "../../support/build/namespace.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { HEAD, PLAIN } from "../../support/build/report.ts";
import { AKS_GATEWAY, deployment, statefulSet } from "../../support/build/workload.ts";
import { parseReport } from "../../support/report-schema.ts";
import { formatStep } from "../../support/build/next-step.ts";

const OLD: RevisionOptions = { name: "asm-1-27", values: { image: proxyImage("v1.27.9-6") } };
const NEW: RevisionOptions = { name: "asm-1-28", values: { image: proxyImage("v1.28.3-2") } };
const IMAGE = proxyImage("v1.27.7-1");
const GAP: Gap = {
  verb: "list",
  resource: "cronjobs.batch",
  namespace: undefined,
  reason: "forbidden",
  message: "no",
  hint: "ask",
};

interface World {
  readonly places?: readonly Namespace[];
  readonly workloads?: readonly Workload[];
  readonly gaps?: readonly Gap[];
  readonly remoteTag?: boolean;
}

/** The webhook of the tag `far` calls a URL. */
function withRemoteTag(plane: ControlPlane): ControlPlane {
  const [first] = plane.webhooks ?? [];
  if (first === undefined) throw new Error("no webhook");
  const url = "https://istiod.example/inject";
  const remote = { ...first, configuration: "remote", tag: "far", service: undefined, url };
  return { ...plane, webhooks: [...(plane.webhooks ?? []), remote] };
}

function report(
  { places = [], workloads = [], gaps = [], remoteTag = false }: World,
  revision?: string,
) {
  const stock = controlPlane({ revisions: [OLD, NEW] });
  const plane = remoteTag ? withRemoteTag(stock) : stock;
  const namespaces = new Map(places.map((place) => [place.name, place]));
  const usage = usageByRevision(
    { controlPlane: plane, namespaces, workloads, gateways: [], templateOwners: [], gaps },
    resolveMesh(plane),
  );
  const revisions = usage.revisions.filter(({ name }) => [undefined, name].includes(revision));
  const asked = { revision, assertUnused: revision !== undefined };
  const input = { asked, usage: { ...usage, revisions }, gaps };
  const document = revisionsDocument(HEAD, input, formatStep);
  parseReport("RevisionsReport", JSON.stringify(document));
  return document;
}

function text(world: World, revision?: string): string {
  return [...renderText(report(world, revision), PLAIN, false)].join("");
}

const HELD: World = {
  places: [namespace("shop", { rev: "asm-1-27" })],
  workloads: [
    deployment("web", { pods: [sidecars(2, IMAGE)] }),
    statefulSet("db", { pods: [sidecars(1, IMAGE)] }),
  ],
};

describe("the revisions", () => {
  test("in the documentation are the printed ones", () => {
    const page = readFileSync(new URL("../../../docs/revisions.md", import.meta.url), "utf8");
    expect(page).toContain(`$ istio-upgrade revisions asm-1-27\n${text(HELD, "asm-1-27")}\`\`\``);
  });

  test("show what holds each of them, without commands", () => {
    const workloads = [
      ...(HELD.workloads ?? []),
      deployment("old", { pods: [sidecars(1, IMAGE, { revision: "asm-1-26" })] }),
      deployment("edge", {
        ...AKS_GATEWAY,
        pods: [sidecars(2, IMAGE)],
      }),
      deployment("lost", { pods: [sidecars(1, IMAGE, { revision: undefined })] }),
    ];
    expect(text({ ...HELD, workloads, gaps: [GAP] })).toMatchInlineSnapshot(`
      "REVISION   STATE    IMAGE       TAGS   NAMESPACES   PODS   TERMINATING
      asm-1-26   absent   -           -      0            1      0
      asm-1-27   ready    v1.27.9-6   -      1            5      0
      asm-1-28   ready    v1.28.3-2   -      0            0      0

      asm-1-26 IS USED BY
          1 pod, restart: shop/deploy/old

      asm-1-27 IS USED BY
          1 namespace: shop
          2 pods, restart after relabelling: shop/deploy/web
          1 pod, restart with --allow-downtime after relabelling: shop/sts/db

      2 AKS gateway pods belong to asm-1-27; AKS removes its gateways with the revision.

      UNKNOWN REVISION
          1 pod without the annotation istio.io/rev: shop/deploy/lost

      NOT READ: 1 gap, so this report is incomplete
      list cronjobs.batch: forbidden
          no
          -> ask
      "
    `);
  });

  test("show whole images and a column for gateways with --output wide", () => {
    const wide = [...renderText(report(HELD), PLAIN, true)].join("");
    expect(wide).toContain(
      `asm-1-27   ready   ${proxyImage("v1.27.9-6")}   -      1            3 `,
    );
    expect(wide).toContain("SIDECARS   GATEWAYS   TERMINATING");
  });
});

describe("the conclusion about a revision if", () => {
  test.each<[what: string, world: World, last: string, exit: readonly unknown[]]>([
    ["nothing holds it", {}, "Nothing uses asm-1-27: it can be removed.", [0]],
    [
      "something holds it",
      HELD,
      "asm-1-27 is still in use: 1 namespace, 3 pods.",
      [5, "namespaces:1", "pods:3"],
    ],
    [
      "something could not be read",
      { gaps: [GAP] },
      "Could not tell whether asm-1-27 is unused: 1 gap.",
      [6, "gaps:1"],
    ],
    [
      "something holds it, and something could not be read",
      { ...HELD, gaps: [GAP] },
      "asm-1-27 is still in use: 1 namespace, 3 pods.",
      [6, "gaps:1", "namespaces:1", "pods:3"],
    ],
    [
      "pods do not name their revision",
      { workloads: [deployment("web", { pods: [sidecars(2, IMAGE, { revision: undefined })] })] },
      "Could not tell whether asm-1-27 is unused: 2 pods of an unknown revision.",
      [6, "unattributed:2"],
    ],
    [
      "the revision of a tag is unknown",
      { remoteTag: true },
      "Could not tell whether asm-1-27 is unused: 1 tag of an unknown revision.",
      [6, "unattributed-tags:1"],
    ],
  ])("%s", (_what, world, last, exit) => {
    const document = report(world, "asm-1-27");
    const [title, command] = [
      world === HELD || world.places ? "ONCE NOTHING USES IT" : "TO REMOVE IT",
      "istio-upgrade revisions asm-1-27 --assert-unused && az aks mesh upgrade complete --resource-group RESOURCE_GROUP --name CLUSTER",
    ];
    expect(text(world, "asm-1-27").trimEnd().split("\n").slice(-4)).toEqual([
      last,
      "",
      title,
      `    -> complete the upgrade, with your resource group and cluster: ${command}`,
    ]);
    expect([document.exitCode, ...document.exitReasons]).toEqual(exit);
  });
});

test("at most ten names are shown, and all of them with --output wide", () => {
  const workloads = Array.from({ length: 12 }, (_, index) =>
    deployment(`web-${index + 10}`, { pods: [sidecars(1, IMAGE)] }),
  );
  const world = { places: [namespace("shop", { rev: "asm-1-28" })], workloads };
  const whole = [...renderText(report(world, "asm-1-27"), PLAIN, true)].join("");
  expect(text(world, "asm-1-27").replace(/\s+/g, " ")).toContain(
    "12 pods, restart: shop/deploy/web-10, shop/deploy/web-11, shop/deploy/web-12, shop/deploy/web-13, shop/deploy/web-14, shop/deploy/web-15, shop/deploy/web-16, shop/deploy/web-17, shop/deploy/web-18, shop/deploy/web-19 and 2 more: -o wide ->",
  );
  expect(whole.replace(/\s+/g, " ")).toContain("shop/deploy/web-20, shop/deploy/web-21 ->");
});

test("a control plane in another namespace or outside the cluster is not absent", () => {
  const [first] = report({}).revisions;
  if (first === undefined) throw new Error("no revision");
  const stateOf = (elsewhere: { readonly namespace: string | null }) => {
    const entry = { ...first, installed: null, elsewhere };
    const document = { ...report({}, "asm-1-27"), revisions: [entry] };
    return [...renderText(document, PLAIN, false)].join("");
  };
  expect(stateOf({ namespace: "istio-system" })).toContain("asm-1-27   in namespace istio-system ");
  expect(stateOf({ namespace: "istio-system" })).toContain(
    "Could not tell whether asm-1-27 is unused: its control plane is in namespace istio-system.",
  );
  expect(stateOf({ namespace: null })).toContain("asm-1-27   remote ");
});

test("a tag of an unknown revision is named", () => {
  expect(text({ remoteTag: true })).toMatch(
    /UNKNOWN REVISION\n +1 tag that may lead to any revision: far\n/,
  );
});
