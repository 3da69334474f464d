import { afterAll, beforeAll, describe, expect } from "vitest";
import { eventually, type Sandbox, test, untilReady } from "../contract/sandbox.ts";
import { createClaim, mounting } from "../contract/claim.ts";
import { createReplaceable, type PatchedRevision, setNodeStatus } from "../contract/replaceable.ts";
import { argoRollout, daemonSet, deployment, statefulSet } from "../support/manifests.ts";
import { type Grant, grantsOf, nameOf, type RoleName, ROLES, rulesOf } from "../support/rbac.ts";
import { runInProcess } from "../support/run-in-process.ts";
import type { Answer } from "../support/test-cluster.ts";
import type { GapEntry } from "../../src/report/document.ts";
import type { RunResult } from "../support/run-program.ts";
import { auditOf } from "./audit.ts";
import { GATEWAY_CRD } from "./gateway-crd.ts";
import { openRealCluster } from "./open-real-cluster.ts";
import type { RealCluster } from "./real-cluster.ts";

const REVISION = "asm-1-17";
const IMAGE = "mcr.microsoft.com/oss/istio/proxyv2:1.17.1-distroless";
/** A revision whose image has changed since its pods were created. */
const LATE = "asm-1-18";
const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/** Namespaces in which every permission is needed. In all but one, the workloads are current. */
interface Namespaces {
  readonly shop: Sandbox;
  /** A namespace with only a Job. */
  readonly jobs: Sandbox;
  /** A namespace with a StatefulSet that has no pods because of a quota. */
  readonly podless: Sandbox;
  /** A namespace with only an Argo Rollout. */
  readonly argo: Sandbox;
  /** A namespace with an outdated workload. */
  readonly late: Sandbox;
  /** A namespace without workloads, to move. */
  readonly ring: Sandbox;
  /** A namespace with a StatefulSet whose pod is older than its template. */
  readonly parted: Sandbox;
  readonly pod: string;
  readonly jobPod: string;
}

/** A run that needs one permission, and its expected result without the permission. */
interface Trial {
  readonly args: readonly string[];
  readonly status: number;
  /** The expected text on stderr or in the report, if the missing permission leaves no gap. */
  readonly says?: string;
  /** The namespace of the only gap in the report; `null` for the whole cluster. */
  readonly gapIn?: string | null;
  /** The most runs until one is right; 1 by default. */
  readonly attempts?: number;
}

