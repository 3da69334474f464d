import { execFile } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { parseAllDocuments } from "yaml";
import manifest from "../../package.json" with { type: "json" };
import { eventually, openSandbox, type Sandbox, test, untilReady } from "../contract/sandbox.ts";
import { deployment, pod as podManifest } from "../support/manifests.ts";
import { fencedBlocks } from "../support/page-blocks.ts";
import { type Grant, grantsOf, grantsOfObjects } from "../support/rbac.ts";
import { parseReport } from "../support/report-schema.ts";
import type { RunningProgram, RunResult } from "../support/run-program.ts";
import type { Answer } from "../support/test-cluster.ts";
import { type Administrator, administratorOf } from "./administrator.ts";
import { connectApi } from "./api.ts";
import { auditOf } from "./audit.ts";
import {
  accountVolume,
  mountsRefused,
  type Pod,
  requestToken,
  startInPod,
  writeVolume,
} from "./in-pod.ts";
import type { KubernetesObject } from "./objects.ts";
import { openRealCluster } from "./open-real-cluster.ts";
import type { RealCluster } from "./real-cluster.ts";
import { createUpgrades } from "./upgrades.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BASE = join(ROOT, "deploy/cronjob");
const PAGE = new URL("../../docs/unattended.md", import.meta.url);
const REVISION = "asm-1-59";
const NAMESPACE = "istio-upgrade";
const JOBS = `/apis/batch/v1/namespaces/${NAMESPACE}/jobs`;
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;

const run = promisify(execFile);

let folder: string;
let cluster: RealCluster;
let kubectl: Administrator["kubectl"];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "istio-upgrade-cronjob-"));
  // The overlays of the page are beside a clone.
  await symlink(ROOT, join(folder, "istio-upgrade"));
  cluster = openRealCluster();
  ({ kubectl } = administratorOf(cluster, folder));
});
afterAll(async () => {
  await cluster.stop();
  await rm(folder, { recursive: true });
});

async function build(path: string): Promise<readonly KubernetesObject[]> {
  return parseAllDocuments(await kubectl("kustomize", path)).map(
    (document) => document.toJS() as KubernetesObject,
  );
}

interface BuiltCronJob {
  readonly name: string;
  /** The specification of its Jobs. */
  readonly job: Answer["body"];
  /** The specification of their pods. */
  readonly pod: Answer["body"];
}

/** Returns the CronJobs of a kustomization: the check, and the restart. */
async function cronJobsIn(path: string): Promise<readonly BuiltCronJob[]> {
  const found = (await build(path)).filter(({ kind }) => kind === "CronJob");
  const built = found.map(({ metadata, ...rest }) => {
    const job = (rest["spec"] as Answer["body"]).jobTemplate.spec;
    return { name: metadata.name, job, pod: job.template.spec };
  });
  expect(built.map(({ name }) => name)).toEqual(["istio-upgrade-check", "istio-upgrade-restart"]);
  return built;
}

/** Writes the overlays that the page shows, and returns their folders. */
async function writeOverlays(): Promise<readonly string[]> {
  const overlays = fencedBlocks(await readFile(PAGE, "utf8"), "yaml").filter((text) =>
    text.includes("kind: Kustomization"),
  );
  return Promise.all(
    overlays.map(async (text, index) => {
      const place = join(folder, `overlay-${index}`);
      await mkdir(place, { recursive: true });
      await writeFile(join(place, "kustomization.yaml"), text);
      return place;
    }),
  );
}

/** Creates a Job of a CronJob as a person does, and returns its pod once it exists. */
async function createJob(cronJob: string, name: string): Promise<Pod> {
  await kubectl("create", "job", name, `--from=cronjob/${cronJob}`, "-n", NAMESPACE);
  return podOf(name);
}

async function podOf(job: string): Promise<Pod> {
  let pods: Pod[] = [];
  await eventually(async () => {
    const query = new URLSearchParams({ labelSelector: `job-name=${job}` });
    pods = (await cluster.request("GET", `${PODS}?${query.toString()}`)).body.items;
    const { body } = await cluster.request("GET", `${JOBS}/${job}`);
    expect([pods.length, body.status]).toMatchObject([1, {}]);
  });
  return pods[0];
}

