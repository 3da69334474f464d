import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load as parseYaml } from "js-yaml";
import { afterAll, describe, expect } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { parseReport } from "../support/report-schema.ts";
import { runInProcess } from "../support/run-in-process.ts";
import { startProgram } from "../support/run-program.ts";
import type { Answer, TestCluster } from "../support/test-cluster.ts";
import { createLagging, restartedAmong } from "./lagging.ts";
import { eventually, run, type Sandbox, test } from "./sandbox.ts";

const REVISION = "asm-1-67";
const [OLD, NEW] = [proxyImage("v1.67.1-1"), proxyImage("v1.67.2-1")];
const MOVED = { name: REVISION, from: OLD, to: NEW };
const NAMES = ["a", "b", "c"];
const NAME = "istio-upgrade";

const FOLDER = mkdtempSync(join(tmpdir(), "istio-upgrade-lease-"));
afterAll(() => rmSync(FOLDER, { recursive: true }));

type Enter = (labels: Readonly<Record<string, string>>) => Promise<Sandbox>;

function lagging(cluster: TestCluster, enter: Enter): Promise<Sandbox> {
  return createLagging(cluster, enter, MOVED, NAMES);
}

function leasePath({ name }: Sandbox, lease = ""): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${name}/leases${lease && `/${lease}`}`;
}

async function leaseOf(cluster: TestCluster, sandbox: Sandbox): Promise<Answer["body"]> {
  const { status, body } = await cluster.request("GET", leasePath(sandbox, NAME));
  return status === 200 ? body : undefined;
}

/** The lease in the namespace of the workloads, so that no other test sees it. */
function leaseFlags({ name }: Sandbox): readonly string[] {
  return ["--lease", `${name}/${NAME}`];
}

function restartArgs(sandbox: Sandbox, ...args: readonly string[]): readonly string[] {
  return ["restart", "-n", sandbox.name, "--yes", "--json", ...leaseFlags(sandbox), ...args];
}

/** A gate that passes once `goOn` is called. It ends with the run as well. */
function createGate({ name }: Sandbox) {
  const [gate, file] = [join(FOLDER, `${name}-gate`), join(FOLDER, `${name}-go-on`)];
  const loop = `until [ -e ${file} ] || [ $PPID = 1 ]; do sleep 0.1; done`;
  writeFileSync(gate, `#!/bin/sh\n${loop}\n`, { mode: 0o755 });
  return { flags: ["--waves", "1", "--gate", gate], goOn: () => writeFileSync(file, "") };
}

/** Starts a run that restarts one workload, and then waits for a gate until `goOn` is called. */
async function startRun(cluster: TestCluster, sandbox: Sandbox) {
  const { flags, goOn } = createGate(sandbox);
  const running = startProgram(restartArgs(sandbox, ...flags), { KUBECONFIG: cluster.kubeconfig });
  await eventually(async () => expect(running.stderr()).toContain("asking the gate"));
  return { ...running, goOn };
}

const touched = (sandbox: Sandbox) => restartedAmong(sandbox, NAMES);

/** Writes the lease as another run does. */
async function overwrite(cluster: TestCluster, sandbox: Sandbox, holder: string): Promise<void> {
  const renewTime = new Date().toISOString().replace("Z", "000Z");
  const spec = { holderIdentity: holder, renewTime, acquireTime: renewTime };
  const { status } = await cluster.request("PATCH", leasePath(sandbox, NAME), {
    body: { spec },
    contentType: "application/merge-patch+json",
  });
  expect(status).toBe(200);
}

const FREE = { holderIdentity: "", leaseDurationSeconds: 1 };