describe("least privilege on a real API server", () => {
  let cluster: RealCluster;
  beforeAll(async () => {
    cluster = openRealCluster();
    await cluster.installRevision({ name: REVISION, image: IMAGE });
    await cluster.moveImage(REVISION, IMAGE);
    await cluster.installRevision({ name: LATE, image: IMAGE });
    await cluster.installRevision({ name: REPLACED.name, image: IMAGE, native: true });
    await cluster.installArgoRollouts();
    await cluster.request("POST", CRDS, { body: GATEWAY_CRD });
    await eventually(async () => {
      const path = "/apis/gateway.networking.k8s.io/v1/gateways";
      expect((await cluster.request("GET", path)).status).toBe(200);
    });
  });
  afterAll(async () => {
    await cluster.request("DELETE", `${CRDS}/${GATEWAY_CRD.metadata.name}`);
    await cluster.stop();
  });

  test.for(ROLES.filter((role) => role !== "lease"))(
    "%s has all permissions that the program needs, and no others",
    { timeout: 600_000 },
    async (role, { enter }) => {
      const namespaces = await createNamespaces(cluster, enter);
      const { shop, jobs, podless, argo, late, parted, ring } = namespaces;
      // The role is bound in each of the namespaces.
      const grants = [shop, jobs, podless, argo, late, parted, ring].flatMap(({ name }, index) =>
        grantsOf(role, name).filter(({ namespace }) => index === 0 || namespace === name),
      );
      await runAll(cluster, role, grants, namespaces);
      const replaceable =
        role === "in-place" ? await replaceInPlace(cluster, enter, grants) : undefined;
      if (replaceable === undefined) await expectMinimal(cluster, role, grants);

      const tried = new Map(
        grants
          .filter(
            (grant) =>
              !isForComposedImages(grant) &&
              (isInIstioNamespace(grant) ||
                [undefined, shop.name, PULLS].includes(grant.namespace)),
          )
          .map((grant) => [keyOf(grant), grant]),
      );
      const wrong: string[] = [];
      for (const [index, grant] of [...tried.values()].entries()) {
        const trial =
          (replaceable && trialInPlace(grant, replaceable)) ?? trialOf(grant, role, namespaces);
        const without = grants.filter(
          (other) =>
            nameOf(other) !== nameOf(grant) ||
            isInIstioNamespace(other) !== isInIstioNamespace(grant),
        );
        const kubeconfig = await cluster.userKubeconfig(`${role}-${index}`, rulesOf(without));
        const env = { KUBECONFIG: kubeconfig };
        const tryOnce = async () => {
          const ran = await runInProcess([...trial.args, "--json"], env, { speed: 5 });
          return { ran, found: mistakeOf(ran, grant, trial) };
        };
        let { ran, found } = await tryOnce();
        for (let attempt = 1; found !== undefined && attempt < (trial.attempts ?? 1); attempt++) {
          ({ ran, found } = await tryOnce());
        }
        const place = isInIstioNamespace(grant) ? ` in ${ISTIO}` : "";
        const row = `${role} without ${nameOf(grant)}${place}`.padEnd(100);
        const names = trial.says ?? `names the gap ${nameOf(grant)}`;
        process.stdout.write(
          `${found ? "FAILED" : "ok    "} ${row} ${trial.args[0]} -> ${ran.status}, ${found ?? names}\n`,
        );
        if (found) wrong.push(`${row} ${found}: ${ran.stdout}${ran.stderr}`);
      }
      process.stdout.write(
        `rbac: ${role}: ${tried.size - wrong.length} of ${tried.size} missing permissions are reported by name\n`,
      );
      expect(wrong).toEqual([]);
    },
  );

  test("lease has all permissions that --lease needs, and no others", async ({ enter }) => {
    const shop = await enter({ "istio.io/rev": REVISION });
    await shop.create("deployments", deployment("web"));
    await untilReady(shop, 1);
    const grants = grantsOf("lease", shop.name);
    const base = new Set(grantsOf("restart-cluster", shop.name).map(nameOf));
    const own = grants.filter((grant) => !base.has(nameOf(grant)));
    const again = ["-n", shop.name, "--include", "current", "--yes", "--json"];
    const args = ["restart", ...again, "--lease", `${shop.name}/istio-upgrade`];
    const whole = await cluster.userKubeconfig("whole-lease", rulesOf(grants));
    const ran = await runInProcess(args, { KUBECONFIG: whole });
    expect([ran.status, JSON.parse(ran.stdout).lease]).toMatchObject([0, { outcome: "taken" }]);
    await eventually(async () => {
      const asked = await auditOf(cluster, "system:serviceaccount:test-users:whole-lease");
      const ofLeases = asked.filter(({ resource }) => resource === "leases");
      expect(ofLeases.filter(({ allowed }) => !allowed)).toEqual([]);
      const verbs = new Set(ofLeases.map(({ verb }) => verb));
      expect([...verbs].toSorted()).toEqual(own.map(({ verb }) => verb).toSorted());
      expect(new Set(ofLeases.map(({ namespace }) => namespace))).toEqual(new Set([shop.name]));
    });
    for (const grant of own) {
      const without = rulesOf(grants.filter((other) => nameOf(other) !== nameOf(grant)));
      const kubeconfig = await cluster.userKubeconfig(`lease-${grant.verb}`, without);
      const refused = await runInProcess(args, { KUBECONFIG: kubeconfig });
      const object = grant.resourceNames === undefined ? "" : ' "istio-upgrade"';
      expect([refused.status, refused.stderr]).toEqual([
        1,
        expect.stringContaining(
          `error: not allowed to ${nameOf(grant)}${object} in the namespace "${shop.name}" for --lease, so nothing was restarted\nask for the permissions in deploy/rbac/lease.yaml, then check: kubectl auth can-i ${grant.verb} leases.coordination.k8s.io${object === "" ? "" : "/istio-upgrade"} -n ${shop.name}`,
        ),
      ]);
    }
    // A right to another lease is no right to this one.
    const other = grants.map((grant) => ({
      ...grant,
      ...(grant.resourceNames && { resourceNames: ["another"] }),
    }));
    const kubeconfig = await cluster.userKubeconfig("lease-another", rulesOf(other));
    const refused = await runInProcess(args, { KUBECONFIG: kubeconfig });
    expect([refused.status, refused.stderr]).toEqual([
      1,
      expect.stringContaining('not allowed to get leases.coordination.k8s.io "istio-upgrade"'),
    ]);
  });
});

