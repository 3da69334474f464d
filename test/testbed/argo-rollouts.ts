import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { Api } from "./api.ts";
import { argoSources } from "./build.ts";
import { startChild, waitUntil } from "./child.ts";
import { applyObjects, type KubernetesObject } from "./objects.ts";
import { freePorts } from "./ports.ts";

const NAMESPACE = "argo-rollouts";

/**
 * Installs the types of Argo Rollouts, starts its controller and resolves once the controller
 * works.
 */
export async function startArgoRollouts(
  folder: string,
  program: string,
  kubeconfig: string,
  api: Api,
): Promise<void> {
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } };
  await applyObjects(api, [namespace, ...(await definitions())]);
  await waitUntil("the types of Argo Rollouts", async () => {
    const { status } = await api.request("GET", "/apis/argoproj.io/v1alpha1/rollouts");
    return status === 200;
  });
  const [metrics, health] = await freePorts(2);
  const child = startChild(folder, "rollouts-controller", program, [
    `--kubeconfig=${kubeconfig}`,
    `--namespace=`,
    "--leader-elect=false",
    `--metricsport=${metrics}`,
    `--healthzPort=${health}`,
  ]);
  const healthy = async () => (await fetch(`http://127.0.0.1:${health}/healthz`)).ok;
  await waitUntil("the controller of Argo Rollouts", healthy, child);
}

async function definitions(): Promise<readonly KubernetesObject[]> {
  const folder = join(await argoSources(), "manifests/crds");
  const files = (await readdir(folder)).filter((name) => name.endsWith("-crd.yaml"));
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), "utf8")));
  return texts.flatMap((text) =>
    parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject),
  );
}
