/**
 * The part of a node and of the executor of Argo, for the pods of a Workflow: a process for the main container,
 * its files, its artifacts, and the result that the controller waits for.
 */
import { copyFile, mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type RunResult, startProgram } from "../support/run-program.ts";
import type { Answer } from "../support/test-cluster.ts";
import { connectApi } from "./api.ts";
import { type Pod, requestToken } from "./in-pod.ts";
import type { RealCluster } from "./real-cluster.ts";

/** A Workflow as the API server returns it. */
export type Workflow = Answer["body"];

/** A pod of a Workflow that has ended. */
export interface RunPod extends RunResult {
  /** The name of the step, such as `check`. */
  readonly step: string;
  /** The name of the cluster that it is about. */
  readonly cluster: string;
}

interface WorkflowPlace {
  readonly cluster: RealCluster;
  readonly namespace: string;
  readonly name: string;
  /** A folder for the files of the pods and of the artifact repository. */
  readonly folder: string;
}

interface Artifact {
  readonly name: string;
  readonly path: string;
  readonly s3?: { readonly key: string };
}

interface Template {
  readonly inputs: { readonly artifacts?: readonly Artifact[] };
  readonly outputs: { readonly artifacts?: readonly Artifact[] };
  readonly archiveLocation: { readonly s3: { readonly key: string } };
}

interface Answers {
  /** Changes the arguments of the program. */
  readonly changed: (args: readonly string[]) => readonly string[];
  /** Says whether a person approves the plan of a cluster, as `argo resume` does, or refuses it. */
  readonly approves: (cluster: string) => boolean;
}

/** Runs the pods of a Workflow until it ends. */
export async function runWorkflow(
  place: WorkflowPlace,
  { changed, approves }: Answers,
): Promise<{ readonly workflow: Workflow; readonly pods: readonly RunPod[] }> {
  const { cluster, namespace, name } = place;
  const path = `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/workflows/${name}`;
  const list = `/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(`workflows.argoproj.io/workflow=${name}`)}`;
  const started = new Map<string, Promise<RunPod>>();
  let failed: unknown;
  for (;;) {
    if (failed !== undefined) throw failed;
    const { body: workflow } = await cluster.request("GET", path);
    if (["Succeeded", "Failed", "Error"].includes(workflow.status?.phase)) {
      return { workflow, pods: await Promise.all(started.values()) };
    }
    for (const node of Object.values<Answer["body"]>(workflow.status?.nodes ?? {})) {
      if (node.type !== "Suspend" || node.phase !== "Running") continue;
      const phase = approves(node.inputs.parameters[0].value) ? "Succeeded" : "Failed";
      await decide(cluster, path, node.id, phase);
    }
    for (const pod of (await cluster.request("GET", list)).body.items as Pod[]) {
      // A pod that kwok has not started yet would be changed by both.
      if (pod.status.phase !== "Running" || started.has(pod.metadata.name)) continue;
      const running = runPod(place, pod, changed);
      running.catch((error: unknown) => (failed = error));
      started.set(pod.metadata.name, running);
    }
    await sleep(200);
  }
}

async function decide(
  cluster: RealCluster,
  path: string,
  id: string,
  phase: string,
): Promise<void> {
  const finishedAt = new Date().toISOString();
  const body = { status: { nodes: { [id]: { phase, finishedAt } } } };
  const contentType = "application/merge-patch+json";
  const { status } = await cluster.request("PATCH", path, { body, contentType });
  if (status !== 200) throw new Error(`no decision: ${status}`);
}

async function runPod(
  place: WorkflowPlace,
  pod: Pod,
  changed: (args: readonly string[]) => readonly string[],
): Promise<RunPod> {
  const template = JSON.parse(variable(pod.spec.initContainers[0], "ARGO_TEMPLATE")) as Template;
  const main = containerOf(pod, "main");
  const localPath = await mountVolumes(place, pod, template);
  // The executor starts what follows the dashes.
  const command = [...main.command, ...main.args] as string[];
  const [program, ...args] = command.slice(command.indexOf("--") + 1).map(localPath);
  if (program !== "/usr/bin/istio-upgrade") throw new Error(`unexpected command: ${program}`);
  const env = Object.fromEntries(
    (main.env as { name: string; value?: string }[]).map((one) => [
      one.name,
      localPath(one.value ?? ""),
    ]),
  );
  const ran = await startProgram(changed(args), env).done;
  const outputs = await keepArtifacts(place, template, localPath);
  await reportResult(place, pod, outputs);
  await endPod(place, pod, ran.status ?? 1);
  // Such as istio-upgrade-x7k2p[0].dev(0:dev-1)[0].check
  const node: string = pod.metadata.annotations["workflows.argoproj.io/node-name"];
  const [, member = "", step = ""] = /\(\d+:(.*)\)\[\d\]\.(\w+)$/.exec(node) ?? [];
  return { ...ran, step, cluster: member };
}

