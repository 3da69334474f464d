import { describe, expect, test } from "vitest";
import { assess, type Assessment } from "../../../src/mesh/assessment.ts";
import { resolveMesh } from "../../../src/mesh/mesh.ts";
import { NO_CONSENT } from "../../../src/mesh/consent.ts";
import type { ControlPlane, DryRun, Labels, Workload } from "../../../src/snapshot.ts";
import {
  controlPlane,
  type ControlPlaneOptions,
  type RevisionOptions,
} from "../../support/build/control-plane.ts";
import { namespace } from "../../support/build/namespace.ts";
import { formatStep } from "../../support/build/next-step.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import {
  deployment,
  deploymentRollout,
  type WorkloadOptions,
} from "../../support/build/workload.ts";

const [OLD_IMAGE, IMAGE, NEXT] = ["v1.27.7-1", "v1.27.9-6", "v1.28.3-2"].map(proxyImage) as [
  string,
  string,
  string,
];
const OLD: RevisionOptions = { name: "asm-1-27", values: { image: IMAGE } };
const NEW: RevisionOptions = { name: "asm-1-28", values: { image: NEXT } };
const BOTH: ControlPlaneOptions = { revisions: [OLD, NEW] };

interface Gateway extends WorkloadOptions {
  readonly revision?: string;
  /** The image in the template. */
  readonly image: string;
  readonly annotations?: Labels;
}

/** A Deployment as istiod renders it for the Gateway `edge`. */
function gateway({ revision = "asm-1-27", image, annotations, ...options }: Gateway): Workload {
  return deployment("edge-istio", {
    pods: [sidecars(1, image, { revision })],
    template: {
      labels: {
        "gateway.networking.k8s.io/gateway-name": "edge",
        "gateway.istio.io/managed": "istio.io-gateway-controller",
        "sidecar.istio.io/inject": "false",
      },
      annotations: { "istio.io/rev": revision, ...annotations },
      proxy: { image, args: ["proxy", "router"] },
    },
    ...options,
  });
}

function withoutPods(workload: Workload): Workload {
  const rollout = deploymentRollout(1, { status: { replicas: 0, updated: 0, available: 0 } });
  return { ...workload, pods: [], rollout };
}

function assessed(
  workload: Workload,
  plane: ControlPlane = controlPlane(BOTH),
  dryRun?: DryRun,
): Assessment {
  const options = { ...NO_CONSENT, excludes: () => undefined };
  const found = assess(workload, namespace("shop"), resolveMesh(plane), options, { dryRun });
  if (found === undefined) throw new Error("outside the mesh");
  return found;
}

function summary({ verdict, finding, restart }: Assessment): readonly string[] {
  return [`${verdict} ${finding.code} ${restart.answer}`, formatStep(finding.nextStep)];
}

const RELABEL = "kubectl label gateways.gateway.networking.k8s.io edge -n shop";

