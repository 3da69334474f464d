import { setTimeout as sleep } from "node:timers/promises";
import type { RealCluster } from "../testbed/real-cluster.ts";
import { customKind } from "./objects.ts";
import { KINDS } from "./world.ts";

const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/**
 * Defines the custom kinds of the worlds, and waits until the API server serves them. No other test may use
 * their group for owners that do not exist: the garbage collector deletes the pods of such an owner once its
 * kind is defined.
 */
export async function defineCustomKinds(cluster: RealCluster): Promise<void> {
  for (const name of KINDS) {
    const { kind = "", apiVersion = "", resource = "" } = customKind(name) ?? {};
    if (kind === "") continue;
    const [group, version] = apiVersion.split("/");
    const schema = {
      openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    };
    const body = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `${resource}.${group}` },
      spec: {
        group,
        names: { kind, listKind: `${kind}List`, plural: resource, singular: kind.toLowerCase() },
        scope: "Namespaced",
        versions: [{ name: version, served: true, storage: true, schema }],
      },
    };
    const { status, body: answer } = await cluster.request("POST", CRDS, { body });
    if (status !== 201 && status !== 409) throw new Error(`${name}: ${answer.message ?? answer}`);
    const deadline = Date.now() + 30_000;
    while ((await cluster.request("GET", `/apis/${apiVersion}/${resource}`)).status !== 200) {
      if (Date.now() > deadline) throw new Error(`${name} is not served`);
      await sleep(100);
    }
  }
}
