import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { eventually, openSandbox, type Sandbox, untilReady } from "../contract/sandbox.ts";
import { proxyImage } from "../support/build/pod-group.ts";
import { startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { writeFleetKubeconfig } from "../support/fleet-kubeconfig.ts";
import { deployment, namespace } from "../support/manifests.ts";
import { fencedBlocks } from "../support/page-blocks.ts";
import { POD_BEHAVIOUR, type TestCluster } from "../support/test-cluster.ts";
import { type Administrator, administratorOf } from "./administrator.ts";
import { connectApi } from "./api.ts";
import { auditOf } from "./audit.ts";
import { endChild } from "./child.ts";
import { openRealCluster } from "./open-real-cluster.ts";
import type { RealCluster } from "./real-cluster.ts";
import { installWorkflowTypes, startWorkflowController } from "./workflow-controller.ts";
import { runWorkflow, type Workflow } from "./workflow-node.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PAGE = new URL("../../docs/argo-workflows.md", import.meta.url);
const NAMESPACE = "istio-upgrade-fleet";
const LABELS = { "istio.io/rev": "asm-1-78", "nightly-restart": "yes" };
const [OLD, NEW] = [proxyImage("v1.78.1-1"), proxyImage("v1.78.2-1")];

const closing: (() => Promise<unknown>)[] = [];

let folder: string;
let cluster: RealCluster;
let run: Administrator["run"];
let kubectl: Administrator["kubectl"];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "istio-upgrade-workflows-"));
  closing.push(() => rm(folder, { recursive: true }));
  await symlink(join(ROOT, "deploy"), join(folder, "deploy"));
  cluster = openRealCluster();
  closing.push(() => cluster.stop());
  const kubeconfig = join(folder, "kubeconfig");
  await writeFleetKubeconfig(kubeconfig, { test: cluster });
  // The working folder is beside deploy, as on the page.
  ({ run, kubectl } = administratorOf({ ...cluster, kubeconfig }, folder));
  const { server, ca, token } = cluster.address;
  const api = connectApi(server, ca, token, "istio-upgrade-testbed");
  closing.push(async () => api.close());
  closing.push(await installWorkflowTypes(api));
  // The API server lists a new type a moment after it serves it.
  await eventually(async () => {
    await kubectl("apply", "-k", "deploy/fleet/argo", "--validate=strict");
  });
  const child = await startWorkflowController(folder, cluster.kubeconfig, NAMESPACE, api);
  closing.push(() => endChild(child));
  // While the controller runs, because its pods have a finalizer of it.
  closing.push(() => kubectl("delete", "-k", "deploy/fleet/argo"));
});
afterAll(async () => {
  const problems: unknown[] = [];
  for (const close of closing.toReversed()) {
    await close().catch((problem: unknown) => problems.push(problem));
  }
  expect(problems).toEqual([]);
});

interface Member {
  readonly cluster: TestCluster;
  readonly sandbox: Sandbox;
}

/** A cluster with a Deployment whose sidecar is outdated, unless it is current. */
async function createMember(
  member: TestCluster,
  { isCurrent = false, annotations = {} } = {},
): Promise<Member> {
  await member.installRevision({ name: LABELS["istio.io/rev"], image: OLD });
  const sandbox = await openSandbox(member, LABELS, "workflows");
  closing.push(() => sandbox.remove());
  await sandbox.create("deployments", deployment("web", { annotations }));
  await untilReady(sandbox, 1);
  if (!isCurrent) await member.moveImage(LABELS["istio.io/rev"], NEW);
  return { cluster: member, sandbox };
}

async function startEmbedded(): Promise<TestCluster> {
  const member = await startEmbeddedCluster();
  closing.push(() => member.stop());
  return member;
}

/** Returns the block of the page that is a script or a manifest. */
async function blockOf(language: string): Promise<string> {
  const [block = ""] = fencedBlocks(await readFile(PAGE, "utf8"), language);
  expect(block).not.toBe("");
  return block;
}

/** Creates a Workflow from the file of the page with these clusters, and returns its name. */
async function createRun(parameters: Readonly<Record<string, string>>): Promise<string> {
  const manifest = parse(await readFile(join(ROOT, "deploy/fleet/argo/run.yaml"), "utf8"));
  const given = Object.entries(parameters).map(([name, value]) => ({ name, value }));
  manifest.spec.arguments.parameters = given;
  await writeFile(join(folder, "run.yaml"), stringify(manifest));
  const args = ["create", "-f", "run.yaml", "--validate=strict", "-o", "name"];
  return (await kubectl(...args)).trim().split("/")[1] ?? "";
}

