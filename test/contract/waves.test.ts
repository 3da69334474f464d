import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect } from "vitest";
import type { RestartReport } from "../../src/report/document.ts";
import { proxyImage } from "../support/build/pod-group.ts";
import { parseLines, parseReport } from "../support/report-schema.ts";
import { startProgram } from "../support/run-program.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { eventually, run, type Sandbox, test } from "./sandbox.ts";
import { createLagging, restartedAmong } from "./lagging.ts";

const REVISION = "asm-1-84";
const [OLD, NEW] = [proxyImage("v1.84.1-1"), proxyImage("v1.84.2-1")];
const MOVED = { name: REVISION, from: OLD, to: NEW };
const NAMES = ["a", "b", "c", "d", "e"];

const FOLDER = mkdtempSync(join(tmpdir(), "istio-upgrade-gates-"));
afterAll(() => rmSync(FOLDER, { recursive: true }));
let scripts = 0;

/** Writes a gate, and returns its path. */
function gate(...lines: readonly string[]): string {
  scripts += 1;
  const file = join(FOLDER, `gate-${scripts}`);
  writeFileSync(file, ["#!/bin/sh", ...lines, ""].join("\n"), { mode: 0o755 });
  return file;
}

/** A namespace whose Deployments are all outdated. */
function lagging(
  cluster: TestCluster,
  enter: (labels: Readonly<Record<string, string>>) => Promise<Sandbox>,
  readyAfter?: string,
): Promise<Sandbox> {
  return createLagging(cluster, enter, MOVED, NAMES, readyAfter);
}

const touched = (sandbox: Sandbox) => restartedAmong(sandbox, NAMES);

function restart(cluster: TestCluster, sandbox: Sandbox, ...args: readonly string[]) {
  return run(cluster, "restart", "-n", sandbox.name, "--yes", "--json", ...args);
}

const reportOf = (stdout: string): RestartReport => parseReport("RestartReport", stdout);

/** The Ready condition of a pod, changed now. */
async function patchStatus(
  cluster: TestCluster,
  sandbox: Sandbox,
  owner: string,
  ready: boolean,
  restarts = 0,
): Promise<string> {
  const pod = (await sandbox.pods()).find(({ metadata }) => metadata.labels.app === owner);
  const { conditions, containerStatuses } = pod.status;
  const time = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  const status = {
    conditions: conditions.map((one: { type: string }) =>
      /Ready/.test(one.type) && !ready
        ? { ...one, status: "False", lastTransitionTime: time }
        : one,
    ),
    containerStatuses: containerStatuses.map((one: object) => ({
      ...one,
      ready,
      restartCount: restarts,
      ...(restarts > 0 && {
        lastState: {
          terminated: { exitCode: 137, reason: "OOMKilled", startedAt: time, finishedAt: time },
        },
      }),
    })),
  };
  const path = `${sandbox.path("pods", pod.metadata.name)}/status`;
  const contentType = "application/merge-patch+json";
  const answer = await cluster.request("PATCH", path, { body: { status }, contentType });
  expect(answer.status).toBe(200);
  return pod.metadata.name;
}