/** The folders of a pod's volumes, with a service account that is logged in. */
async function mountVolumes(pod: Pod, token: string): Promise<Readonly<Record<string, string>>> {
  const place = await mkdtemp(join(folder, "pod-"));
  const volumes = Object.fromEntries(
    pod.spec.volumes.map(({ name }: { name: string }) => [name, join(place, name)]),
  ) as Record<string, string>;
  for (const path of Object.values(volumes)) await mkdir(path);
  await writeToken(volumes[accountVolume(pod)] ?? "", token);
  return volumes;
}

function writeToken(account: string, token: string): Promise<void> {
  return writeVolume(account, { token, "ca.crt": cluster.address.ca, namespace: NAMESPACE });
}

async function createSecret(name: string): Promise<string> {
  const body = { apiVersion: "v1", kind: "Secret", metadata: { name } };
  const path = `/api/v1/namespaces/${NAMESPACE}/secrets`;
  expect((await cluster.request("POST", path, { body })).status).toBe(201);
  return `${path}/${name}`;
}

/** Returns the status that a request with a token has. */
async function statusWith(token: string): Promise<number> {
  const { server, ca } = cluster.address;
  const api = connectApi(server, ca, token, "istio-upgrade-test-token");
  const { status } = await api.request("GET", "/api/v1/namespaces").finally(api.close);
  return status;
}

/** The requests of a service account that were refused. */
async function refusedRequests(name: string): Promise<readonly unknown[]> {
  const requests = await auditOf(cluster, `system:serviceaccount:${NAMESPACE}:${name}`);
  expect(requests.length).toBeGreaterThan(10);
  return requests.filter(({ allowed }) => !allowed);
}

const reportIn = async (volume: string | undefined, name: string) =>
  readFile(join(volume ?? "", name), "utf8");

describe("deploy/cronjob", () => {
  test("runs the program of the image, in the version of the package", async () => {
    const program = await readFile(join(ROOT, "deploy/Dockerfile"), "utf8");
    const [entry] = /^ENTRYPOINT .*$/m.exec(program) ?? [];
    const withGate = await readFile(join(ROOT, "deploy/cronjob/gate/Dockerfile"), "utf8");
    expect(withGate).toContain(`\n${entry}\n`);
    for (const { pod } of await cronJobsIn(BASE)) {
      const [{ image, command }] = pod.containers;
      expect([image, command]).toEqual([`istio-upgrade:${manifest.version}`, undefined]);
    }
  });

  test.for([
    ["check", "check"],
    ["restart", "restart-cluster"],
    ["restart", "lease"],
  ] as const)("gives the %s exactly the rules of deploy/rbac/%s.yaml", async ([name, role]) => {
    const objects = (await build(BASE)).filter(
      ({ metadata }) => metadata.name === `istio-upgrade-${role.replace("-cluster", "")}-cronjob`,
    );
    const isOwn = ({ resource }: Grant) => (role === "lease") === (resource === "leases");
    const grants = grantsOf(role, NAMESPACE).filter(isOwn);
    expect(grantsOfObjects(objects)).toEqual(expect.arrayContaining([...grants]));
    expect(grantsOfObjects(objects)).toHaveLength(grants.length);
    const subjects = [
      { kind: "ServiceAccount", name: `istio-upgrade-${name}`, namespace: NAMESPACE },
    ];
    const bindings = objects.filter(({ kind }) => kind.endsWith("Binding"));
    expect(bindings).toMatchObject(
      bindings.map(({ metadata }) => ({ roleRef: { name: metadata.name }, subjects })),
    );
    const roles = objects.filter(({ kind }) => kind.endsWith("Role"));
    expect(roles).not.toEqual([]);
    expect(bindings).toHaveLength(roles.length);
  });

  test("asks the gate of the page about waves", async () => {
    const script = await readFile(join(ROOT, "deploy/cronjob/gate/check-prometheus"), "utf8");
    expect(await readFile(join(ROOT, "docs/waves.md"), "utf8")).toContain(
      `\`\`\`sh\n${script}\`\`\``,
    );
  });

  test("ends the program before its Job, and after its last restart", async () => {
    for (const { name, job, pod } of await cronJobsIn(BASE)) {
      const [, hours = "0"] = /--deadline=(\d+)h/.exec(pod.containers[0].args.join(" ")) ?? [];
      expect(name.endsWith("restart")).toBe(hours !== "0");
      expect(pod.activeDeadlineSeconds).toBeGreaterThan(Number(hours) * 3600);
      const longest = pod.activeDeadlineSeconds + pod.terminationGracePeriodSeconds;
      expect(job.activeDeadlineSeconds).toBeGreaterThan(longest);
    }
  });
});

