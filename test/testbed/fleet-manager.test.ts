import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, parseAllDocuments, stringify } from "yaml";
import manifest from "../../package.json" with { type: "json" };
import { fencedBlocks, sectionOf, typedCommands } from "../support/page-blocks.ts";
import type { Answer } from "../support/test-cluster.ts";
import { type Administrator, administratorOf } from "./administrator.ts";
import { openRealCluster } from "./open-real-cluster.ts";
import type { RealCluster } from "./real-cluster.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const HUB = join(ROOT, "deploy/fleet/hub");
const TYPES = join(ROOT, "test/testbed/fleet-manager");
const NAMESPACE = "istio-upgrade";
const ISTIO_NAMESPACE = "aks-istio-system";
const GROUP = "placement.kubernetes-fleet.io";

let cluster: RealCluster;
let folder: string;
/** The folder of the page's overlay, beside a clone. */
let overlay: string;
let page: string;
let run: Administrator["run"];
let kubectl: Administrator["kubectl"];

beforeAll(async () => {
  cluster = openRealCluster();
  folder = await mkdtemp(join(tmpdir(), "istio-upgrade-fleet-manager-"));
  await symlink(ROOT, join(folder, "istio-upgrade"));
  overlay = join(folder, "overlay");
  await mkdir(overlay);
  ({ run, kubectl } = administratorOf(cluster, overlay));
  page = await readFile(join(ROOT, "docs/fleet-manager.md"), "utf8");
  await kubectl("apply", "-f", TYPES);
  await kubectl("wait", "--for=condition=Established", "-f", TYPES);
  const [text = ""] = blocks("Install on the hub", "yaml");
  await writeFile(join(overlay, "kustomization.yaml"), text);
  const [createNamespace = "", ...apply] = commandsBelow("Install on the hub");
  // The namespace exists here, as on a hub with Istio. The page says to leave out the command then.
  await expect(paste([createNamespace])).rejects.toThrow("AlreadyExists");
  await paste(apply);
});
afterAll(async () => {
  // Other files share this API server.
  await kubectl("delete", "-k", HUB, "--ignore-not-found");
  await kubectl("delete", "-f", TYPES, "--ignore-not-found");
  await cluster.stop();
  await rm(folder, { recursive: true });
});

async function get(...args: readonly string[]): Promise<Answer["body"]> {
  return JSON.parse(await kubectl("get", ...args, "-o", "json"));
}

/** Returns the objects of the overlay. */
async function build(): Promise<readonly Answer["body"][]> {
  return parseAllDocuments(await kubectl("kustomize", ".")).map((document) => document.toJS());
}

/** Applies or creates an object, and returns the output or the error. */
async function send(verb: "apply" | "create", object: unknown): Promise<string> {
  const file = join(folder, "object.yaml");
  await writeFile(file, stringify(object));
  return kubectl(verb, "-f", file).catch((error: Error) => error.message);
}

async function objectIn(file: string): Promise<Answer["body"]> {
  return parse(await readFile(join(HUB, file), "utf8"));
}

/** The blocks below a heading of the page, in one language. */
function blocks(heading: string, language: string): readonly string[] {
  const found = fencedBlocks(sectionOf(page, `## ${heading}`), language);
  expect(found.length, `${language} below ${heading}`).toBeGreaterThan(0);
  return found;
}

/** The commands below a heading of the page that run on the hub. */
function commandsBelow(heading: string): readonly string[] {
  const typed = typedCommands(sectionOf(page, `## ${heading}`));
  expect(typed.length, `commands below ${heading}`).toBeGreaterThan(0);
  return typed.filter((command) => !command.startsWith("az "));
}

/** Pastes commands into one shell, and returns their output. */
function paste(commands: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  return run("bash", ["-ec", commands.join("\n")], variables);
}