/**
 * Returns the mistake of a run. Returns `undefined` if the run named only the missing permission
 * and did not exit with 0.
 */
function mistakeOf(
  ran: RunResult,
  grant: Grant,
  { status, says, gapIn }: Trial,
): string | undefined {
  if (ran.status !== status) return `exit ${ran.status} instead of ${status}`;
  if (says !== undefined && !`${ran.stdout}${ran.stderr}`.includes(says)) return `no "${says}"`;
  if (gapIn === undefined) return undefined;
  const gaps: readonly GapEntry[] = JSON.parse(ran.stdout).gaps;
  // Deployments are also listed in the Istio namespace.
  const others = gaps.filter(
    ({ what, reason }) => what !== nameOf(grant) || reason !== "forbidden",
  );
  return others.length === 0 && gaps.some(({ namespace }) => namespace === gapIn)
    ? undefined
    : `gaps ${gaps.map(({ what, namespace }) => `${what} in ${namespace}`).join()}`;
}

function keyOf(grant: Grant): string {
  return `${nameOf(grant)} ${grant.namespace ?? ""}`;
}

const ISTIO = "aks-istio-system";

/** True for a grant that the image of AKS does not need: test/contract/proof-need.test.ts uses it. */
function isForComposedImages({ resource }: Grant): boolean {
  return resource === "proxyconfigs";
}

/** True for a grant in the Istio namespace, unlike the namespaces of workloads. */
function isInIstioNamespace({ namespace }: Grant): boolean {
  return namespace === ISTIO;
}

/** The namespace in which in-place.yaml allows pods that pull images. */
const PULLS = "default";

const REPLACED: PatchedRevision = {
  name: "asm-1-77",
  from: IMAGE,
  to: IMAGE.replace("1.17.1", "1.17.2"),
};

/** Replaces sidecars in place, as far as it goes without a kubelet, and pulls an image without success. */
async function replaceInPlace(
  cluster: RealCluster,
  enter: (labels: Readonly<Record<string, string>>) => Promise<Sandbox>,
  grants: readonly Grant[],
): Promise<Sandbox> {
  const { sandbox, node } = await createReplaceable(cluster, enter, REPLACED);
  const env = { KUBECONFIG: await cluster.userKubeconfig("whole-in-place", rulesOf(grants)) };
  const args = ["restart", "-n", sandbox.name, "--in-place", "--json"];
  const checked = await runInProcess([...args, "--dry-run=server"], env);
  expect([checked.status, JSON.parse(checked.stdout).gaps]).toEqual([0, []]);
  await setNodeStatus(cluster, node, { images: [{ names: [IMAGE], sizeBytes: 1 }] });
  const pulled = await runInProcess([...args, "--pull", "--yes", "--timeout", "3s"], env);
  expect([pulled.status, JSON.parse(pulled.stdout).results]).toMatchObject([
    5,
    [{ code: "image-not-pulled" }],
  ]);
  await setNodeStatus(cluster, node, {
    images: [IMAGE, REPLACED.to].map((image) => ({ names: [image], sizeBytes: 1 })),
  });
  await expectMinimal(cluster, "in-place", grants);
  return sandbox;
}

