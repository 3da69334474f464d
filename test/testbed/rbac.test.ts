import { afterAll, beforeAll, describe, expect } from "vitest";
import { eventually, type Sandbox, test } from "../contract/sandbox.ts";
import { daemonSet, deployment, statefulSet } from "../support/manifests.ts";
import { type Grant, grantsOf, nameOf, type RoleName, ROLES, rulesOf } from "../support/rbac.ts";
import { runInside } from "../support/run-inside.ts";
import type { Answer } from "../support/test-cluster.ts";
import { auditOf } from "./audit.ts";
import { GATEWAY_CRD } from "./gateway-crd.ts";
import { openRealCluster } from "./open-real-cluster.ts";
import type { RealCluster } from "./real-cluster.ts";

const REVISION = "asm-1-17";
const IMAGE = "mcr.microsoft.com/oss/istio/proxyv2:1.17.1-distroless";
const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/** Where every permission has something to be used for, and all is current. */
interface World {
  readonly shop: Sandbox;
  /** Holds a Job alone: no dry run tells anything of it. */
  readonly jobs: Sandbox;
  /** Holds a StatefulSet that a quota keeps from having pods. */
  readonly podless: Sandbox;
  readonly pod: string;
  readonly jobPod: string;
}

/** A run that needs one permission, and how it ends without it. */
interface Trial {
  readonly args: readonly string[];
  readonly status: number;
  readonly says: string;
}

describe("least privilege on a real API server", () => {
  let cluster: RealCluster;
  beforeAll(async () => {
    cluster = openRealCluster();
    await cluster.installRevision({ name: REVISION, image: IMAGE });
    await cluster.moveImage(REVISION, IMAGE);
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
    "%s: all of it is needed, and nothing else is asked for",
    async (role, { enter }) => {
      const world = await openWorld(cluster, enter);
      const grants = grantsOf(role, world.shop.name).concat(
        // The same role, bound in a second namespace.
        grantsOf(role, world.jobs.name).filter(({ namespace }) => namespace === world.jobs.name),
      );
      await runAll(cluster, role, grants, world);

      // Asked for only where pods belong to one: tried with Argo's own controller.
      const tried = grants.filter(({ resource }) => resource !== "rollouts");
      const cells: string[] = [];
      for (const [index, grant] of [
        ...new Map(tried.map((one) => [keyOf(one), one])).values(),
      ].entries()) {
        if (grant.namespace === world.jobs.name) continue;
        const { args, status, says } = trialOf(grant, role, world);
        const without = grants.filter(
          (other) => nameOf(other) !== nameOf(grant) || isElsewhere(other, grant),
        );
        const kubeconfig = await cluster.userKubeconfig(`${role}-${index}`, rulesOf(without));
        const ran = await runInside([...args, "--json"], { KUBECONFIG: kubeconfig }, { speed: 5 });
        const told = `${ran.stdout}${ran.stderr}`;
        const name = `${role} without ${nameOf(grant)}`;
        expect([name, ran.status, told.includes(says) ? says : told]).toEqual([name, status, says]);
        cells.push(`${name.padEnd(90)} ${args[0]} -> ${ran.status}, ${says}`);
      }
      process.stdout.write(`${cells.join("\n")}\n`);
    },
  );
});

function keyOf(grant: Grant): string {
  return `${nameOf(grant)} ${grant.namespace ?? ""}`;
}

/** In the Istio namespace, as against the namespaces of workloads. */
function isElsewhere(a: Grant, b: Grant): boolean {
  return (a.namespace === "aks-istio-system") !== (b.namespace === "aks-istio-system");
}

/** What only serves to predict injection. */
function isRuleOfInjection({ resource, namespace }: Grant): boolean {
  return namespace === "aks-istio-system" || resource === "mutatingwebhookconfigurations";
}

const WORKLOADS: Readonly<Record<string, string>> = {
  deployments: "deploy/web",
  statefulsets: "sts/db",
  daemonsets: "ds/agent",
};

function trialOf(grant: Grant, role: RoleName, { shop, jobs, podless, pod, jobPod }: World): Trial {
  const { verb, resource } = grant;
  const inShop = ["-n", shop.name];
  const workload = WORKLOADS[resource];
  const gap = `"what": "${nameOf(grant)}"`;
  if (verb === "create") {
    const args = ["check", ...inShop, "--prove", "always"];
    return { args, status: 0, says: "you may not create pods" };
  }
  if (resource === "resourcequotas") {
    const args = ["restart", "sts/db", ...inShop, "--include", "current", "--yes"];
    return { args, status: 0, says: "resourcequotas may not be listed" };
  }
  if (resource === "events" && role === "read-only") {
    const says = "events may not be listed";
    return { args: ["check", "-n", podless.name], status: 6, says };
  }
  if (resource === "events") {
    const args = ["restart", "sts/db", ...inShop, "--include", "current", "--yes"];
    return { args, status: 0, says: "events may not be listed" };
  }
  if (verb === "patch" || (verb === "get" && workload !== undefined)) {
    const args = ["restart", workload ?? "", ...inShop, "--include", "current", "--yes"];
    const says = `error: you may not ${nameOf(grant)} in the namespace "${shop.name}", so nothing was restarted`;
    return { args, status: 1, says };
  }
  if (verb === "get" && resource !== "namespaces") {
    const args =
      resource === "jobs"
        ? ["explain", `pod/${jobPod}`, "-n", jobs.name]
        : ["explain", `pod/${pod}`, ...inShop];
    return { args, status: 1, says: `error: you may not get ${resource} in the namespace` };
  }
  if (resource === "cronjobs" || resource === "gateways") {
    return { args: ["revisions"], status: 6, says: gap };
  }
  if (nameOf(grant) === "list namespaces") {
    return { args: ["check", "--exclude-namespace", "none"], status: 6, says: gap };
  }
  if (resource === "jobs") return { args: ["check", "-n", jobs.name], status: 6, says: gap };
  if (isRuleOfInjection(grant) && role !== "read-only") {
    const says = "not read, and not needed, for every verdict was proved by a dry run";
    return { args: ["check", ...inShop], status: 0, says };
  }
  return { args: ["check", ...inShop], status: 6, says: gap };
}

async function openWorld(
  cluster: RealCluster,
  enter: (labels: Readonly<Record<string, string>>) => Promise<Sandbox>,
): Promise<World> {
  const labels = { "istio.io/rev": REVISION };
  const [shop, jobs, podless] = [await enter(labels), await enter(labels), await enter(labels)];
  await podless.create("resourcequotas", {
    apiVersion: "v1",
    kind: "ResourceQuota",
    metadata: { name: "none" },
    spec: { hard: { pods: "0" } },
  });
  await shop.create("deployments", deployment("web"));
  await shop.create("statefulsets", statefulSet("db", { replicas: 2 }));
  await shop.create("daemonsets", daemonSet("agent"));
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
    expect((await runInside(check, { KUBECONFIG: cluster.kubeconfig })).status).toBe(0);
    expect(await shop.pods()).not.toHaveLength(0);
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
    pod: nameOfPod(pods, "web"),
    jobPod: nameOfPod(await jobs.pods(), ""),
  };
}