describe("the objects for the hub", () => {
  test("are accepted and stored as sent, and do not change when they are applied again", async () => {
    await kubectl("apply", "-k", ".", "--validate=strict");
    const placed = (await build()).filter(({ apiVersion }) => apiVersion.startsWith(GROUP));
    expect(placed.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted()).toEqual([
      "ClusterResourcePlacement istio-upgrade",
      "ClusterStagedUpdateStrategy istio-upgrade",
      "ResourceOverride istio-upgrade-check",
      "ResourcePlacement istio-upgrade",
    ]);
    for (const { kind, metadata, spec } of placed) {
      const place = metadata.namespace === undefined ? [] : ["-n", metadata.namespace];
      const stored = await get(kind, metadata.name, ...place);
      expect(stored).toMatchObject({ metadata: { generation: 1 }, spec });
    }
  });

  test("have CronJobs that are suspended, with the image of the overlay", async () => {
    const { items } = await get("cronjobs", "-n", NAMESPACE);
    expect(items).toHaveLength(2);
    for (const { spec } of items) {
      const [{ image }] = spec.jobTemplate.spec.template.spec.containers;
      expect([spec.suspend, image]).toEqual([
        true,
        `registry.example/istio-upgrade:${manifest.version}`,
      ]);
    }
  });

  test.each([
    ["istio-upgrade-check", "overrides.yaml"],
    ["istio-upgrade-restart", "restart/override.yaml"],
  ])("have an override that starts %s, as it is stored", async (name, file) => {
    const { spec } = await objectIn(file);
    const [{ jsonPatchOverrides }] = spec.policy.overrideRules;
    const place = ["-n", NAMESPACE, "--dry-run=server", "-o", "json"];
    const patch = ["--type=json", "-p", JSON.stringify(jsonPatchOverrides)];
    const patched = JSON.parse(await kubectl("patch", "cronjob", name, ...place, ...patch));
    expect(patched.spec.suspend).toBe(false);
  });
});

describe("the API server rejects", () => {
  test.each<[string, string, (spec: Answer["body"]) => void, string]>([
    [
      "an unknown field",
      "placement.yaml",
      (spec) => (spec.strategie = spec.strategy),
      'unknown field "spec.strategie"',
    ],
    [
      "another selection scope",
      "placement.yaml",
      (spec) => (spec.resourceSelectors[0].selectionScope = "Everything"),
      'Unsupported value: "Everything"',
    ],
    [
      "a second namespace",
      "placement.yaml",
      (spec) => spec.resourceSelectors.push({ ...spec.resourceSelectors[0], name: "other" }),
      "only one namespace selector with NamespaceWithResourceSelectors mode is allowed",
    ],
    [
      "a placement without stages once it has them",
      "placement.yaml",
      (spec) => (spec.strategy.type = "RollingUpdate"),
      "cannot change rollout strategy type from 'External' to other types",
    ],
    [
      "an approval with a time",
      "strategy.yaml",
      (spec) => (spec.stages[0].afterStageTasks[0].waitTime = "1h"),
      "AfterStageTaskType is Approval, waitTime is not allowed",
    ],
    [
      "a stage with another name",
      "strategy.yaml",
      (spec) => (spec.stages[0].name = "dev-1"),
      "should match '^[a-z0-9]+$'",
    ],
    [
      "another operation of an override",
      "overrides.yaml",
      (spec) => (spec.policy.overrideRules[0].jsonPatchOverrides[0].op = "test"),
      'Unsupported value: "test"',
    ],
  ])("%s", async (_what, file, change, message) => {
    const object = await objectIn(file);
    expect(await send("apply", object)).toMatch(/ (unchanged|configured)\n$/);
    change(object.spec);
    expect(await send("apply", object)).toContain(message);
  });
});