describe("a gateway that istiod renders is", () => {
  const withDaemon = controlPlane(BOTH);
  const onlyDaemon: ControlPlane = {
    ...withDaemon,
    configMaps: new Map(
      [...(withDaemon.configMaps ?? [])].filter(([name]) => !name.endsWith("-27")),
    ),
  };
  const elsewhere = controlPlane({ revisions: [OLD], istioNamespace: "istio-system" });
  const twoMeshes: ControlPlane = {
    ...controlPlane({ revisions: [NEW] }),
    webhooks: elsewhere.webhooks,
  };

  test.each<[what: string, workload: Workload, plane: ControlPlane, ...expected: string[]]>([
    [
      "managed while it runs the image of its revision",
      gateway({ image: IMAGE }),
      withDaemon,
      "managed gateway-api no",
      "",
    ],
    [
      "managed with the image that an annotation of its Gateway chooses",
      gateway({
        image: "x/proxyv2:v9",
        annotations: { "sidecar.istio.io/proxyImage": "x/proxyv2:v9" },
      }),
      withDaemon,
      "managed gateway-api no",
      "",
    ],
    [
      "managed if its revision has an istiod and no ConfigMap",
      gateway({ image: OLD_IMAGE }),
      onlyDaemon,
      "managed gateway-api no",
      "",
    ],
    [
      "outdated if its revision is gone",
      gateway({ image: proxyImage("v1.26.4-1"), revision: "asm-1-26" }),
      withDaemon,
      "outdated gateway-revision-gone by-hand",
      `for asm-1-27: ${RELABEL} istio.io/rev=asm-1-27 --overwrite; for asm-1-28: ${RELABEL} istio.io/rev=asm-1-28 --overwrite`,
    ],
    [
      "outdated if its revision is gone, even with the image of another one",
      gateway({ image: NEXT, revision: "asm-1-26" }),
      withDaemon,
      "outdated gateway-revision-gone by-hand",
      `for asm-1-27: ${RELABEL} istio.io/rev=asm-1-27 --overwrite; for asm-1-28: ${RELABEL} istio.io/rev=asm-1-28 --overwrite`,
    ],
    [
      "unknown if no revision is left",
      gateway({ image: IMAGE }),
      controlPlane({ revisions: [] }),
      "unknown gateway-revision-gone no",
      "no revision is installed that could render it: install one first",
    ],
    [
      "outdated if istiod has not updated it",
      gateway({ image: OLD_IMAGE }),
      withDaemon,
      "outdated gateway-not-updated by-hand",
      `${RELABEL} istio.io/rev=asm-1-27 --overwrite`,
    ],
    [
      "outdated while its Deployment replaces its pods",
      gateway({ image: IMAGE, pods: [sidecars(2, IMAGE), sidecars(1, OLD_IMAGE)] }),
      withDaemon,
      "outdated gateway-rolling by-hand",
      "kubectl rollout status deployment/edge-istio -n shop",
    ],
    [
      "unknown if the ConfigMaps are unread",
      gateway({ image: OLD_IMAGE }),
      controlPlane({ ...BOTH, unread: ["configMaps", "istiods"] }),
      "unknown config-unread no",
      "kubectl get configmaps -n aks-istio-system",
    ],
    [
      "unknown if its control plane runs in another namespace",
      gateway({ image: OLD_IMAGE }),
      twoMeshes,
      "unknown control-plane-unread no",
      "check with the control plane of that namespace: istio-upgrade check --istio-namespace istio-system",
    ],
    [
      "unknown if it wants pods and has none",
      withoutPods(gateway({ image: IMAGE })),
      withDaemon,
      "unknown no-pods no",
      "see its events: kubectl describe deployment/edge-istio -n shop",
    ],
  ])("%s", (_what, workload, plane, ...expected) => {
    expect(summary(assessed(workload, plane))).toEqual(expected);
  });

  const CHANGED_AT = "2026-11-28T10:00:00Z";
  const rolling = { pods: [sidecars(2, IMAGE), sidecars(1, OLD_IMAGE)] };

  test.each<[what: string, workload: Workload, readAt: string | undefined, expected: string]>([
    ["at once", gateway({ image: OLD_IMAGE }), CHANGED_AT, "managed gateway-api no"],
    ["29 s later", gateway({ image: OLD_IMAGE }), "2026-11-28T10:00:29Z", "managed gateway-api no"],
    [
      "29 s later, in its rollout",
      gateway({ image: IMAGE, ...rolling }),
      "2026-11-28T10:00:29Z",
      "managed gateway-api no",
    ],
    [
      "30 s later",
      gateway({ image: OLD_IMAGE }),
      "2026-11-28T10:00:30Z",
      "outdated gateway-not-updated by-hand",
    ],
    [
      "30 s later, in its rollout",
      gateway({ image: IMAGE, ...rolling }),
      "2026-11-28T10:00:30Z",
      "outdated gateway-rolling by-hand",
    ],
    [
      "at an unknown time",
      gateway({ image: OLD_IMAGE }),
      undefined,
      "outdated gateway-not-updated by-hand",
    ],
    [
      "at once, without its revision",
      gateway({ image: OLD_IMAGE, revision: "asm-1-26" }),
      CHANGED_AT,
      "outdated gateway-revision-gone by-hand",
    ],
  ])("judged after its target changed: %s", (_what, workload, readAt, expected) => {
    const plane = controlPlane({
      ...BOTH,
      changedAt: CHANGED_AT,
      ...(readAt === undefined ? {} : { readAt }),
    });
    expect(summary(assessed(workload, plane))[0]).toBe(expected);
  });

  test("looked up in the log of istiod if its Gateway has the label of the revision already", () => {
    const labels = { "istio.io/rev": "asm-1-27" };
    const [, step] = summary(assessed(gateway({ image: OLD_IMAGE, labels })));
    expect(step).toBe(
      "look for an error of istiod about the Gateway: kubectl logs deployment/istiod-asm-1-27 -n aks-istio-system",
    );
  });

  test("outdated with the target of the newest revision if its own is gone", () => {
    const image = proxyImage("v1.26.4-1");
    const found = assessed(gateway({ image, revision: "asm-1-26" }));
    expect(found).toMatchObject({
      change: "minor",
      target: { image: NEXT, revision: "asm-1-28" },
      warnings: [],
    });
  });

  test("judged without a dry run, which shows no sidecar", () => {
    const none = { kind: "pod", image: undefined, revision: undefined } as const;
    expect(assessed(gateway({ image: OLD_IMAGE }), undefined, none)).toMatchObject({
      verdict: "outdated",
      proved: false,
    });
  });

  test("excluded if the user excludes it, and managed takes no precedence", () => {
    const options = { ...NO_CONSENT, excludes: () => "--exclude edge" };
    const mesh = resolveMesh(controlPlane(BOTH));
    const found = assess(gateway({ image: OLD_IMAGE }), namespace("shop"), mesh, options);
    expect(found).toMatchObject({
      verdict: "excluded",
      warnings: [{ code: "otherwise-outdated" }],
    });
  });

  test("managed with another type of a composed image, which a ProxyConfig may choose", () => {
    const composed: RevisionOptions = {
      name: "asm-1-27",
      values: { image: "proxyv2", hub: "docker.io/istio", tag: "1.27.1" },
    };
    const verdictWith = (tag: string) =>
      assessed(
        gateway({ image: `docker.io/istio/proxyv2:${tag}` }),
        controlPlane({ revisions: [composed] }),
      ).verdict;
    expect(["1.27.1", "1.27.1-debug", "1.27.0-debug"].map(verdictWith)).toEqual([
      "managed",
      "managed",
      "outdated",
    ]);
  });

  test("asked to be labelled, with a command that finds it, if it does not name its Gateway", () => {
    const nameless = gateway({ image: OLD_IMAGE });
    const { "gateway.networking.k8s.io/gateway-name": _, ...labels } =
      nameless.template?.labels ?? {};
    const template = nameless.template && { ...nameless.template, labels };
    expect(formatStep(assessed({ ...nameless, template }).finding.nextStep)).toBe(
      "set the label istio.io/rev=asm-1-27 on its Gateway; find it: kubectl get gateways.gateway.networking.k8s.io -n shop --show-labels",
    );
  });
});