describe("a restart in waves", () => {
  test("asks the gate after each wave, with the wave on stdin and its place in the environment", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await lagging(cluster, enter);
    const log = join(FOLDER, "asked");
    const file = gate(
      `echo "$ISTIO_UPGRADE_WAVE/$ISTIO_UPGRADE_WAVES $ISTIO_UPGRADE_CONTEXT" >> ${log}`,
      `cat >> ${log}`,
      "echo all is well",
      "echo really >&2",
    );
    const ran = await restart(cluster, sandbox, "--waves", "1,50%", "--soak", "1s", "--gate", file);
    const report = reportOf(ran.stdout);
    expect([ran.status, report.exitReasons]).toEqual([0, []]);
    expect(report.pace).toEqual({ waves: "1,50%", soak: "PT1S", gate: file, gateTimeout: "PT10M" });
    expect(report.waves.map(({ workloads }) => workloads.map(({ name }) => name))).toEqual([
      ["a"],
      ["b", "c"],
      ["d", "e"],
    ]);
    for (const wave of report.waves) {
      expect(wave).toMatchObject({
        startedAt: expect.any(String),
        finishedAt: expect.any(String),
        soak: { result: "passed", message: "all pods stayed healthy for 1s" },
        gate: { command: file, result: "passed", exitCode: 0, omittedBytes: 0 },
      });
      expect(wave.gate?.output.split("\n").sort()).toEqual(["", "all is well", "really"]);
      expect(Date.parse(wave.soak?.finishedAt ?? "")).toBeLessThanOrEqual(
        Date.parse(wave.gate?.startedAt ?? ""),
      );
    }
    const [, second] = report.waves;
    const begun = report.results.flatMap(({ name, startedAt }) =>
      name === "b" ? [Date.parse(startedAt ?? "")] : [],
    );
    const [first] = report.waves;
    expect(begun[0]).toBeGreaterThanOrEqual(Date.parse(first?.gate?.finishedAt ?? "") - 1000);
    expect(second?.workloads).toMatchObject([{ outcome: "restarted" }, { outcome: "restarted" }]);
    const lines = readFileSync(log, "utf8").trim().split("\n");
    expect(lines.filter((line) => !line.startsWith("{"))).toEqual([
      "1/3 test",
      "2/3 test",
      "3/3 test",
    ]);
    const documents = parseLines(lines.filter((line) => line.startsWith("{")).join("\n"));
    expect(documents).toMatchObject([
      {
        kind: "Wave",
        number: 1,
        of: 3,
        cluster: { context: "test" },
        workloads: [
          {
            namespace: sandbox.name,
            kind: "Deployment",
            name: "a",
            outcome: "restarted",
            from: [{ image: OLD, revision: REVISION, pods: 2 }],
            to: { image: NEW, revision: REVISION },
          },
        ],
        soak: { result: "passed" },
      },
      { number: 2, startedAt: expect.any(String), finishedAt: expect.any(String) },
      { number: 3, workloads: [{ name: "d" }, { name: "e" }] },
    ]);
  });

  test("shows the waves in a dry run, and asks no gate", async ({ cluster, enter }) => {
    const sandbox = await lagging(cluster, enter);
    const log = join(FOLDER, "dry");
    const flags = ["--waves", "1,50%", "--soak", "5m", "--gate", gate(`echo asked > ${log}`)];
    const planned = await restart(cluster, sandbox, "--dry-run", ...flags);
    const { waves, nextStep } = reportOf(planned.stdout);
    expect([planned.status, waves.length]).toEqual([0, 3]);
    expect(waves[0]).toMatchObject({
      workloads: [{ name: "a", outcome: "planned" }],
      startedAt: null,
      soak: null,
      gate: null,
    });
    expect(nextStep).toContain(
      ` --waves 1,50% --soak 5m --gate ${flags.at(-1)} --gate-timeout 10m`,
    );
    const server = await restart(cluster, sandbox, "--dry-run=server", ...flags);
    expect(server.status).toBe(0);
    const table = await run(cluster, "restart", "-n", sandbox.name, "--dry-run", ...flags);
    expect(table.stdout).toMatch(
      /\nWAVES: 3, soak 5m, gate \S+\nWAVE +WORKLOADS +DONE +SOAK +GATE/,
    );
    expect(() => readFileSync(log)).toThrow("ENOENT");
    expect(await touched(sandbox)).toEqual([]);
  });
});

