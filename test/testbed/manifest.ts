import { parseAllDocuments } from "yaml";
import type { TestRevision } from "../support/test-cluster.ts";
import type { KubernetesObject } from "./objects.ts";
import { runToEnd } from "./child.ts";

/** The namespace of AKS's control planes. */
export const ISTIO_NAMESPACE = "aks-istio-system";

/**
 * Returns the objects that Istio's installer creates for a revision; `default` is the revision
 * without a name.
 */
export async function revisionManifest(
  folder: string,
  istioctl: string,
  { name, image, native = false, namespace = ISTIO_NAMESPACE }: TestRevision,
): Promise<KubernetesObject[]> {
  const settings = [
    "profile=minimal",
    ...(name === "default" ? [] : [`revision=${name}`]),
    `values.global.istioNamespace=${namespace}`,
    `values.global.proxy.image=${image}`,
    `values.global.proxy_init.image=${image}`,
    `values.pilot.env.ENABLE_NATIVE_SIDECARS=${native}`,
  ];
  const args = ["manifest", "generate", ...settings.flatMap((setting) => ["--set", setting])];
  const documents = parseAllDocuments(await runToEnd(folder, istioctl, args));
  return documents.map((document) => document.toJS() as KubernetesObject).filter(Boolean);
}