describe("a run", () => {
  let name: string;

  test("is created with a name of its own, shows its stages, and is started", async () => {
    const commands = commandsBelow("Start a run");
    expect(commands).toHaveLength(5);
    const [create = "", show = "", start = ""] = commands;
    expect(await paste([create, show])).toBe("");
    const { items } = await get("clusterstagedupdateruns");
    expect(items).toHaveLength(1);
    const [{ metadata, spec }] = items;
    name = metadata.name;
    expect(name).toMatch(/^istio-upgrade-\w+$/);
    expect(spec).toEqual((await objectIn("run.yaml")).spec);

    const stagesStatus = [
      { stageName: "dev", clusters: [{ clusterName: "member-1" }, { clusterName: "member-2" }] },
      { stageName: "prod", clusters: [{ clusterName: "member-3" }] },
    ];
    const resource = `clusterstagedupdaterun.${GROUP}/${name}`;
    const status = JSON.stringify({ status: { stagesStatus } });
    await kubectl("patch", resource, "--subresource=status", "--type=merge", "-p", status);
    const shown = await paste([show, start], { RUN: resource });
    expect(shown).toBe(
      `dev member-1 member-2\nprod member-3\nclusterstagedupdaterun.${GROUP}/${name} patched\n`,
    );
    expect((await get(resource)).spec.state).toBe("Run");
  });

  test("does not go back to its beginning", async () => {
    const patch = ["--type=merge", "-p", '{"spec":{"state":"Initialize"}}'];
    await expect(kubectl("patch", "clusterstagedupdaterun", name, ...patch)).rejects.toThrow(
      "cannot transition from Run to Initialize",
    );
  });

  test("is approved as on the page", async () => {
    // As the controller names it, after all members of a stage.
    const request = `${name}-after-dev`;
    const spec = { parentStageRollout: name, targetStage: "dev" };
    const metadata = { name: request };
    expect(
      await send("create", {
        apiVersion: `${GROUP}/v1beta1`,
        kind: "ClusterApprovalRequest",
        metadata,
        spec,
      }),
    ).toContain("created");
    const [, , , list = "", approve = ""] = commandsBelow("Start a run");
    const shown = await paste([list, approve, list], {
      RUN: `clusterstagedupdaterun.${GROUP}/${name}`,
    });
    expect(shown).toMatch(new RegExp(`^${request} +${name} +dev +True`, "m"));
    const { status, metadata: stored } = await get("clusterapprovalrequest", request);
    expect(stored.generation).toBe(1);
    expect(status.conditions).toMatchObject([
      { type: "Approved", status: "True", observedGeneration: 1 },
    ]);
  });
});

test("members are labeled, and evicted, as on the page", async () => {
  const member = {
    apiVersion: "cluster.kubernetes-fleet.io/v1beta1",
    kind: "MemberCluster",
    metadata: { name: "member-1" },
    spec: { identity: { kind: "User", name: "member-1" } },
  };
  expect(await send("create", member)).toContain("created");
  await paste(commandsBelow("Label the members"));
  const { metadata } = await get("membercluster", "member-1");
  expect(metadata.labels).toEqual({ "istio-upgrade/stage": "dev" });
  const eviction = {
    apiVersion: `${GROUP}/v1beta1`,
    kind: "ClusterResourcePlacementEviction",
    metadata: { name: "member-1" },
    spec: { placementName: "istio-upgrade", clusterName: "member-1" },
  };
  expect(page).toContain("`placementName: istio-upgrade` and its `clusterName`");
  expect(await send("create", eviction)).toContain("created");
});

test("the restart is started in a stage as on the page", async () => {
  const file = join(overlay, "kustomization.yaml");
  const kustomization = parse(await readFile(file, "utf8"));
  const [text = ""] = blocks("Start the restart in a stage", "yaml");
  const [, component = ""] = /Add the component `(.*?)`/.exec(page) ?? [];
  const components = [...kustomization.components, component];
  const values = async () => {
    const { spec } = await get("resourceoverride", "istio-upgrade-restart", "-n", NAMESPACE);
    const [{ clusterSelector }] = spec.policy.overrideRules;
    return clusterSelector.clusterSelectorTerms[0].labelSelector.matchExpressions[0].values;
  };
  await writeFile(file, stringify({ ...kustomization, components }));
  await kubectl("apply", "-k", ".");
  expect(await values()).toEqual(["dev"]);
  await writeFile(file, stringify({ ...kustomization, components, ...parse(text) }));
  await kubectl("apply", "-k", ".");
  expect(await values()).toEqual(["dev", "staging"]);
  const { items } = await get("cronjobs", "-n", NAMESPACE);
  expect(items.map(({ spec }: Answer["body"]) => spec.suspend)).toEqual([true, true]);
});

test("everything is removed as on the page, but the namespace of Istio", async () => {
  const built = await build();
  await paste(commandsBelow("Undo"));
  for (const { kind, metadata } of built) {
    const place = metadata.namespace === undefined ? [] : ["-n", metadata.namespace];
    const found = await kubectl("get", kind, metadata.name, ...place, "--ignore-not-found");
    expect([kind, metadata.name, found]).toEqual([kind, metadata.name, ""]);
  }
  expect((await get("clusterstagedupdateruns")).items).toEqual([]);
  expect((await get("namespace", ISTIO_NAMESPACE)).status).toEqual({ phase: "Active" });
});