describe("a gate stops the run", () => {
  test.for<[what: string, lines: readonly string[], status: number, code: string, message: RegExp]>(
    [
      ["that refuses", ["echo no >&2", "exit 7"], 3, "gate-refused", /^refused with exit code 7$/],
      [
        "that prints 100 KB and refuses",
        ["yes 0123456789 | head -c 102400", "exit 1"],
        3,
        "gate-refused",
        /exit code 1$/,
      ],
      [
        "that hangs",
        ["echo waiting", "sleep 600"],
        4,
        "gate-unanswered",
        /^did not answer within 2s \(--gate-timeout\)$/,
      ],
      [
        "that hangs and ignores SIGTERM",
        ["trap '' TERM", "sleep 600 & wait; sleep 600"],
        4,
        "gate-unanswered",
        /^did not answer within 2s/,
      ],
      [
        "that kills itself",
        ["kill -SEGV $$"],
        4,
        "gate-unanswered",
        /^did not answer: it was ended by SIGSEGV$/,
      ],
    ],
  )("%s", async ([, lines, status, code, message], { cluster, enter }) => {
    const sandbox = await lagging(cluster, enter);
    const file = gate(...lines);
    const flags = ["--waves", "2", "--gate", file, "--gate-timeout", "2s"];
    const began = Date.now();
    const ran = await restart(cluster, sandbox, ...flags);
    expect(Date.now() - began).toBeLessThan(30_000);
    expect(await touched(sandbox)).toEqual(["a", "b"]);
    const report = reportOf(ran.stdout);
    expect([ran.status, report.exitReasons]).toEqual([
      status,
      [code, "not-started:3", "outdated:3"],
    ]);
    expect(report.waves).toMatchObject([
      { gate: { message: expect.stringMatching(message) }, finishedAt: expect.any(String) },
      { gate: null, soak: null, startedAt: null, finishedAt: null },
    ]);
    expect(report.results.slice(2)).toMatchObject(
      ["c", "d", "e"].map((name) => ({ name, outcome: "not-started", code })),
    );
    expect(report.nextStep).toContain(`--waves 2 --gate ${file} --gate-timeout 2s`);
    expect(Buffer.byteLength(report.waves[0]?.gate?.output ?? "")).toBeLessThanOrEqual(4096);
    expect(ran.stderr).toContain(": 3 not started");
  });

  test("that prints 100 KB; the report has their end", async ({ cluster, enter }) => {
    const sandbox = await lagging(cluster, enter);
    const file = gate("head -c 102400 /dev/zero | tr '\\0' x", "echo the end", "exit 1");
    const ran = await restart(cluster, sandbox, "--waves", "1", "--gate", file);
    const [first] = reportOf(ran.stdout).waves;
    expect(first?.gate?.output).toMatch(/^x+the end\n$/);
    expect(first?.gate?.omittedBytes).toBe(102_400 + 8 - 4096);
  });

  test("that cannot be run, without a shell", async ({ cluster, enter }) => {
    const sandbox = await lagging(cluster, enter);
    const file = join(FOLDER, "no-interpreter");
    writeFileSync(file, "#!/no/such/interpreter\n", { mode: 0o755 });
    const ran = await restart(cluster, sandbox, "--waves", "1", "--gate", file);
    expect(ran.status).toBe(4);
    expect(await touched(sandbox)).toEqual(["a"]);
    const [first] = reportOf(ran.stdout).waves;
    expect(first?.gate).toMatchObject({ result: "unanswered", exitCode: null });
    expect(first?.gate?.message).toMatch(/^could not be run: ENOENT$/);
  });

  test("that refuses after the last wave, when nothing is left to start", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await lagging(cluster, enter);
    const ran = await restart(cluster, sandbox, "--gate", gate("exit 1"));
    const report = reportOf(ran.stdout);
    expect([ran.status, report.exitReasons]).toEqual([3, ["gate-refused"]]);
    expect(report.waves).toHaveLength(1);
    expect(await touched(sandbox)).toEqual(NAMES);
  });

  test.for<[what: string, make: (file: string) => void, message: string]>([
    ["is missing", () => undefined, "was not found: ENOENT"],
    ["is a folder", (file) => mkdirSync(file), "is not a file"],
    ["is not executable", (file) => writeFileSync(file, "#!/bin/sh\n"), "is not executable"],
    [
      "is empty",
      (file) => writeFileSync(file, "", { mode: 0o755 }),
      "is neither a program nor a script",
    ],
    [
      "is text",
      (file) => writeFileSync(file, "exit 0\n", { mode: 0o755 }),
      "is neither a program nor a script",
    ],
  ])("before anything is read if it %s", async ([what, make, message], { cluster, enter }) => {
    const sandbox = await lagging(cluster, enter);
    const file = join(FOLDER, what.replaceAll(" ", "-"));
    make(file);
    for (const more of [[], ["--dry-run"]]) {
      const ran = await restart(cluster, sandbox, "--gate", file, "-v", ...more);
      expect(ran.status).toBe(64);
      expect(ran.stderr).toContain(`error: --gate "${file}" ${message}`);
      expect(ran.stderr).not.toContain("GET ");
    }
    expect(await touched(sandbox)).toEqual([]);
  });
});

