import type { Api } from "./api.ts";
import { waitUntil } from "./child.ts";
import { ISTIO_NAMESPACE } from "./manifest.ts";

/**
 * Returns the image of the sidecar that a pod with the label `istio.io/rev: REVISION` would get, or
 * `none`. The revision may be a tag. The pod is not created.
 *
 * @throws if the pod is rejected, for example because a webhook does not respond.
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
    throw new Error(`${error.message} The last image was ${seen}.`);
  });
}