/** The run that needs a permission of in-place.yaml alone; `undefined` for another permission. */
function trialInPlace(grant: Grant, { name }: Sandbox): Trial | undefined {
  const args = ["restart", "-n", name, "--in-place"];
  switch (nameOf(grant)) {
    case "patch pods":
      return {
        args: [...args, "--dry-run=server"],
        status: 1,
        says: `not allowed to patch pods in the namespace "${name}" for --in-place`,
      };
    case "list nodes":
      return {
        args: [...args, "--dry-run=server"],
        status: 1,
        says: "not allowed to list nodes, which --in-place needs",
      };
    case "delete pods":
      return {
        args: [...args, "--pull", "--yes"],
        status: 1,
        says: `not allowed to delete pods in the namespace "${PULLS}" for --pull`,
      };
    default:
      return undefined;
  }
}

const WORKLOADS: Readonly<Record<string, string>> = {
  deployments: "deploy/web",
  statefulsets: "sts/db",
  daemonsets: "ds/agent",
  rollouts: "rollout/web",
};

function trialOf(grant: Grant, role: RoleName, namespaces: Namespaces): Trial {
  const { verb, resource, namespace } = grant;
  const { shop, jobs, podless, argo, late, parted, ring } = namespaces;
  const of = (sandbox: Sandbox) => ["-n", sandbox.name];
  const home = resource === "rollouts" ? argo : resource === "jobs" ? jobs : shop;
  const workload = WORKLOADS[resource];
  const again = ["--include", "current", "--yes"];
  if (nameOf(grant) === "create events.events.k8s.io") {
    const says = `error: not allowed to create events.events.k8s.io in the namespace "${shop.name}" for --events, so nothing was restarted`;
    return { args: ["restart", ...of(shop), ...again, "--events"], status: 1, says };
  }
  if (verb === "create") {
    const args = ["check", ...of(shop), "--prove", "always"];
    return { args, status: 6, gapIn: shop.name };
  }
  if (resource === "controllerrevisions") {
    return { args: ["check", ...of(parted), "--drift"], status: 6, gapIn: parted.name };
  }
  if (resource === "resourcequotas") {
    return { args: ["restart", "sts/db", ...of(shop), ...again], status: 6, gapIn: shop.name };
  }
  if (resource === "persistentvolumeclaims" || resource === "poddisruptionbudgets") {
    const place = resource === "poddisruptionbudgets" ? argo : shop;
    return {
      args: ["check", ...of(place), "--include", "current"],
      status: 0,
      says: `not allowed to ${verb} ${resource} in ${place.name}`,
    };
  }
  if (resource === "replicasets" && namespace === ISTIO) {
    const says = `not allowed to list replicasets in ${ISTIO}`;
    return { args: ["check", ...of(late)], status: 2, says };
  }
  if (resource === "events") {
    return {
      args: ["check", ...of(podless)],
      status: 6,
      says: `not allowed to list events in ${podless.name}`,
    };
  }
  if (verb === "watch") {
    const args = ["restart", workload ?? "", ...of(home), ...again, "--verbose"];
    // A rollout may be complete before its watch is answered.
    return { args, status: 0, says: "the watch was rejected: HTTP 403", attempts: 3 };
  }
  if (nameOf(grant) === "patch namespaces") {
    const says = `error: not allowed to patch namespaces in the namespace "${ring.name}", so nothing was restarted`;
    return { args: ["move", ring.name, "--to", REVISION, "--yes"], status: 1, says };
  }
  if (verb === "patch" || (verb === "get" && workload !== undefined)) {
    const args = ["restart", workload ?? "", ...of(home), ...again];
    const says = `error: not allowed to ${nameOf(grant)} in the namespace "${home.name}", so nothing was restarted`;
    return { args, status: 1, says };
  }
  if (verb === "get" && resource !== "namespaces") {
    const pod = resource === "jobs" ? namespaces.jobPod : namespaces.pod;
    const says = `error: you may not get ${resource} in the namespace "${home.name}"`;
    return { args: ["explain", `pod/${pod}`, ...of(home)], status: 1, says };
  }
  if (["cronjobs", "replicationcontrollers", "gateways"].includes(resource)) {
    return { args: ["revisions"], status: 6, gapIn: null };
  }
  if (resource === "nodes" || resource === "envoyfilters") {
    const says = `not allowed to ${nameOf(grant)}`;
    return { args: ["status", "--to", "asm-1-99"], status: 5, says };
  }
  if (nameOf(grant) === "list namespaces") {
    return { args: ["check", "--exclude-namespace", "none"], status: 6, gapIn: null };
  }
  if (resource === "mutatingwebhookconfigurations" || namespace === ISTIO) {
    // With the permission to create pods, every verdict would be proved instead.
    const args = ["check", ...of(shop), "--prove", "never"];
    return { args, status: 6, gapIn: namespace ?? null };
  }
  return { args: ["check", ...of(home)], status: 6, gapIn: home.name };
}