describe("a soak stops the run", () => {
  /** Starts a run with a long soak after one workload, and waits for that soak. */
  async function soaking(cluster: TestCluster, sandbox: Sandbox, ...more: readonly string[]) {
    const args = ["restart", "-n", sandbox.name, "--yes", "--json", "--waves", "1", ...more];
    const running = startProgram(args, { KUBECONFIG: cluster.kubeconfig });
    await eventually(async () => expect(running.stderr()).toContain("watching its pods for"));
    // The first read, and a second between the time when the pods were ready and now.
    await new Promise((resolve) => setTimeout(resolve, 2500));
    return running;
  }

  test("if a pod becomes unready", async ({ cluster, enter }) => {
    const sandbox = await lagging(cluster, enter);
    const running = await soaking(cluster, sandbox, "--soak", "2m");
    const pod = await patchStatus(cluster, sandbox, "a", false);
    const ran = await running.done;
    expect(await touched(sandbox)).toEqual(["a"]);
    const report = reportOf(ran.stdout);
    expect(ran.status).toBe(3);
    expect(report.exitReasons).toContain("soak-failed");
    expect(report.waves[0]?.soak).toMatchObject({
      result: "failed",
      pod,
      message: expect.stringContaining(`the pod ${pod}`),
      nextStep: expect.stringContaining(`kubectl describe pod ${pod} -n ${sandbox.name}`),
    });
    expect(report.results.filter(({ code }) => code === "soak-failed")).toHaveLength(4);
  });

  test("if a container restarts", async ({ cluster, enter }) => {
    const sandbox = await lagging(cluster, enter);
    const running = await soaking(cluster, sandbox, "--soak", "2m");
    const pod = await patchStatus(cluster, sandbox, "a", true, 1);
    const ran = await running.done;
    expect(ran.status).toBe(3);
    expect(reportOf(ran.stdout).waves[0]?.soak).toMatchObject({
      result: "failed",
      pod,
      message: expect.stringMatching(
        new RegExp(
          `^the container \\S+ of the pod ${pod} restarted \\(OOMKilled, exit code 137\\)$`,
        ),
      ),
    });
    expect(await touched(sandbox)).toEqual(["a"]);
  });

  test("if a warning about a pod comes, but not if a pod is drained or a metric is missing", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await lagging(cluster, enter);
    const running = await soaking(cluster, sandbox, "--soak", "2m");
    const warn = async (name: string, uid: string, reason: string, message: string) => {
      const time = new Date().toISOString().replace(/\.\d+Z$/, "Z");
      const answer = await cluster.request("POST", sandbox.path("events"), {
        body: {
          metadata: { name: `e-${Math.random().toString(36).slice(2)}`, namespace: sandbox.name },
          involvedObject: {
            kind: "Pod",
            apiVersion: "v1",
            namespace: sandbox.name,
            name,
            uid,
            fieldPath: "spec.containers{istio-proxy}",
          },
          type: "Warning",
          reason,
          message,
          firstTimestamp: time,
          lastTimestamp: time,
          count: 1,
        },
      });
      expect(answer.status).toBe(201);
    };
    const [first, second] = (await sandbox.pods()).filter(
      ({ metadata }) => metadata.labels.app === "a",
    );
    await warn(first.metadata.name, first.metadata.uid, "FailedGetResourceMetric", "no metrics");
    await cluster.request("DELETE", sandbox.path("pods", first.metadata.name));
    await warn(first.metadata.name, first.metadata.uid, "Unhealthy", "Readiness probe failed: EOF");
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect(running.stderr()).not.toContain("soak failed");
    await warn(
      second.metadata.name,
      second.metadata.uid,
      "Unhealthy",
      "Readiness probe failed: 503",
    );
    const ran = await running.done;
    expect(ran.status).toBe(3);
    expect(reportOf(ran.stdout).waves[0]?.soak).toMatchObject({
      result: "failed",
      pod: second.metadata.name,
      container: "istio-proxy",
      event: { reason: "Unhealthy", message: "Readiness probe failed: 503" },
    });
    expect(await touched(sandbox)).toEqual(["a"]);
  });

  test("before the first restart if the events cannot be read", async ({ cluster, enter }) => {
    const sandbox = await lagging(cluster, enter);
    const read = (apiGroups: string[], resources: string[], verbs = ["get", "list", "watch"]) => ({
      apiGroups,
      resources,
      verbs,
    });
    const kubeconfig = await cluster.userKubeconfig("no-events", [
      read([""], ["namespaces", "pods", "configmaps", "services", "resourcequotas"]),
      read(
        ["apps"],
        ["deployments", "statefulsets", "daemonsets", "replicasets"],
        ["get", "list", "watch", "patch"],
      ),
      read(["batch"], ["jobs", "cronjobs"]),
      read(["admissionregistration.k8s.io"], ["mutatingwebhookconfigurations"]),
      read(["discovery.k8s.io"], ["endpointslices"]),
      read(["policy"], ["poddisruptionbudgets"]),
    ]);
    const args = ["restart", "-n", sandbox.name, "--yes", "--json", "--waves", "1", "--soak", "1s"];
    const ran = await startProgram(args, { KUBECONFIG: kubeconfig }).done;
    expect(ran.status).toBe(1);
    expect(ran.stderr).toContain(
      `error: not allowed to list events in the namespace "${sandbox.name}" for --soak, so nothing was restarted\n`,
    );
    expect(await touched(sandbox)).toEqual([]);
  });

  test.for([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)(
    "at %s, and the next run continues with the next wave",
    async ([signal, status], { cluster, enter }) => {
      const sandbox = await lagging(cluster, enter);
      const log = join(FOLDER, `asked-${signal}`);
      const file = gate(`echo $ISTIO_UPGRADE_WAVE >> ${log}`);
      const flags = ["--soak", "3s", "--gate", file];
      const running = await soaking(cluster, sandbox, "--soak", "10m", "--gate", file);
      running.signal(signal);
      const asked = Date.now();
      const ran = await running.done;
      expect(Date.now() - asked).toBeLessThan(10_000);
      expect(ran.status).toBe(status);
      const report = reportOf(ran.stdout);
      expect(report.waves[0]?.soak?.result).toBe("stopped");
      expect(report.results.filter(({ code }) => code === "interrupted")).toHaveLength(4);
      expect(await touched(sandbox)).toEqual(["a"]);

      const again = await restart(cluster, sandbox, "--waves", "1", ...flags);
      expect(again.status).toBe(0);
      const second = reportOf(again.stdout);
      expect(second.waves).toMatchObject([
        { number: 1, workloads: [{ name: "a", outcome: "current" }], gate: { result: "passed" } },
        { number: 2, gate: { result: "passed" } },
      ]);
      expect(second.results.map(({ name }) => name)).toEqual(["b", "c", "d", "e"]);
      expect(readFileSync(log, "utf8")).toBe("1\n2\n");
      const { metadata } = await sandbox.get("deployments", "a");
      expect(metadata.generation).toBe(2);
    },
  );
});