describe("two runs with one lease", () => {
  test("restart nothing at the same time: the second names the first, and starts nothing", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await lagging(cluster, enter);
    const first = await startRun(cluster, sandbox);
    const held = await leaseOf(cluster, sandbox);
    expect(held.spec).toEqual({
      holderIdentity: expect.stringMatching(/^\S+_\d+_[0-9a-f]{12}$/),
      leaseDurationSeconds: 30,
      acquireTime: expect.stringMatching(/\.\d{6}Z$/),
      renewTime: expect.stringMatching(/\.\d{6}Z$/),
      leaseTransitions: 0,
    });
    const holder: string = held.spec.holderIdentity;

    const second = await run(cluster, ...restartArgs(sandbox));
    const report = parseReport("RestartReport", second.stdout);
    expect([second.status, report.exitReasons]).toEqual([
      4,
      ["not-started:2", "lease-held", "outdated:2"],
    ]);
    expect(report.lease).toEqual({
      namespace: sandbox.name,
      name: NAME,
      holder,
      outcome: "refused",
    });
    for (const result of report.results) {
      expect(result).toMatchObject({ outcome: "not-started", code: "lease-held" });
      expect(result.message).toMatch(
        new RegExp(
          `^the lease "${sandbox.name}/${NAME}" is held by ${holder} since \\S+Z \\(renewed (just now|\\d+s ago)\\)$`,
        ),
      );
      expect(result.nextStep).toContain(`kubectl get lease ${NAME} --namespace ${sandbox.name}`);
    }
    expect(report.nextStep).toContain(`--lease ${sandbox.name}/${NAME}`);
    expect(second.stderr).toContain(`nothing was started: the lease "${sandbox.name}/${NAME}"`);
    expect(second.stderr).toMatch(/^RESULT exit=4 .* lease=held$/m);

    first.goOn();
    const ended = await first.done;
    const done = parseReport("RestartReport", ended.stdout);
    expect([ended.status, done.exitReasons]).toEqual([0, []]);
    expect(done.lease).toEqual({ namespace: sandbox.name, name: NAME, holder, outcome: "taken" });
    expect(ended.stderr).toContain(`holding the lease "${sandbox.name}/${NAME}" as ${holder}`);
    expect((await leaseOf(cluster, sandbox)).spec).toMatchObject(FREE);
    for (const name of NAMES) {
      expect((await sandbox.get("deployments", name)).metadata.generation).toBe(2);
    }
  });

  test("that start at the same moment: one of them restarts everything", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await lagging(cluster, enter);
    const { flags, goOn } = createGate(sandbox);
    const ended: (number | null)[] = [];
    const runs = [1, 2, 3].map(async () => {
      const { status } = await run(cluster, ...restartArgs(sandbox, ...flags));
      ended.push(status);
    });
    // The one that holds the lease waits for the gate.
    await eventually(async () => expect(ended).toHaveLength(2));
    goOn();
    await Promise.all(runs);
    expect(ended).toEqual([4, 4, 0]);
    for (const name of NAMES) {
      expect((await sandbox.get("deployments", name)).metadata.generation).toBe(2);
    }
  });

  test("after the first was killed: the second waits until the lease has expired, and continues", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await lagging(cluster, enter);
    const first = await startRun(cluster, sandbox);
    const { spec: killed } = await leaseOf(cluster, sandbox);
    first.signal("SIGKILL");
    first.goOn();
    await first.done;

    const refused = await run(cluster, ...restartArgs(sandbox));
    expect([refused.status, (await leaseOf(cluster, sandbox)).spec]).toEqual([4, killed]);

    // Thirty seconds later, with a clock that is four times as fast.
    const later = await runInProcess(
      restartArgs(sandbox),
      { KUBECONFIG: cluster.kubeconfig },
      { ahead: 31_000, speed: 4 },
    );
    expect(later.stderr).toMatch(
      new RegExp(`waiting 30s for the lease .*: its holder ${killed.holderIdentity} last renewed`),
    );
    const report = parseReport("RestartReport", later.stdout);
    expect([later.status, report.exitReasons]).toEqual([0, []]);
    expect(report.lease).toMatchObject({ outcome: "taken" });
    expect(report.lease?.holder).not.toBe(killed.holderIdentity);
    const { spec } = await leaseOf(cluster, sandbox);
    expect(spec).toMatchObject({ ...FREE, leaseTransitions: 1 });
    expect(later.left).toEqual([]);
    expect(await touched(sandbox)).toEqual(NAMES);
  });
});