async function createNamespaces(
  cluster: RealCluster,
  enter: (labels: Readonly<Record<string, string>>) => Promise<Sandbox>,
): Promise<Namespaces> {
  const labels = { "istio.io/rev": REVISION };
  const shop = await enter(labels);
  const [jobs, podless, argo] = [await enter(labels), await enter(labels), await enter(labels)];
  const late = await createOutdated(cluster, enter);
  const parted = await enter(labels);
  const ring = await enter(labels);
  await podless.create("resourcequotas", {
    apiVersion: "v1",
    kind: "ResourceQuota",
    metadata: { name: "none" },
    spec: { hard: { pods: "0" } },
  });
  await createClaim(cluster, shop, "data", "ReadWriteOnce");
  await shop.create("deployments", deployment("web", { podSpec: mounting("data") }));
  await shop.create("statefulsets", statefulSet("db", { replicas: 2 }));
  await shop.create("daemonsets", daemonSet("agent"));
  await argo.create("rollouts", argoRollout("web", { replicas: 2 }));
  const spec = { containers: [{ name: "app", image: "app" }], restartPolicy: "Never" };
  const body = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "report" },
    spec: { template: { spec } },
  };
  const path = `/apis/batch/v1/namespaces/${jobs.name}/jobs`;
  expect((await cluster.request("POST", path, { body })).status).toBe(201);
  await eventually(async () => {
    const check = ["verify", "-n", shop.name];
    expect((await runInProcess(check, { KUBECONFIG: cluster.kubeconfig })).status).toBe(0);
    expect(await shop.pods()).not.toHaveLength(0);
    const { status } = await argo.get("rollouts", "web");
    expect([status?.phase, await argo.pods()]).toMatchObject(["Healthy", { length: 2 }]);
    expect(await jobs.pods()).toHaveLength(1);
  });
  await podless.create("statefulsets", statefulSet("db"));
  await createParted(parted);
  await eventually(async () => {
    const events = await cluster.request("GET", podless.path("events"));
    expect(JSON.stringify(events.body)).toContain("FailedCreate");
  });
  const nameOfPod = (pods: Answer["body"][], app: string) =>
    pods.find(({ metadata }) => metadata.labels.app === app || app === "")?.metadata.name;
  const pods = await shop.pods();
  return {
    shop,
    jobs,
    podless,
    argo,
    late,
    parted,
    ring,
    pod: nameOfPod(pods, "web"),
    jobPod: nameOfPod(await jobs.pods(), ""),
  };
}

async function createOutdated(
  cluster: RealCluster,
  enter: (labels: Readonly<Record<string, string>>) => Promise<Sandbox>,
): Promise<Sandbox> {
  await cluster.moveImage(LATE, IMAGE);
  const late = await enter({ "istio.io/rev": LATE });
  await late.create("deployments", deployment("web"));
  await untilReady(late, 1);
  await cluster.moveImage(LATE, IMAGE.replace("1.17.1", "1.17.2"));
  return late;
}

/** Creates a StatefulSet whose partition keeps its pod on the template before the last change. */
async function createParted(sandbox: Sandbox): Promise<void> {
  const updateStrategy = { type: "RollingUpdate", rollingUpdate: { partition: 1 } };
  await sandbox.create("statefulsets", statefulSet("db", { spec: { updateStrategy } }));
  await eventually(async () => {
    const { status } = await sandbox.get("statefulsets", "db");
    expect(status).toMatchObject({ readyReplicas: 1 });
  });
  const annotations = { note: "changed" };
  await sandbox.patch("statefulsets", "db", { spec: { template: { metadata: { annotations } } } });
  await eventually(async () => {
    const { status } = await sandbox.get("statefulsets", "db");
    expect(status.updateRevision).not.toBe(status.currentRevision);
  });
}

