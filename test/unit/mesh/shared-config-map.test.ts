import { describe, expect, test } from "vitest";
import { assess } from "../../../src/mesh/assessment.ts";
import { NO_CONSENT } from "../../../src/mesh/consent.ts";
import { resolveMesh } from "../../../src/mesh/mesh.ts";
import { usageByRevision } from "../../../src/mesh/revision-usage.ts";
import { lostSettings } from "../../../src/mesh/shared-config-map.ts";
import { controlPlane } from "../../support/build/control-plane.ts";
import { namespace } from "../../support/build/namespace.ts";
import { formatStep } from "../../support/build/next-step.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { deployment } from "../../support/build/workload.ts";

const REVISIONS = [
  { name: "asm-1-27", values: { image: proxyImage("v1.27.9-6") } },
  { name: "asm-1-28", values: { image: proxyImage("v1.28.3-2") } },
];

function planeWith(before: string, after: string) {
  const configMaps = {
    "istio-shared-configmap-asm-1-27": { mesh: before },
    "istio-shared-configmap-asm-1-28": { mesh: after },
  };
  return controlPlane({ revisions: REVISIONS, configMaps });
}

const FULL = `accessLogFile: /dev/stdout
defaultConfig:
  holdApplicationUntilProxyStarts: true
  tracing: {sampling: 10}
extensionProviders:
- name: otel
  opentelemetry: {port: 4317}
- name: zipkin
  zipkin: {port: 9411}
`;

describe("the settings that the shared ConfigMap of the new revision lacks", () => {
  test.each<[what: string, before: string, after: string, lost: readonly string[]]>([
    ["none", FULL, FULL, []],
    ["a key at the top", FULL, FULL.replace(/^access.*\n/, ""), ["accessLogFile"]],
    [
      "a key of defaultConfig",
      FULL,
      FULL.replace(/ {2}tracing.*\n/, ""),
      ["defaultConfig.tracing"],
    ],
    ["a provider", FULL, FULL.replace(/- name: otel\n.*\n/, ""), ["extensionProviders[otel]"]],
    [
      "everything, named by the keys at the top",
      FULL,
      "",
      ["accessLogFile", "defaultConfig", "extensionProviders"],
    ],
    ["no setting that only has another value", "accessLogFile: a", "accessLogFile: b", []],
    ["no setting that is new", "accessLogFile: a", FULL, []],
    ["nothing, if the old one is not YAML", "{", "", []],
    ["nothing, if the old one is no mapping", "text", "", []],
    ["nothing, if the old one is empty", "", "", []],
  ])("%s", (_what, before, after, lost) => {
    const mesh = resolveMesh(planeWith(before, after));
    const found = lostSettings("asm-1-27", "asm-1-28", mesh);
    expect(found?.message).toBe(
      lost.length === 0
        ? undefined
        : `istio-shared-configmap-asm-1-28 lacks settings of istio-shared-configmap-asm-1-27, which pods lose with the revision asm-1-28: ${lost.join(", ")}`,
    );
  });
});

test("a restart that changes the revision warns about the missing settings", () => {
  const mesh = resolveMesh(planeWith(FULL, ""));
  const web = deployment("web", { pods: [sidecars(1, proxyImage("v1.27.7-1"))] });
  const codes = (rev: string) =>
    assess(web, namespace("shop", { rev }), mesh, {
      ...NO_CONSENT,
      excludes: () => undefined,
    })?.warnings.map(({ code }) => code);
  expect(codes("asm-1-28")).toContain("shared-configmap-settings");
  expect(codes("asm-1-27")).not.toContain("shared-configmap-settings");
});

describe("revisions warn, before any label moves,", () => {
  const warnings = (plane: ReturnType<typeof controlPlane>) => {
    const usage = usageByRevision(
      {
        controlPlane: plane,
        namespaces: new Map(),
        workloads: [],
        gateways: [],
        templateOwners: [],
        gaps: [],
      },
      resolveMesh(plane),
    );
    return usage.revisions.map(({ name, lostConfiguration }) => [
      name,
      ...lostConfiguration.map(({ code, nextStep }) => `${code}: ${formatStep(nextStep)}`),
    ]);
  };

  test("about settings that the newest revision lacks", () => {
    expect(warnings(planeWith(FULL, ""))).toEqual([
      [
        "asm-1-27",
        "shared-configmap-settings: copy what you still need before labels move: kubectl get configmap istio-shared-configmap-asm-1-27 -n aks-istio-system -o yaml, then kubectl edit configmap istio-shared-configmap-asm-1-28 -n aks-istio-system",
      ],
      ["asm-1-28"],
    ]);
  });

  test("about a shared ConfigMap that the newest revision lacks", () => {
    const configMaps = { "istio-shared-configmap-asm-1-27": { mesh: FULL } };
    expect(warnings(controlPlane({ revisions: REVISIONS, configMaps }))).toEqual([
      [
        "asm-1-27",
        "shared-configmap-missing: kubectl get configmap istio-shared-configmap-asm-1-27 -n aks-istio-system -o yaml | sed s/asm-1-27/asm-1-28/ | kubectl create -f -",
      ],
      ["asm-1-28"],
    ]);
  });
});