function containerOf(pod: Pod, name: string): Answer["body"] {
  return pod.spec.containers.find((container: { name: string }) => container.name === name);
}

function variable(container: Answer["body"], name: string): string {
  const found = container.env.find((one: { name: string }) => one.name === name);
  return found.value as string;
}

/** Returns a function that replaces the paths of the pod's volumes by those of folders on this machine. */
async function mountVolumes(
  { cluster, namespace, folder }: WorkflowPlace,
  pod: Pod,
  { inputs }: Template,
): Promise<(text: string) => string> {
  const root = await mkdtemp(join(folder, "pod-"));
  for (const { name, mountPath, subPath } of containerOf(pod, "main").volumeMounts) {
    const volume = pod.spec.volumes.find((one: { name: string }) => one.name === name);
    if (volume.secret !== undefined) {
      await mkdir(join(root, mountPath), { recursive: true });
      const path = `/api/v1/namespaces/${namespace}/secrets/${volume.secret.secretName}`;
      const { data } = (await cluster.request("GET", path)).body;
      for (const item of volume.secret.items as { key: string; path: string }[]) {
        const content = Buffer.from(data[item.key], "base64");
        await writeFile(join(root, mountPath, item.path), content, { mode: 0o600 });
      }
    } else if (volume.emptyDir !== undefined && subPath === undefined) {
      await mkdir(join(root, mountPath), { recursive: true });
    }
  }
  for (const { path, s3 } of inputs.artifacts ?? []) {
    await mkdir(join(root, dirname(path)), { recursive: true });
    await copyFile(join(folder, s3?.key ?? ""), join(root, path));
  }
  return (text) =>
    text.replaceAll(
      /(^|=)(\/(?:cluster|plan)\/)/g,
      (_, before: string, path: string) => `${before}${root}${path}`,
    );
}

async function keepArtifacts(
  { folder }: WorkflowPlace,
  { outputs, archiveLocation }: Template,
  localPath: (text: string) => string,
): Promise<readonly Artifact[]> {
  return Promise.all(
    (outputs.artifacts ?? []).map(async (artifact) => {
      const key = `${archiveLocation.s3.key}/${artifact.name}`;
      await mkdir(dirname(join(folder, key)), { recursive: true });
      await copyFile(localPath(artifact.path), join(folder, key));
      return { ...artifact, s3: { key } };
    }),
  );
}

/** Reports the outputs as the pod's service account, as the executor does. */
async function reportResult(
  { cluster, namespace, name }: WorkflowPlace,
  pod: Pod,
  artifacts: readonly Artifact[],
): Promise<void> {
  const token = await requestToken(cluster, pod, { kind: "Pod", name: pod.metadata.name });
  const { server, ca } = cluster.address;
  const api = connectApi(server, ca, token, "argoexec");
  const path = `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/workflowtaskresults`;
  const answer = await api
    .request("POST", path, {
      body: {
        apiVersion: "argoproj.io/v1alpha1",
        kind: "WorkflowTaskResult",
        metadata: {
          name: variable(containerOf(pod, "wait"), "ARGO_NODE_ID"),
          labels: {
            "workflows.argoproj.io/workflow": name,
            "workflows.argoproj.io/report-outputs-completed": "true",
          },
        },
        outputs: { artifacts },
      },
    })
    .finally(api.close);
  if (answer.status !== 201) throw new Error(`no result: ${JSON.stringify(answer.body)}`);
}

async function endPod(
  { cluster, namespace }: WorkflowPlace,
  pod: Pod,
  exitCode: number,
): Promise<void> {
  const time = new Date().toISOString();
  const ended = (name: string, code: number) => ({
    name,
    ready: false,
    state: { terminated: { exitCode: code, startedAt: time, finishedAt: time } },
  });
  const path = `/api/v1/namespaces/${namespace}/pods/${pod.metadata.name}/status`;
  const { status } = await cluster.request("PATCH", path, {
    contentType: "application/strategic-merge-patch+json",
    body: {
      status: {
        phase: exitCode === 0 ? "Succeeded" : "Failed",
        containerStatuses: [ended("main", exitCode), ended("wait", 0)],
      },
    },
  });
  if (status !== 200) throw new Error(`no status: ${status}`);
}
