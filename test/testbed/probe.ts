import type { Api } from "./api.ts";
import { waitUntil } from "./child.ts";
import { ISTIO_NAMESPACE } from "./manifest.ts";

/**
 * The image of the sidecar that a pod with the label `istio.io/rev: REVISION` would get (also of a
 * tag); `none` where nothing is injected. Nothing is created.
 * @throws where the pod is refused, as by a webhook that does not answer.
 */
export async function probeImage(api: Api, revision: string): Promise<string> {
  const path = `/api/v1/namespaces/${ISTIO_NAMESPACE}/pods?dryRun=All`;
  const { status, body } = await api.request("POST", path, {
    body: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { generateName: "probe-", labels: { "istio.io/rev": revision } },
      spec: { containers: [{ name: "probe", image: "probe" }] },
    },
  });
  if (status !== 201) throw new Error(`dry-run pod of ${revision}: ${body.message ?? body}`);
  const { containers, initContainers = [] } = body.spec;
  const sidecar = [...containers, ...initContainers].find(({ name }) => name === "istio-proxy");
  return sidecar?.image ?? "none";
}

export async function waitForImage(api: Api, revision: string, image: string): Promise<void> {
  let seen = "";
  const matches = async () => (seen = await probeImage(api, revision)) === image;
  await waitUntil(`injection of ${image} by ${revision}`, matches, undefined, 20).catch((error) => {
    throw new Error(`${error.message} Last seen: ${seen}`);
  });
}