describe("a run with a lease", () => {
  test.for([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("gives it back after %s", async ([signal, status], { cluster, enter }) => {
    const sandbox = await lagging(cluster, enter);
    const running = await startRun(cluster, sandbox);
    running.signal(signal);
    const ended = await running.done;
    expect([ended.status, await touched(sandbox)]).toEqual([status, ["a"]]);
    expect((await leaseOf(cluster, sandbox)).spec).toMatchObject(FREE);
  });

  test("that somebody else takes stops the run, and leaves it to the other", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await lagging(cluster, enter);
    const running = await startRun(cluster, sandbox);
    await overwrite(cluster, sandbox, "somebody-else");
    const ended = await running.done;
    const report = parseReport("RestartReport", ended.stdout);
    expect([ended.status, report.exitReasons]).toEqual([
      4,
      ["not-started:2", "lease-lost", "outdated:2"],
    ]);
    expect(report.waves[0]).toMatchObject({ gate: { result: "stopped" } });
    expect(report.results).toMatchObject([
      { name: "a", outcome: "restarted" },
      { name: "b", outcome: "not-started", code: "lease-lost" },
      { name: "c", outcome: "not-started", code: "lease-lost" },
    ]);
    expect(report.results[1]?.message).toMatch(
      new RegExp(
        `^no new restarts: the lease "${sandbox.name}/${NAME}" is now held by somebody-else since \\S+Z \\(renewed .*\\)$`,
      ),
    );
    expect(report.lease).toEqual({
      namespace: sandbox.name,
      name: NAME,
      holder: "somebody-else",
      outcome: "lost",
    });
    expect(ended.stderr).toMatch(/^RESULT exit=4 .* lease=lost$/m);
    expect(await touched(sandbox)).toEqual(["a"]);
    expect((await leaseOf(cluster, sandbox)).spec.holderIdentity).toBe("somebody-else");
  });

  test("takes none for a dry run, nor if nothing is to be done", async ({ cluster, enter }) => {
    const sandbox = await lagging(cluster, enter);
    for (const mode of ["client", "server"]) {
      const planned = await run(
        cluster,
        "restart",
        "-n",
        sandbox.name,
        `--dry-run=${mode}`,
        "--json",
        ...leaseFlags(sandbox),
      );
      expect(planned.status).toBe(0);
      expect(parseReport("RestartReport", planned.stdout).lease).toBeUndefined();
    }
    await cluster.moveImage(REVISION, OLD);
    const idle = await run(cluster, ...restartArgs(sandbox));
    expect(idle.status).toBe(0);
    expect(parseReport("RestartReport", idle.stdout).lease).toBeUndefined();
    expect(await leaseOf(cluster, sandbox)).toBeUndefined();
  });

  test("uses the namespace of the context, and keeps labels of the lease", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await lagging(cluster, enter);
    const labels = { team: "ops" };
    const created = await cluster.request("POST", leasePath(sandbox), {
      body: {
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: { name: NAME, labels },
        spec: {},
      },
    });
    expect(created.status).toBe(201);
    const config = parseYaml(readFileSync(cluster.kubeconfig, "utf8")) as {
      readonly contexts: { readonly context: Record<string, string> }[];
    };
    for (const { context } of config.contexts) context["namespace"] = sandbox.name;
    const file = join(FOLDER, "own-namespace");
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
    const args = ["restart", "-n", sandbox.name, "--yes", "--lease", NAME];
    const ran = await startProgram(args, { KUBECONFIG: file }).done;
    expect(ran.status).toBe(0);
    expect(ran.stdout).toMatch(
      new RegExp(`^LEASE ${sandbox.name}/${NAME}, held by \\S+ during the run$`, "m"),
    );
    const { spec, metadata } = await leaseOf(cluster, sandbox);
    expect([spec.leaseTransitions, metadata.labels]).toEqual([1, labels]);
  });

  test("waits for no lease in a namespace that does not exist", async ({ cluster, enter }) => {
    const sandbox = await lagging(cluster, enter);
    const args = ["restart", "-n", sandbox.name, "--yes", "--lease", `${sandbox.name}-not/x`];
    const ran = await run(cluster, ...args);
    expect([ran.status, ran.stderr]).toEqual([
      1,
      expect.stringContaining(
        `error: there is no namespace "${sandbox.name}-not" for the lease, so nothing was restarted`,
      ),
    ]);
    expect(await touched(sandbox)).toEqual([]);
  });
});