/** With the whole role every command comes through, asks for nothing outside it, and needs it all. */
async function runAll(
  cluster: RealCluster,
  role: RoleName,
  grants: readonly Grant[],
  { shop, jobs, podless, pod, jobPod }: World,
): Promise<void> {
  const user = `whole-${role}`;
  const env = { KUBECONFIG: await cluster.userKubeconfig(user, rulesOf(grants)) };
  const inShop = ["-n", shop.name];
  const looks = [
    ["check", ...inShop],
    ["check", "-n", jobs.name],
    ["verify", ...inShop],
  ];
  const reads = [
    ["explain", `pod/${pod}`, ...inShop],
    ["explain", `pod/${jobPod}`, "-n", jobs.name],
    ["revisions"],
  ];
  const acts = [["restart", ...inShop, "--include", "current", "--yes"]];
  const runs = [...looks, ...(role === "read-only" ? reads : acts)];
  for (const args of runs) {
    const ran = await runInside([...args, "--json"], env, { speed: 5 });
    expect([args, ran.status, JSON.parse(ran.stdout).gaps]).toEqual([args, 0, []]);
  }
  if (role === "read-only") {
    const ran = await runInside(["check", "-n", podless.name], env);
    expect([ran.status, ran.stdout]).toEqual([5, expect.stringContaining("exceeded quota: none")]);
  }
  if (role !== "restart-namespace") {
    const { stdout } = await runInside(["check", "--json"], env);
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
    const idle = grants.filter((grant) => !asked.some((request) => covers(grant, request)));
    const places = new Set([undefined, shop.name, "aks-istio-system"]);
    expect(
      idle
        .filter(({ namespace, resource }) => places.has(namespace) && resource !== "rollouts")
        .map(keyOf),
    ).toEqual(
      // Asked for only where a Job has pods: in the other namespace.
      role === "restart-namespace" ? [`list jobs.batch ${shop.name}`] : [],
    );
  });
}
