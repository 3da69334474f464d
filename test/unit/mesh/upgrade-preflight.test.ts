import { describe, expect, test } from "vitest";
import { preflightSteps, type Surroundings } from "../../../src/mesh/upgrade-preflight.ts";
import { namespace } from "../../support/build/namespace.ts";
import { sidecars } from "../../support/build/pod-group.ts";
import { OLD, OLD_IMAGE, upgradeIn, type UpgradeWorld } from "../../support/build/upgrade.ts";
import { daemonSet, deployment, statefulSet } from "../../support/build/workload.ts";

const NODES: Surroundings = {
  nodes: { kind: "read", value: [{ name: "node-1", version: "v1.33.2" }] },
  envoyFilters: { kind: "read", value: [] },
};

const UNREAD: Surroundings = {
  nodes: { kind: "unread", message: "not allowed to list nodes" },
  envoyFilters: { kind: "unread", message: "not allowed to list envoyfilters" },
};

function steps(
  world: Omit<UpgradeWorld, "to">,
  to = "asm-1-28",
  surroundings: Surroundings | undefined = NODES,
) {
  const upgrade = upgradeIn({ plane: { revisions: [OLD] }, ...world, to });
  const found = preflightSteps(upgrade, "asm-1-27", to, surroundings);
  return Object.fromEntries(found.map((step) => [step.id, step]));
}

/** A control plane whose revisions have shared ConfigMaps, by the end of their names. */
const shared = (maps: Readonly<Record<string, string>>): UpgradeWorld => ({
  plane: {
    revisions: [OLD],
    configMaps: Object.fromEntries(
      Object.entries(maps).map(([revision, mesh]) => [
        `istio-shared-configmap-${revision}`,
        { mesh },
      ]),
    ),
  },
});

describe("the shared ConfigMap", () => {
  test.each<[what: string, world: UpgradeWorld, isDone: boolean, message: string]>([
    ["is not needed if there is none", {}, true, "there is no istio-shared-configmap-asm-1-27"],
    ["must be copied", shared({ "asm-1-27": "accessLogFile: x" }), false, "does not"],
    [
      "is complete",
      shared({ "asm-1-27": "accessLogFile: x", "asm-1-28": "accessLogFile: y" }),
      true,
      "istio-shared-configmap-asm-1-28 has all settings of istio-shared-configmap-asm-1-27",
    ],
    [
      "lacks settings, which are named",
      shared({
        "asm-1-27": "accessLogFile: x\ndefaultConfig:\n  tracing: {}",
        "asm-1-28": "accessLogFile: y",
      }),
      false,
      "lacks settings of istio-shared-configmap-asm-1-27, which pods lose with the revision asm-1-28: defaultConfig",
    ],
    [
      "is unread",
      { plane: { revisions: [OLD], unread: ["configMaps"] } },
      false,
      "could not be read",
    ],
  ])("%s", (_what, world, isDone, message) => {
    const step = steps(world)["shared-configmap"];
    expect(step?.isDone).toBe(isDone);
    expect(step?.message).toContain(message);
  });
});

describe("native sidecars", () => {
  test.each<[what: string, to: string, surroundings: Surroundings, expected: string | undefined]>([
    ["are no subject before asm-1-29", "asm-1-28", NODES, undefined],
    ["begin with asm-1-29", "asm-1-29", NODES, "every node runs 1.33 or newer"],
    [
      "need new nodes",
      "asm-1-30",
      {
        ...NODES,
        nodes: {
          kind: "read",
          value: [
            { name: "old", version: "v1.32.9" },
            { name: "new", version: "v1.34.1" },
          ],
        },
      },
      "1 node of 2 is older, such as old (v1.32.9)",
    ],
    ["are unknown without nodes", "asm-1-29", UNREAD, "not allowed to list nodes"],
  ])("%s", (_what, to, surroundings, expected) => {
    const message = steps({}, to, surroundings)["native-sidecars"]?.message;
    expect(message ?? "").toContain(expected ?? "");
    expect(message === undefined).toBe(expected === undefined);
  });

  test("are no change if they are native already", () => {
    const world = { plane: { revisions: [{ ...OLD, native: "true" }] } } as const;
    expect(steps(world, "asm-1-29")["native-sidecars"]).toMatchObject({
      isDone: true,
      message: "sidecars are native already",
    });
  });
});

test("workloads that serve with fewer pods are named", () => {
  const pods = [sidecars(2, OLD_IMAGE)];
  const step = steps({
    places: [namespace("shop", { rev: "asm-1-27" })],
    workloads: [
      deployment("web", { pods }),
      deployment("batch", { pods, rollout: { strategy: "Recreate" } }),
      daemonSet("agent", { pods }),
      statefulSet("db", { pods: [sidecars(1, OLD_IMAGE)] }),
      statefulSet("queue", { pods }),
    ],
  })["disruption"];
  expect(step?.message).toMatch(/: shop\/deploy\/batch, shop\/ds\/agent, shop\/sts\/db$/);
});

describe("EnvoyFilters", () => {
  const filter = (name: string, ...proxyVersions: readonly string[]) => ({
    namespace: "shop",
    name,
    proxyVersions,
  });

  test("with a version of the proxy are named", () => {
    const value = [filter("lua", String.raw`^1\.27.*`), filter("plain")];
    const step = steps({}, "asm-1-28", { ...NODES, envoyFilters: { kind: "read", value } })[
      "envoy-filters"
    ];
    expect(step?.message).toContain(String.raw`: shop/lua (^1\.27.*)`);
    expect(step?.message).not.toContain("plain");
  });

  test("without one are not mentioned", () => {
    const value = [filter("plain")];
    const found = steps({}, "asm-1-28", { ...NODES, envoyFilters: { kind: "read", value } });
    expect(found["envoy-filters"]).toBeUndefined();
  });

  test("that are unread are reported as unknown", () => {
    expect(steps({}, "asm-1-28", UNREAD)["envoy-filters"]?.message).toContain(
      "not allowed to list envoyfilters",
    );
  });
});