test("the types of Argo accept the manifests, and no other field", async () => {
  const text = await readFile(join(ROOT, "deploy/fleet/argo/workflow-template.yaml"), "utf8");
  await writeFile(join(folder, "wrong.yaml"), text.replace("suspend: {}", "suspended: {}"));
  const wrong = kubectl("apply", "-f", "wrong.yaml", "--dry-run=server", "--validate=strict");
  await expect(wrong).rejects.toThrow('unknown field "spec.templates[4].suspended"');
  const file = "deploy/fleet/argo/run.yaml";
  const created = await kubectl("create", "-f", file, "--dry-run=server", "--validate=strict");
  expect(created).toMatch(
    /^workflow\.argoproj\.io\/istio-upgrade-\w+ created \(server dry run\)$/m,
  );
});

test("clusters are upgraded in stages, and a failure keeps the next stage from starting", async () => {
  const fails = { [POD_BEHAVIOUR.failRestarted]: "CrashLoopBackOff" };
  const members = {
    "dev-1": await createMember(cluster),
    "dev-2": await createMember(await startEmbedded(), { isCurrent: true }),
    "staging-1": await createMember(await startEmbedded()),
    "staging-2": await createMember(await startEmbedded(), { annotations: fails }),
    "staging-3": await createMember(await startEmbedded()),
    "prod-1": await createMember(await startEmbedded()),
  };
  await writeFleetKubeconfig(join(folder, "kubeconfig"), {
    test: cluster,
    ...Object.fromEntries(Object.entries(members).map(([name, one]) => [name, one.cluster])),
  });
  // The embedded clusters have no service accounts, only the namespace of the lease.
  const script = (await blockOf("sh")).replace("dev-1 staging-1 staging-2 prod-1", "dev-1");
  await run("sh", ["-ec", script]);
  closing.push(() => kubectl("delete", "-k", "deploy/fleet/member", "--ignore-not-found"));
  for (const [name, { cluster: member }] of Object.entries(members).slice(1)) {
    await writeFleetKubeconfig(join(folder, "clusters", name), { [name]: member });
    await member.request("POST", "/api/v1/namespaces", { body: namespace("istio-upgrade", {}) });
  }
  const secret = ["istio-upgrade-clusters", "-n", NAMESPACE, "--from-file=clusters"];
  await kubectl("create", "secret", "generic", ...secret);

  const name = await createRun({
    dev: '["dev-1", "dev-2"]',
    staging: '["staging-1", "staging-2", "staging-3"]',
    prod: '["prod-1"]',
    scope: "--namespace-selector=nightly-restart=yes",
  });
  const place = { cluster, namespace: NAMESPACE, name, folder };
  const { workflow, pods } = await runWorkflow(place, {
    changed: (args) => args.map((argument) => (argument === "--soak=5m" ? "--soak=1s" : argument)),
    approves: (member) => member !== "staging-3",
  });

  // Only an error of the Workflow itself has another message.
  expect(workflow.status.message).toMatch(/^child '.*' failed$/);
  const statusOf = (of: string) =>
    pods.filter(({ cluster: one }) => one === of).map(({ step, status }) => `${step} ${status}`);
  expect(Object.fromEntries(Object.keys(members).map((one) => [one, statusOf(one)]))).toEqual({
    "dev-1": ["check 2", "plan 0", "restart 0", "verify 0"],
    "dev-2": ["check 0", "verify 0"],
    "staging-1": ["check 2", "plan 0", "restart 0", "verify 0"],
    "staging-2": ["check 2", "plan 0", "restart 3"],
    "staging-3": ["check 2", "plan 0"],
    "prod-1": [],
  });
  expect(workflow.status.phase).toBe("Failed");
  expect(approvalsIn(workflow)).toEqual(["dev-1", "staging-1", "staging-2"]);
  const generations = Object.values(members).map(async ({ sandbox }) => {
    const { metadata } = await sandbox.get("deployments", "web");
    return metadata.generation as number;
  });
  expect(await Promise.all(generations)).toEqual([2, 1, 2, 2, 1, 1]);
  const user = "system:serviceaccount:istio-upgrade:istio-upgrade-fleet";
  const requests = await auditOf(cluster, user);
  expect(requests.length).toBeGreaterThan(10);
  expect(requests.filter(({ allowed }) => !allowed)).toEqual([]);
});

/** The clusters that a person has approved. */
function approvalsIn(workflow: Workflow): readonly string[] {
  return Object.values(workflow.status.nodes as Readonly<Record<string, Workflow>>)
    .filter(({ type, phase }) => type === "Suspend" && phase === "Succeeded")
    .map(({ inputs }) => inputs.parameters[0].value as string)
    .toSorted();
}