test("an interrupt ends a gate, and the processes that it has started", async ({
  cluster,
  enter,
}) => {
  const sandbox = await lagging(cluster, enter);
  const ids = join(FOLDER, "processes");
  const file = gate(`sleep 600 & echo $! $$ > ${ids}`, "wait");
  const args = ["restart", "-n", sandbox.name, "--yes", "--json", "--waves", "1", "--gate", file];
  const running = startProgram(args, { KUBECONFIG: cluster.kubeconfig });
  await eventually(async () => expect(readFileSync(ids, "utf8")).toContain("\n"));
  running.signal("SIGINT");
  const asked = Date.now();
  const ran = await running.done;
  expect(Date.now() - asked).toBeLessThan(10_000);
  expect(ran.status).toBe(130);
  expect(ran.stderr).toContain("interrupted: no new restarts\n");
  expect(reportOf(ran.stdout).waves).toMatchObject([
    { gate: { result: "stopped" } },
    { gate: null },
  ]);
  expect(await touched(sandbox)).toEqual(["a"]);
  for (const id of readFileSync(ids, "utf8").trim().split(" ")) {
    await eventually(async () => expect(() => process.kill(Number(id), 0)).toThrow("ESRCH"));
  }
});

describe("a run that was killed", () => {
  test("in a gate asks it again before the next wave, and starts nothing if it refuses", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await lagging(cluster, enter);
    const args = ["restart", "-n", sandbox.name, "--yes", "--json", "--waves", "1,3"];
    const slow = gate("sleep 3");
    const running = startProgram([...args, "--gate", slow], { KUBECONFIG: cluster.kubeconfig });
    await eventually(async () =>
      expect(running.stderr()).toContain("wave 2 of 3: asking the gate"),
    );
    running.signal("SIGKILL");
    await running.done;
    expect(await touched(sandbox)).toEqual(["a", "b", "c"]);

    const refused = await run(cluster, ...args, "--gate", gate("exit 1"));
    expect(refused.status).toBe(3);
    expect(await touched(sandbox)).toEqual(["a", "b", "c"]);
    expect(reportOf(refused.stdout).waves).toMatchObject([
      { number: 1, gate: null },
      { number: 2, gate: { result: "refused" } },
      { number: 3, gate: null },
    ]);

    const passed = await run(cluster, ...args, "--gate", gate("exit 0"));
    expect(passed.status).toBe(0);
    expect(await touched(sandbox)).toEqual(NAMES);
    // Everything is current now: nothing is restarted, and no gate is asked.
    const last = await run(cluster, ...args, "--gate", gate("exit 1"));
    expect(last.status).toBe(0);
  });

  test("in the rollouts of a wave waits for them, and then asks the gate of that wave", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await lagging(cluster, enter, "5s");
    const log = join(FOLDER, "asked-again");
    const args = ["restart", "-n", sandbox.name, "--yes", "--json", "--waves", "2"];
    const asking = ["--gate", gate(`echo $ISTIO_UPGRADE_WAVE >> ${log}`, "exit 1")];
    const running = startProgram([...args, ...asking], { KUBECONFIG: cluster.kubeconfig });
    await eventually(async () => expect(await touched(sandbox)).toEqual(["a", "b"]));
    running.signal("SIGKILL");
    await running.done;

    const again = await run(cluster, ...args, ...asking);
    expect(again.status).toBe(3);
    expect(await touched(sandbox)).toEqual(["a", "b"]);
    expect(readFileSync(log, "utf8")).toBe("1\n");
    expect(reportOf(again.stdout).waves).toMatchObject([
      { workloads: [{ name: "a" }, { name: "b" }], gate: { result: "refused" } },
      { gate: null },
    ]);
    for (const name of ["a", "b"]) {
      expect((await sandbox.get("deployments", name)).metadata.generation).toBe(2);
    }
  });

  test("stops at its deadline in a soak, with nothing new started", async ({ cluster, enter }) => {
    const sandbox = await lagging(cluster, enter);
    const flags = ["--waves", "1", "--soak", "10m", "--deadline", "6s"];
    const ran = await restart(cluster, sandbox, ...flags);
    const report = reportOf(ran.stdout);
    expect([ran.status, report.exitReasons]).toEqual([4, ["not-started:4", "outdated:4"]]);
    expect(report.results.filter(({ code }) => code === "deadline")).toHaveLength(4);
    expect(await touched(sandbox)).toEqual(["a"]);
  });
});

