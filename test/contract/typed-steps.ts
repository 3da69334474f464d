import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { expect } from "vitest";
import { dump, load } from "js-yaml";
import { callsIn } from "../support/pasted-steps.ts";
import { COMMAND, runProgram } from "../support/run-program.ts";
import type { TestCluster, TestRevision } from "../support/test-cluster.ts";
import { builtProgram } from "../testbed/build.ts";
import { eventually } from "./sandbox.ts";

/** The names in Azure that the kubeconfig of `azureKubeconfig` tells. */
const AZURE = { resourceGroup: "test-rg", name: "test-aks" };

/** A person at a terminal, who types what the program prints. */
export interface Typist {
  readonly kubeconfig: string;
  /** Types a command. Azure's commands install or remove a revision. */
  type(command: string): Promise<void>;
  remove(): void;
}

/** @param revisions the revisions that Azure can install, by their names. */
export function createTypist(cluster: TestCluster, revisions: readonly TestRevision[]): Typist {
  const folder = mkdtempSync(join(tmpdir(), "istio-upgrade-typist-"));
  const kubeconfig = join(folder, "config");
  writeFileSync(kubeconfig, azureKubeconfig(readFileSync(cluster.kubeconfig, "utf8")));
  return {
    kubeconfig,
    async type(command) {
      const typed =
        cluster.kind === "real"
          ? await typeInShell(command, kubeconfig, folder)
          : await typeInParts(command, kubeconfig, cluster);
      for (const call of typed) await callAzure(call, cluster, revisions);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Renames the entries of a kubeconfig as `az aks get-credentials` names them. */
function azureKubeconfig(given: string): string {
  const config = load(given) as {
    clusters: { name: string }[];
    users: { name: string }[];
    contexts: { name: string; context: { cluster: string; user: string } }[];
  };
  const user = `clusterUser_${AZURE.resourceGroup}_${AZURE.name}`;
  for (const entry of config.clusters) entry.name = AZURE.name;
  for (const entry of config.users) entry.name = user;
  for (const { context } of config.contexts) Object.assign(context, { cluster: AZURE.name, user });
  return dump(config);
}

async function callAzure(
  call: string,
  cluster: TestCluster,
  revisions: readonly TestRevision[],
): Promise<void> {
  const [older, newer] = revisions;
  const names = `--resource-group ${AZURE.resourceGroup} --name ${AZURE.name}`;
  switch (call) {
    case `aks mesh upgrade start ${names} --revision ${newer?.name}`:
      return cluster.installRevision(newer as TestRevision);
    case `aks mesh upgrade complete ${names}`:
      return cluster.removeRevision(older?.name ?? "");
    case `aks mesh upgrade rollback ${names}`:
      return cluster.removeRevision(newer?.name ?? "");
    default:
      throw new Error(`Azure does not know: az ${call}`);
  }
}

/** The commands of the program that ask a person. */
const ASKS: ReadonlySet<string | undefined> = new Set(["move", "restart"]);

/** A restart may leave something for a person. */
const ACCEPTED: readonly (number | null)[] = [0, 5];

/** Types into a shell, with the real kubectl and istioctl. Returns the calls of `az`. */
async function typeInShell(
  command: string,
  kubeconfig: string,
  folder: string,
): Promise<readonly string[]> {
  const programs = await Promise.all([builtProgram("kubectl"), builtProgram("istioctl")]);
  const calls = join(folder, "az");
  writeFileSync(calls, "");
  const script = `
istio-upgrade() {
  case $1 in move|restart) set -- "$@" --yes;; esac
  '${COMMAND.join("' '")}' "$@"
}
az() { printf '%s\\n' "$*" >> '${calls}'; }
set -o pipefail
${command}
`;
  const path = [...programs.flatMap((program) => (program ? [dirname(program)] : [])), "/usr/bin"];
  const child = spawn("bash", ["-c", `${script}\n`], {
    env: { PATH: [...path, "/bin"].join(":"), KUBECONFIG: kubeconfig, HOME: "/nonexistent" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [output, error, status] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.on("close", resolve)),
  ]);
  const accepted = /^istio-upgrade (?:move|restart) /.test(command) ? ACCEPTED : [0];
  expect(accepted, `${command}\n${output}${error}`).toContain(status);
  return readFileSync(calls, "utf8").split("\n").filter(Boolean);
}

/** Carries out the calls of a command by themselves, because the embedded cluster has no kubectl. */
async function typeInParts(
  command: string,
  kubeconfig: string,
  cluster: TestCluster,
): Promise<readonly string[]> {
  const calls = callsIn(command);
  if (typeof calls === "string") throw new Error(`${command}: ${calls}`);
  const azure: string[] = [];
  const [copied] = calls;
  if (calls.some(([program]) => program === "sed") && copied !== undefined) {
    await copyConfigMap(calls, cluster);
    return [];
  }
  for (const [program = "", ...args] of calls) {
    if (program === "az") {
      azure.push(args.join(" "));
    } else if (program === "istio-upgrade") {
      const asks = ASKS.has(args[0]);
      const ran = await runProgram([...args, ...(asks ? ["--yes"] : [])], {
        KUBECONFIG: kubeconfig,
      });
      const said = `${command}\n${ran.stdout}${ran.stderr}`;
      expect(asks ? ACCEPTED : [0], said).toContain(ran.status);
    } else if (program === "istioctl") {
      const [, , tag = "", , revision = ""] = args;
      await cluster.setTag(tag, revision);
    } else {
      await callKubectl(args, cluster);
    }
  }
  return azure;
}

const PATHS: Readonly<Record<string, string>> = {
  configmap: "/api/v1/namespaces/NS/configmaps",
  pod: "/api/v1/namespaces/NS/pods",
  deployment: "/apis/apps/v1/namespaces/NS/deployments",
  statefulset: "/apis/apps/v1/namespaces/NS/statefulsets",
  cronjob: "/apis/batch/v1/namespaces/NS/cronjobs",
  namespace: "/api/v1/namespaces",
  mutatingwebhookconfigurations:
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
  "gateways.gateway.networking.k8s.io": "/apis/gateway.networking.k8s.io/v1/namespaces/NS/gateways",
};

const MERGE = "application/merge-patch+json";

/** Does what kubectl does with the commands in next steps. */
async function callKubectl(args: readonly string[], cluster: TestCluster): Promise<void> {
  const place = args.indexOf("-n");
  const namespace = place < 0 ? "" : (args[place + 1] ?? "");
  const words = args.filter(
    (_word, index) => place < 0 || (index !== place && index !== place + 1),
  );
  const pathOf = (kind = "", name = "") =>
    `${(PATHS[kind] ?? "").replace("NS", namespace)}/${name}`;
  const patch = async (path: string, body: unknown) => {
    const answer = await cluster.request("PATCH", `${path}?fieldManager=kubectl-patch`, {
      body,
      contentType: MERGE,
    });
    expect(answer).toMatchObject({ status: 200 });
  };
  const [verb, second = "", third = ""] = words;
  switch (verb) {
    case "label": {
      const labels = words.slice(3).filter((word) => !word.startsWith("--"));
      const changed = labels.map((word) =>
        word.endsWith("-") ? [word.slice(0, -1), null] : word.split("="),
      );
      return patch(pathOf(second, third), { metadata: { labels: Object.fromEntries(changed) } });
    }
    case "patch": {
      const [kind, name] = second.split("/");
      return patch(pathOf(kind, name), JSON.parse(words.at(-1) ?? ""));
    }
    case "delete": {
      const answer = await cluster.request("DELETE", pathOf(second, third));
      expect(answer).toMatchObject({ status: 200 });
      return undefined;
    }
    case "wait": {
      const [, name] = words.find((word) => word.startsWith("pod/"))?.split("/") ?? [];
      return eventually(async () =>
        expect((await cluster.request("GET", pathOf("pod", name))).status).toBe(404),
      );
    }
    case "rollout": {
      const [kind, name] = third.split("/");
      const path = pathOf(kind, name);
      if (second === "restart") {
        const annotations = { "kubectl.kubernetes.io/restartedAt": new Date().toISOString() };
        await patch(path, { spec: { template: { metadata: { annotations } } } });
        return undefined;
      }
      return eventually(async () => {
        const { body } = await cluster.request("GET", path);
        expect(body.status.availableReplicas).toBe(body.spec.replicas);
      });
    }
    default:
      throw new Error(`no such call: kubectl ${args.join(" ")}`);
  }
}

/** Does what `kubectl get | sed | kubectl create` does with a ConfigMap. */
async function copyConfigMap(
  calls: readonly (readonly string[])[],
  cluster: TestCluster,
): Promise<void> {
  const words = calls.flat();
  const [, from = "", to = ""] = words.find((word) => word.startsWith("s/"))?.split("/") ?? [];
  const name = words[words.indexOf("configmap") + 1] ?? "";
  const namespace = words[words.indexOf("-n") + 1] ?? "";
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const { body } = await cluster.request("GET", `${path}/${name}`);
  const copy = { apiVersion: "v1", kind: "ConfigMap", data: body.data };
  const metadata = { name: name.replace(from, to) };
  const answer = await cluster.request("POST", path, { body: { ...copy, metadata } });
  expect(answer).toMatchObject({ status: 201 });
}
