import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import type { Api } from "./api.ts";
import { buildWorkflowController, workflowSources } from "./build.ts";
import { type Child, startChild, waitUntil } from "./child.ts";
import { applyObjects, deleteObjects, type KubernetesObject } from "./objects.ts";

/** The types whose whole schemas are installed. They are large, and the other ones are not about manifests. */
const WHOLE = new Set(["workflows", "workflowtemplates"]);

/** Installs the types of Argo Workflows, and returns a function that removes them. */
export async function installWorkflowTypes(api: Api): Promise<() => Promise<void>> {
  const objects = await definitions();
  await applyObjects(api, objects);
  for (const { metadata } of objects) {
    const [plural = ""] = metadata.name.split(".");
    await waitUntil(`the type ${plural}`, async () => {
      const { status } = await api.request("GET", `/apis/argoproj.io/v1alpha1/${plural}`);
      return status === 200;
    });
  }
  return () => deleteObjects(api, objects);
}

async function definitions(): Promise<readonly KubernetesObject[]> {
  const folder = join(await workflowSources(), "manifests/base/crds");
  const names = (await readdir(join(folder, "minimal"))).filter((name) => name.startsWith("argo"));
  return Promise.all(
    names.map(async (name) => {
      const [, plural = ""] = /_(\w+)\.yaml$/.exec(name) ?? [];
      const kind = WHOLE.has(plural) ? "full" : "minimal";
      const text = await readFile(join(folder, kind, name), "utf8");
      // Without its descriptions, a schema has less than half of the size.
      return parse(text, (key, value: unknown) =>
        key === "description" && typeof value === "string" ? undefined : value,
      ) as KubernetesObject;
    }),
  );
}

/**
 * Starts the controller for the Workflows of one namespace, which has its configuration as well.
 *
 * @param folder gets its log.
 */
export async function startWorkflowController(
  folder: string,
  kubeconfig: string,
  namespace: string,
  api: Api,
): Promise<Child> {
  const program = await buildWorkflowController();
  const configuration: KubernetesObject = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "workflow-controller-configmap", namespace },
    data: {
      metricsConfig: "enabled: false\n",
      artifactRepository: "s3: {endpoint: store.example, bucket: plans}\n",
    },
  };
  await applyObjects(api, [configuration]);
  return startChild(
    folder,
    "workflow-controller",
    program,
    [
      `--kubeconfig=${kubeconfig}`,
      `--namespace=${namespace}`,
      "--namespaced",
      "--executor-image=argoexec.example:4",
    ],
    { env: { LEADER_ELECTION_DISABLE: "true", DEFAULT_REQUEUE_TIME: "1s" } },
  );
}