describe("the CronJobs on a real API server", () => {
  let overlays: readonly string[];
  let shop: Sandbox;
  let pay: Sandbox;
  const own: Sandbox[] = [];

  beforeAll(async () => {
    const upgrades = await createUpgrades(cluster, REVISION);
    overlays = await writeOverlays();
    await kubectl("apply", "-k", overlays[0] ?? "");
    const enter = async (labels: Readonly<Record<string, string>>) => {
      const sandbox = await openSandbox(
        cluster,
        { "istio.io/rev": REVISION, ...labels },
        "cronjob",
      );
      own.push(sandbox);
      return sandbox;
    };
    shop = await enter({ "nightly-restart": "yes" });
    pay = await enter({});
    const annotations = { "test.istio-upgrade/ready-after": "7s" };
    for (const name of ["one", "two", "three"]) {
      await shop.create("deployments", deployment(name, { annotations }));
    }
    await pay.create("deployments", deployment("other"));
    await untilReady(shop, 3);
    await untilReady(pay, 1);
    await upgrades.next();
  });
  afterAll(async () => {
    await Promise.all(own.map((sandbox) => sandbox.remove()));
    await kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found");
  });

  test("start pods that Pod Security admits, and that get no sidecar", async () => {
    // The namespace rejects other pods.
    const rejected = await cluster.request("POST", PODS, { body: podManifest("rejected") });
    expect([rejected.status, rejected.body.message]).toEqual([
      403,
      expect.stringContaining('violates PodSecurity "restricted:latest"'),
    ]);
    for (const kind of ["check", "restart"]) {
      const { spec } = await createJob(`istio-upgrade-${kind}`, `first-${kind}`);
      const containers = [...spec.containers, ...(spec.initContainers ?? [])];
      expect(containers.map(({ name }) => name)).toEqual(["istio-upgrade"]);
    }
    const reader = join(ROOT, "deploy/cronjob/report-volume/reader.yaml");
    expect(await kubectl("apply", "--dry-run=server", "-f", reader)).toContain(
      "report-reader created",
    );
  });

  test("get no sidecar, even if somebody labels the namespace for injection", async () => {
    const relabel = (labels: Readonly<Record<string, string | null>>) =>
      cluster.request("PATCH", `/api/v1/namespaces/${NAMESPACE}`, {
        body: { metadata: { labels } },
        contentType: "application/merge-patch+json",
      });
    const enforce = "pod-security.kubernetes.io/enforce";
    expect(
      (await relabel({ "istio-injection": null, "istio.io/rev": REVISION, [enforce]: null }))
        .status,
    ).toBe(200);
    try {
      await eventually(async () => {
        const dry = await cluster.request("POST", `${PODS}?dryRun=All`, {
          body: podManifest("other"),
        });
        expect(JSON.stringify(dry.body.spec)).toContain("istio-proxy");
      });
      for (const kind of ["check", "restart"]) {
        const { spec } = await createJob(`istio-upgrade-${kind}`, `labelled-${kind}`);
        expect(JSON.stringify(spec)).not.toContain("istio-proxy");
      }
    } finally {
      await relabel({
        "istio-injection": "disabled",
        "istio.io/rev": null,
        [enforce]: "restricted",
      });
    }
  });

  test("have the settings of the overlay on the page", async () => {
    const path = `/apis/batch/v1/namespaces/${NAMESPACE}/cronjobs`;
    const { body: check } = await cluster.request("GET", `${path}/istio-upgrade-check`);
    const { body: restart } = await cluster.request("GET", `${path}/istio-upgrade-restart`);
    expect([check.spec, restart.spec]).toMatchObject([
      { timeZone: "Europe/Berlin", concurrencyPolicy: "Forbid" },
      { timeZone: "Europe/Berlin", suspend: true, schedule: "0 3 * * 2-4" },
    ]);
    const [{ image, args }] = restart.spec.jobTemplate.spec.template.spec.containers;
    expect(image).toBe(`registry.example/istio-upgrade:${manifest.version}`);
    expect(args).toContain("--namespace-selector=nightly-restart=yes");
    expect(args).not.toContain("--all-namespaces");
  });

  test("a plan of the restart is shown as on the page", async ({ skip }) => {
    const refused = mountsRefused();
    if (refused !== undefined) return skipAloud(skip, refused);
    const cronJob = ["create", "job", "first-plan", "--from=cronjob/istio-upgrade-restart"];
    const job = JSON.parse(
      await kubectl(...cronJob, "-n", NAMESPACE, "--dry-run=client", "-o", "json"),
    );
    job.spec.template.spec.containers[0].args.push("--dry-run");
    expect((await cluster.request("POST", JOBS, { body: job })).status).toBe(201);
    const pod = await podOf("first-plan");
    const volumes = await mountVolumes(pod, await requestToken(cluster, pod, boundToPod(pod)));
    const ran = await startInPod(cluster, pod, volumes).done;
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringContaining("deploy/one") });
    expect(ran.stdout).not.toContain("deploy/other");
    const report = parseReport(
      "RestartReport",
      await reportIn(volumes["reports"], "first-plan.json"),
    );
    expect(report).toMatchObject({ dryRun: "client", cluster: { context: "in-cluster" } });
  });

  test("the check runs as its service account, and leaves its reports", async ({ skip }) => {
    const refused = mountsRefused();
    if (refused !== undefined) return skipAloud(skip, refused);
    const pod = await createJob("istio-upgrade-check", "nightly-check");
    const volumes = await mountVolumes(pod, await requestToken(cluster, pod, boundToPod(pod)));
    const ran = await startInPod(cluster, pod, volumes).done;
    const report = parseReport(
      "CheckReport",
      await reportIn(volumes["reports"], "nightly-check.json"),
    );
    expect([report.gaps, report.complete]).toEqual([[], true]);
    const seen = (namespace: string) =>
      report.workloads.filter((entry) => entry.namespace === namespace);
    expect(seen(NAMESPACE)).toEqual([]);
    const outdated = { verdict: "outdated", restart: "yes", withinMaxAge: true };
    expect(seen(shop.name)).toMatchObject([outdated, outdated, outdated]);
    expect(seen(pay.name)).toMatchObject([outdated]);
    expect(ran.status).toBe(report.exitCode);
    expect(ran.stderr).toMatch(/^RESULT exit=\d cluster=in-cluster .*gaps=0/m);
    expect((await readdir(volumes["reports"] ?? "")).toSorted()).toEqual([
      "nightly-check.html",
      "nightly-check.json",
    ]);
    await eventually(async () => expect(await refusedRequests("istio-upgrade-check")).toEqual([]));
  });

  test(
    "the restart ends well although its token was renewed, and the first one is void",
    { timeout: 240_000 },
    async ({ skip }) => {
      const refused = mountsRefused();
      if (refused !== undefined) return skipAloud(skip, refused);
      const pod = await createJob("istio-upgrade-restart", "nightly-restart");
      const firstSecret = await createSecret("first");
      await createSecret("second");
      const [first, second] = await Promise.all(
        ["first", "second"].map((name) => requestToken(cluster, pod, { kind: "Secret", name })),
      );
      const volumes = await mountVolumes(pod, first ?? "");
      const running = startInPod(cluster, pod, volumes, (args) => {
        expect(args).toContain("--soak=5m");
        return args.map((argument) => (argument === "--soak=5m" ? "--soak=2s" : argument));
      });
      const ended = endOf(running);
      await eventually(async () => expect(running.stderr()).toContain("deploy/one: restarting"));

      await writeToken(volumes[accountVolume(pod)] ?? "", second ?? "");
      expect((await cluster.request("DELETE", firstSecret)).status).toBe(200);
      // The API server remembers a token for ten seconds.
      await eventually(async () => expect(await statusWith(first ?? "")).toBe(401));
      expect(ended()).toBe(false);
      const ran = await running.done;

      expect(ran.stderr).toMatch(/^RESULT exit=0 cluster=in-cluster .*gaps=0/m);
      expect(ran.status).toBe(0);
      const report = parseReport(
        "RestartReport",
        await reportIn(volumes["reports"], "nightly-restart.json"),
      );
      expect(report).toMatchObject({
        user: `system:serviceaccount:${NAMESPACE}:istio-upgrade-restart`,
        complete: true,
        waves: [{}, {}, {}],
      });
      expect(report.results.map(({ name, outcome }) => [name, outcome]).toSorted()).toEqual([
        ["one", "restarted"],
        ["three", "restarted"],
        ["two", "restarted"],
      ]);
      expect((await pay.get("deployments", "other")).metadata.generation).toBe(1);
      await eventually(async () =>
        expect(await refusedRequests("istio-upgrade-restart")).toEqual([]),
      );
    },
  );

  test("the restart of the other overlay asks its gate, which refuses without an answer", async ({
    skip,
  }) => {
    const refused = mountsRefused();
    if (refused !== undefined) return skipAloud(skip, refused);
    await kubectl("apply", "-k", overlays[1] ?? "");
    const pod = await createJob("istio-upgrade-restart", "gated-restart");
    const [{ image, env }] = pod.spec.containers;
    expect([image, env]).toEqual([
      `registry.example/istio-upgrade-gate:${manifest.version}`,
      [{ name: "PROMETHEUS_URL", value: "http://prometheus.example:9090" }],
    ]);
    const volumes = await mountVolumes(pod, await requestToken(cluster, pod, boundToPod(pod)));
    const { configMap } = pod.spec.volumes.find(({ name }: { name: string }) => name === "gate");
    const path = `/api/v1/namespaces/${NAMESPACE}/configmaps/${configMap.name}`;
    const { data } = (await cluster.request("GET", path)).body;
    await writeVolume(volumes["gate"] ?? "", data, configMap.defaultMode);
    const running = startInPod(cluster, pod, volumes, (args) => {
      expect([args[1], args[4]]).toEqual(["--all-namespaces", "--soak=5m"]);
      return [...args.with(1, `--namespace=${pay.name}`).with(4, "--soak=1s"), "--json"];
    });
    const ran = await running.done;
    expect(ran.status).toBe(3);
    expect(parseReport("RestartReport", ran.stdout)).toMatchObject({
      exitReasons: expect.arrayContaining([expect.stringContaining("gate-refused")]),
      results: [{ name: "other", outcome: "restarted" }],
    });
  });

  test("are removed as on the page", async () => {
    await kubectl("delete", "-k", overlays[0] ?? "");
    for (const object of await build(overlays[0] ?? "")) {
      const { kind, metadata } = object;
      const place = metadata.namespace === undefined ? [] : ["-n", metadata.namespace];
      const found = await kubectl("get", kind, metadata.name, ...place, "--ignore-not-found");
      expect([kind, metadata.name, found]).toEqual([kind, metadata.name, ""]);
    }
  });
});