/** With the whole role every command succeeds. */
async function runAll(
  cluster: RealCluster,
  role: RoleName,
  grants: readonly Grant[],
  { shop, jobs, podless, argo, late, parted, ring, pod, jobPod }: Namespaces,
): Promise<void> {
  const user = `whole-${role}`;
  const env = { KUBECONFIG: await cluster.userKubeconfig(user, rulesOf(grants)) };
  const inShop = ["-n", shop.name];
  const looks = [
    ["check", ...inShop],
    ["check", "-n", jobs.name],
    ["check", ...inShop, "--include", "current"],
    ["check", "-n", argo.name, "--include", "current"],
    ["verify", ...inShop],
  ];
  const reads = [
    ["explain", `pod/${pod}`, ...inShop],
    ["explain", `pod/${jobPod}`, "-n", jobs.name],
    ["revisions"],
  ];
  const flags = ["--include", "current", "--yes", ...(role === "events" ? ["--events"] : [])];
  const acts = [shop, argo].map(({ name }) => ["restart", "-n", name, ...flags]);
  const compared = ["check", "-n", parted.name, "--drift"];
  const moved = role === "move" ? [["move", ring.name, "--to", LATE, "--yes"]] : [];
  const runs = [
    ...looks,
    ...(role === "read-only" ? reads : role === "check" ? [] : [compared, ...acts, ...moved]),
  ];
  for (const args of runs) {
    const { status, stdout } = await runInProcess([...args, "--json"], env, { speed: 5 });
    expect([args, status, JSON.parse(stdout).gaps]).toEqual([args, 0, []]);
  }
  if (role === "read-only") {
    const planned = await runInProcess(["status", "--to", "asm-1-99", "--json"], env);
    expect([planned.status, JSON.parse(planned.stdout).gaps]).toEqual([5, []]);
    expect(planned.stdout).not.toContain("not allowed");
  }
  const outdated = await runInProcess(["check", "-n", late.name, "--json"], env);
  expect([outdated.status, JSON.parse(outdated.stdout).gaps]).toEqual([2, []]);
  expect(outdated.stdout).not.toContain("not allowed");
  const ran = await runInProcess(["check", "-n", podless.name], env);
  expect([ran.status, ran.stdout]).toEqual([5, expect.stringContaining("exceeded quota: none")]);
  if (role !== "restart-namespace") {
    const { stdout } = await runInProcess(["check", "--json"], env);
    expect(JSON.parse(stdout)).toMatchObject({ gaps: [] });
  }
}

/** Checks that a user has requested nothing else than the grants, and has used each of them. */
async function expectMinimal(
  cluster: RealCluster,
  role: RoleName,
  grants: readonly Grant[],
): Promise<void> {
  await eventually(async () => {
    const user = `system:serviceaccount:test-users:whole-${role}`;
    const requests = await auditOf(cluster, user);
    const refused = requests.filter(({ allowed }) => !allowed);
    expect(refused).toEqual([]);
    const asked = requests.filter(
      ({ resource }) => resource !== undefined && !resource.startsWith("selfsubject"),
    );
    const covers = (grant: Grant, { verb, group, resource, namespace }: (typeof asked)[number]) =>
      grant.verb === verb &&
      grant.resource === resource &&
      grant.group === group &&
      (grant.namespace === undefined || grant.namespace === namespace);
    expect(asked.filter((request) => !grants.some((grant) => covers(grant, request)))).toEqual([]);
    const idle = grants.filter(
      (grant) =>
        !isForComposedImages(grant) &&
        !grants.some(
          (other) =>
            nameOf(other) === nameOf(grant) &&
            isInIstioNamespace(other) === isInIstioNamespace(grant) &&
            asked.some((request) => covers(other, request)),
        ),
    );
    expect(idle.map(keyOf)).toEqual([]);
  });
}