test("a run that may not write its lease restarts nothing, and names the permission", async ({
  cluster,
  enter,
}) => {
  const sandbox = await lagging(cluster, enter);
  const everything = { apiGroups: ["*"], resources: ["*"] };
  const leases = {
    apiGroups: ["coordination.k8s.io"],
    resources: ["leases"],
    namespace: sandbox.name,
  };
  const rest = [
    { ...everything, verbs: ["list", "watch"] },
    { apiGroups: ["", "apps"], resources: ["*"], verbs: ["get", "create", "patch"] },
    { ...leases, verbs: ["create", "get"] },
  ];
  const runAs = async (user: string, name: string) => {
    const patch = { ...leases, verbs: ["patch"], resourceNames: [name] };
    const kubeconfig = await cluster.userKubeconfig(user, [...rest, patch]);
    return startProgram(restartArgs(sandbox), { KUBECONFIG: kubeconfig }).done;
  };
  const refused = await runAs("other-lease", "another");
  expect([refused.status, refused.stderr]).toEqual([
    1,
    expect.stringContaining(
      `error: not allowed to patch leases.coordination.k8s.io "${NAME}" in the namespace "${sandbox.name}" for --lease, so nothing was restarted\nask for the permissions in deploy/rbac/lease.yaml, then check: kubectl auth can-i patch leases.coordination.k8s.io/${NAME} -n ${sandbox.name}`,
    ),
  ]);
  expect(await touched(sandbox)).toEqual([]);
  const allowed = await runAs("own-lease", NAME);
  expect(allowed.status).toBe(0);
  expect((await leaseOf(cluster, sandbox)).spec).toMatchObject(FREE);
});

describe("a move with a lease", () => {
  test("labels no namespace while another run holds it", async ({ cluster, enter }) => {
    const sandbox = await lagging(cluster, enter);
    const created = await cluster.request("POST", leasePath(sandbox), {
      body: {
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: { name: NAME },
        spec: { leaseDurationSeconds: 30 },
      },
    });
    expect(created.status).toBe(201);
    await overwrite(cluster, sandbox, "somebody-else");
    const to = "asm-1-68";
    await cluster.installRevision({ name: to, image: proxyImage("v1.68.1-1") });
    const args = ["move", sandbox.name, "--to", to, "--yes", "--json", ...leaseFlags(sandbox)];
    const refused = await run(cluster, ...args);
    const report = parseReport("RestartReport", refused.stdout);
    expect(refused.status).toBe(4);
    expect(report.exitReasons).toContain("lease-held");
    expect(report.namespaces).toMatchObject([{ outcome: "not-labelled", code: "lease-held" }]);
    expect(report.nextStep).toContain(`--lease ${sandbox.name}/${NAME}`);
    expect(await touched(sandbox)).toEqual([]);

    await overwrite(cluster, sandbox, "");
    const moved = await run(cluster, ...args);
    expect([moved.status, parseReport("RestartReport", moved.stdout).lease]).toMatchObject([
      0,
      { outcome: "taken" },
    ]);
    expect((await leaseOf(cluster, sandbox)).spec.holderIdentity).toBe("");
  });
});