test("the metrics of a check reach a Pushgateway, by the script of its component", async () => {
  const received: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    received.push(`${request.method} ${request.url} ${Buffer.concat(chunks).toString()}`);
    response.end();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  try {
    const [, overlay = ""] = await writeOverlays();
    const [check] = await cronJobsIn(overlay);
    const [program, push] = check?.pod.containers ?? [];
    expect(program.args.at(-1)).toBe("--report-file=/metrics/istio_upgrade.prom");
    const place = await mkdtemp(join(folder, "metrics-"));
    const [command = "", ...args] = (push.command as string[]).map((word) =>
      word.replaceAll("/metrics/istio_upgrade", `${place}/istio_upgrade`),
    );
    const { port } = server.address() as AddressInfo;
    const [{ name, value }] = push.env;
    const own = value.replace("http://pushgateway.example:9091", `http://127.0.0.1:${port}`);
    const env = { PATH: process.env["PATH"], [name]: own };
    const pushed = run(command, args, { env });
    await writeFile(join(place, "istio_upgrade.prom"), "some_metric 1\n");
    await pushed;
    expect(received).toEqual(["PUT /metrics/job/istio-upgrade/instance/prod-1 some_metric 1\n"]);
  } finally {
    server.close();
  }
});

function boundToPod({ metadata }: Pod) {
  return { kind: "Pod" as const, name: metadata.name as string };
}

/** Returns a function that says whether a run has ended. */
function endOf(running: RunningProgram): () => boolean {
  let result: RunResult | undefined;
  void running.done.then((ended) => (result = ended));
  return () => result !== undefined;
}

function skipAloud(skip: (reason: string) => void, reason: string): void {
  process.stderr.write(`skipped: this machine makes no mount namespace: ${reason}\n`);
  skip(reason);
}