test("the events of a wave are lines of JSON", async ({ cluster, enter }) => {
  const sandbox = await lagging(cluster, enter);
  const flags = ["--soak", "1s", "--gate", gate("exit 0")];
  const ran = await run(
    cluster,
    "restart",
    "-n",
    sandbox.name,
    "--yes",
    "-q",
    "-o",
    "jsonl",
    ...flags,
  );
  expect(ran.status).toBe(0);
  const events = parseLines(ran.stdout).flatMap((line) =>
    "type" in line && line.wave !== undefined ? [line] : [],
  );
  expect(events.map(({ type, wave, waves, code }) => [type, wave, waves, code])).toEqual([
    ["wave-started", 1, 1, null],
    ["soaking", 1, 1, null],
    ["soaked", 1, 1, "soak-passed"],
    ["gate-asked", 1, 1, null],
    ["gate-answered", 1, 1, "gate-passed"],
  ]);
});

test("an approved plan can be carried out in waves", async ({ cluster, enter }) => {
  const sandbox = await lagging(cluster, enter);
  const planned = await run(cluster, "restart", "-n", sandbox.name, "--dry-run", "--json");
  const file = join(FOLDER, "plan.json");
  writeFileSync(file, planned.stdout);
  chmodSync(file, 0o644);
  const args = ["restart", "--plan", file, "--yes", "--json", "--waves", "2"];
  const ran = await run(cluster, ...args, "--gate", gate("exit 1"));
  expect(ran.status).toBe(3);
  expect(await touched(sandbox)).toEqual(["a", "b"]);
  const { nextStep } = reportOf(ran.stdout);
  expect(nextStep).toMatch(
    /^istio-upgrade restart --plan \S+ --waves 2 --gate \S+ --gate-timeout 10m$/,
  );
  const again = await run(cluster, ...args, "--gate", gate("exit 0"));
  expect(again.status).toBe(0);
  expect(await touched(sandbox)).toEqual(NAMES);
});
