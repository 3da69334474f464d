import { afterAll, beforeAll, describe, expect } from "vitest";
import { eventually, type Sandbox, test } from "../contract/sandbox.ts";
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
const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/** Namespaces in which every permission is needed and all workloads are current. */
interface Namespaces {
  readonly shop: Sandbox;
  /** A namespace with only a Job. */
  readonly jobs: Sandbox;
  /** A namespace with a StatefulSet that has no pods because of a quota. */
  readonly podless: Sandbox;
  /** A namespace with only an Argo Rollout. */
  readonly argo: Sandbox;
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
}

describe("least privilege on a real API server", () => {
  let cluster: RealCluster;
  beforeAll(async () => {
    cluster = openRealCluster();
    await cluster.installRevision({ name: REVISION, image: IMAGE });
    await cluster.moveImage(REVISION, IMAGE);
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

  test.for(ROLES)(
    "%s has all permissions that the program needs, and no others",
    { timeout: 600_000 },
    async (role, { enter }) => {
      const namespaces = await createNamespaces(cluster, enter);
      const { shop, jobs, podless, argo } = namespaces;
      // The role is bound in each of the namespaces.
      const grants = [shop, jobs, podless, argo].flatMap(({ name }, index) =>
        grantsOf(role, name).filter(({ namespace }) => index === 0 || namespace === name),
      );
      await runAll(cluster, role, grants, namespaces);

      const tried = new Map(
        grants
          .filter(
            (grant) =>
              !isForComposedImages(grant) &&
              (isInIstioNamespace(grant) || [undefined, shop.name].includes(grant.namespace)),
          )
          .map((grant) => [keyOf(grant), grant]),
      );
      const wrong: string[] = [];
      for (const [index, grant] of [...tried.values()].entries()) {
        const trial = trialOf(grant, role, namespaces);
        const without = grants.filter(
          (other) =>
            nameOf(other) !== nameOf(grant) ||
            isInIstioNamespace(other) !== isInIstioNamespace(grant),
        );
        const kubeconfig = await cluster.userKubeconfig(`${role}-${index}`, rulesOf(without));
        const env = { KUBECONFIG: kubeconfig };
        const ran = await runInProcess([...trial.args, "--json"], env, { speed: 5 });
        const found = mistakeOf(ran, grant, trial);
        const place = isInIstioNamespace(grant) ? ` in ${ISTIO}` : "";
        const row = `${role} without ${nameOf(grant)}${place}`.padEnd(100);
        const names = trial.says ?? `names the gap ${nameOf(grant)}`;
        process.stdout.write(
          `${found ? "FAILED" : "ok    "} ${row} ${trial.args[0]} -> ${ran.status}, ${found ?? names}\n`,
        );
        if (found) wrong.push(`${row} ${found}: ${ran.stdout}${ran.stderr}`);
      }
      process.stdout.write(
        `rbac: ${role}: ${tried.size - wrong.length} of ${tried.size} missing permissions are reported by name, and never with exit code 0\n`,
      );
      expect(wrong).toEqual([]);
    },
  );
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

const WORKLOADS: Readonly<Record<string, string>> = {
  deployments: "deploy/web",
  statefulsets: "sts/db",
  daemonsets: "ds/agent",
  rollouts: "rollout/web",
};

function trialOf(grant: Grant, role: RoleName, namespaces: Namespaces): Trial {
  const { verb, resource, namespace } = grant;
  const { shop, jobs, podless, argo } = namespaces;
  const of = (sandbox: Sandbox) => ["-n", sandbox.name];
  const home = resource === "rollouts" ? argo : resource === "jobs" ? jobs : shop;
  const workload = WORKLOADS[resource];
  const again = ["--include", "current", "--yes"];
  if (verb === "create") {
    const args = ["check", ...of(shop), "--prove", "always"];
    return { args, status: 6, gapIn: shop.name };
  }
  if (resource === "resourcequotas") {
    return { args: ["restart", "sts/db", ...of(shop), ...again], status: 6, gapIn: shop.name };
  }
  if (resource === "events") {
    return {
      args: ["check", ...of(podless)],
      status: 6,
      says: `not allowed to list events in ${podless.name}`,
    };
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
  await podless.create("resourcequotas", {
    apiVersion: "v1",
    kind: "ResourceQuota",
    metadata: { name: "none" },
    spec: { hard: { pods: "0" } },
  });
  await shop.create("deployments", deployment("web"));
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
    pod: nameOfPod(pods, "web"),
    jobPod: nameOfPod(await jobs.pods(), ""),
  };
}

/** With the whole role every command succeeds, requests nothing else, and uses every permission. */
async function runAll(
  cluster: RealCluster,
  role: RoleName,
  grants: readonly Grant[],
  { shop, jobs, podless, argo, pod, jobPod }: Namespaces,
): Promise<void> {
  const user = `whole-${role}`;
  const env = { KUBECONFIG: await cluster.userKubeconfig(user, rulesOf(grants)) };
  const inShop = ["-n", shop.name];
  const looks = [
    ["check", ...inShop],
    ["check", "-n", jobs.name],
    ["check", "-n", argo.name],
    ["verify", ...inShop],
  ];
  const reads = [
    ["explain", `pod/${pod}`, ...inShop],
    ["explain", `pod/${jobPod}`, "-n", jobs.name],
    ["revisions"],
  ];
  const acts = [shop, argo].map(({ name }) => [
    "restart",
    "-n",
    name,
    "--include",
    "current",
    "--yes",
  ]);
  const runs = [...looks, ...(role === "read-only" ? reads : acts)];
  for (const args of runs) {
    const { status, stdout } = await runInProcess([...args, "--json"], env, { speed: 5 });
    expect([args, status, JSON.parse(stdout).gaps]).toEqual([args, 0, []]);
  }
  const ran = await runInProcess(["check", "-n", podless.name], env);
  expect([ran.status, ran.stdout]).toEqual([5, expect.stringContaining("exceeded quota: none")]);
  if (role !== "restart-namespace") {
    const { stdout } = await runInProcess(["check", "--json"], env);
    expect(JSON.parse(stdout)).toMatchObject({ gaps: [] });
  }
  await eventually(async () => {
    const requests = await auditOf(cluster, `system:serviceaccount:test-users:${user}`);
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
