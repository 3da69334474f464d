import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { assess } from "../../../src/mesh/assessment.ts";
import { VERDICTS, type Verdict } from "../../../src/mesh/verdict.ts";
import { resolveMesh } from "../../../src/mesh/mesh.ts";
import { NO_CONSENT } from "../../../src/mesh/consent.ts";
import type { Explanation } from "../../../src/report/document.ts";
import { explanationDocument } from "../../../src/report/explanation-document.ts";
import { renderText } from "../../../src/report/text.ts";
import type { Gap, Namespace, Workload } from "../../../src/snapshot.ts";
import {
  controlPlane,
  type ControlPlaneOptions,
  type RevisionOptions,
} from "../../support/build/control-plane.ts";
import { namespace } from "../../support/build/namespace.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { HEAD, PLAIN } from "../../support/build/report.ts";
import { deployment, otherWorkload, statefulSet } from "../../support/build/workload.ts";
import { parseReport } from "../../support/report-schema.ts";
import { formatStep } from "../../support/build/next-step.ts";

const TARGET = proxyImage("v1.27.9-6");
const LATE = proxyImage("v1.27.7-1");
const OLD: RevisionOptions = { name: "asm-1-27", values: { image: TARGET } };
const NEW: RevisionOptions = { name: "asm-1-28", values: { image: proxyImage("v1.28.3-2") } };
const SHOP = namespace("shop", { rev: "asm-1-27" });

interface World {
  readonly place?: Namespace;
  readonly plane?: ControlPlaneOptions;
  readonly gaps?: readonly Gap[];
}

function explained(workload: Workload, world: World = {}) {
  const { place = SHOP, plane = { revisions: [OLD] }, gaps = [] } = world;
  const mesh = resolveMesh(controlPlane(plane));
  const policy = { ...NO_CONSENT, excludes: () => undefined };
  const input = {
    snapshot: { namespaces: new Map([[place.name, place]]), gaps },
    mesh,
    workload,
    assessment: assess(workload, place, mesh, policy),
    pod: undefined,
    notes: [],
  };
  return explanationDocument(HEAD, input, formatStep);
}

const late = [sidecars(3, LATE)];

/** A workload and its surroundings for each verdict. */
const WORLDS: Readonly<Record<Verdict, readonly [workload: Workload, world: World]>> = {
  managed: [
    deployment("ingress", {
      template: {
        labels: {
          "gateway.istio.io/managed": "istio.io-gateway-controller",
          "sidecar.istio.io/inject": "false",
        },
        annotations: { "istio.io/rev": "asm-1-27" },
        proxy: { image: TARGET, args: ["proxy", "router"] },
      },
      pods: [sidecars(2, TARGET)],
    }),
    {},
  ],
  excluded: [
    deployment("web", { annotations: { "istio-upgrade/exclude": "true" }, pods: late }),
    {},
  ],
  unknown: [
    deployment("web", { pods: late }),
    { plane: { revisions: [{ ...OLD, matchConditions: true }] } },
  ],
  "would-lose": [
    deployment("web", { pods: late }),
    { place: namespace("shop", { rev: "asm-1-26" }), plane: { revisions: [OLD, NEW] } },
  ],
  blocked: [
    deployment("web", { pods: late }),
    { plane: { revisions: [{ ...OLD, state: "dead" }] } },
  ],
  outdated: [
    deployment("web", { pods: late, terminating: 1 }),
    {
      place: namespace("shop", { rev: "prod" }),
      plane: { revisions: [OLD, NEW], tags: { prod: "asm-1-28" } },
    },
  ],
  missing: [statefulSet("db", { pods: [bare(1)] }), {}],
  pinned: [
    deployment("web", {
      template: { annotations: { "sidecar.istio.io/proxyImage": LATE } },
      pods: late,
    }),
    {},
  ],
  current: [deployment("web", { pods: [sidecars(3, TARGET, { native: true })] }), {}],
};

describe("the explanation", () => {
  test.each(VERDICTS)("of a workload that is %s", async (verdict) => {
    const document = explained(...WORLDS[verdict]);
    expect(document.verdict).toBe(verdict);
    expect(document.workload?.verdict).toBe(verdict);
    parseReport("Explanation", JSON.stringify(document));
    await expect(text(document)).toMatchFileSnapshot(`golden/explain-${verdict}.txt`);
  });

  test("shows every webhook if it is wide, and otherwise only those that decide", () => {
    const webhooks = (verdict: Verdict, wide: boolean) =>
      [...renderText(explained(...WORLDS[verdict]), PLAIN, wide)]
        .filter((line) => line.startsWith("webhook"))
        .map((line) => line.slice(11, 17).trimEnd());
    const { length } = webhooks("outdated", true);
    expect(length).toBeGreaterThan(3);
    expect(webhooks("outdated", true)[0]).toBe("called");
    expect(webhooks("outdated", false)).toEqual(["called", `${length - 1} othe`]);
    // If none is called, each reason counts.
    expect(webhooks("would-lose", false)).toEqual(webhooks("would-lose", true));
  });

  test("of a workload outside the mesh", async () => {
    const document = explained(deployment("plain", { pods: [bare(1)] }), {
      place: namespace("shop"),
    });
    expect(document).toMatchObject({ verdict: null, workload: null, exitCode: 0, exitReasons: [] });
    parseReport("Explanation", JSON.stringify(document));
    await expect(text(document)).toMatchFileSnapshot("golden/explain-outside.txt");
  });

  test("in the documentation is the printed one", () => {
    const page = readFileSync(new URL("../../../docs/how-it-decides.md", import.meta.url), "utf8");
    const printed = text(explained(...WORLDS.outdated));
    expect(page).toContain(`$ istio-upgrade explain deploy/web --namespace shop\n${printed}\`\`\``);
  });

  test("has the exit code of a check of the workload alone", () => {
    const codes = VERDICTS.map((verdict) => [verdict, explained(...WORLDS[verdict]).exitCode]);
    expect(Object.fromEntries(codes)).toEqual({
      managed: 0,
      excluded: 0,
      unknown: 6,
      "would-lose": 5,
      blocked: 5,
      outdated: 2,
      missing: 5,
      pinned: 0,
      current: 0,
    });
    const gap: Gap = {
      verb: "list",
      resource: "statefulsets.apps",
      namespace: "shop",
      reason: "forbidden",
      message: "no",
      hint: "",
    };
    expect(explained(WORLDS.current[0], { gaps: [gap] })).toMatchObject({
      exitCode: 6,
      exitReasons: ["gaps:1"],
      complete: false,
    });
  });

  test("of a workload that only a person can restart says so", () => {
    const document = explained(
      otherWorkload("Pod", "single", { pods: [sidecars(1, LATE, { podNames: ["single"] })] }),
    );
    expect(document).toMatchObject({ verdict: "outdated", exitCode: 5 });
    expect(text(document)).toContain("restart    by-hand: no controller would replace the pod\n");
    expect(document.nextStep).toMatch(/^replace it from its manifest/);
  });

  test("fits 80 columns, except for names and commands", () => {
    const lines = VERDICTS.flatMap((verdict) => text(explained(...WORLDS[verdict])).split("\n"));
    // A single word is not broken, either: it may be an image to search for.
    const broken = lines.filter((line) => !line.startsWith("next ") && line.trim().includes(" "));
    expect(broken.filter((line) => line.length > 80)).toEqual([]);
  });
});

function text(document: Explanation): string {
  return [...renderText(document, PLAIN, false)].join("");
}
