import type { Api } from "./api.ts";
import { ISTIO_NAMESPACE } from "./manifest.ts";
import { runToEnd, waitUntil } from "./child.ts";
import { deleteObjects, type KubernetesObject } from "./objects.ts";
import { probeImage, waitForImage } from "./probe.ts";
import type { Revisions } from "./revisions.ts";

/** Sets a tag with istioctl and waits until the revision injects pods of the tag. */
export async function setTag(
  { folder, istioctl, api }: { folder: string; istioctl: string; api: Api },
  revisions: Revisions,
  tag: string,
  revision: string,
): Promise<void> {
  await runToEnd(folder, istioctl, [
    "tag",
    "set",
    tag,
    `--revision=${revision}`,
    `--istioNamespace=${ISTIO_NAMESPACE}`,
    "--overwrite",
    "--skip-confirmation",
  ]);
  if (!revisions.isBroken(revision)) await waitForImage(api, tag, revisions.imageOf(revision));
}

/**
 * Removes everything that `istioctl tag set` created. Unlike istioctl, ignores a tag that does not
 * exist.
 */
export async function removeTag(api: Api, tag: string): Promise<void> {
  const registration = "admissionregistration.k8s.io/v1";
  const { body } = await api.request(
    "GET",
    `/apis/${registration}/mutatingwebhookconfigurations?labelSelector=${encodeURIComponent(`istio.io/tag=${tag}`)}`,
  );
  const webhooks: KubernetesObject[] = body.items.map(
    ({ metadata: { name } }: KubernetesObject) => ({
      apiVersion: registration,
      kind: "MutatingWebhookConfiguration",
      metadata: { name },
    }),
  );
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: `istiod-revision-tag-${tag}`, namespace: ISTIO_NAMESPACE },
  };
  const validator = {
    apiVersion: registration,
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: "istiod-default-validator" },
  };
  await deleteObjects(api, [...webhooks, service, ...(tag === "default" ? [validator] : [])]);
  if (webhooks.length === 0) return;
  const isGone = async () => (await probeImage(api, tag)) === "none";
  await waitUntil(`the end of tag ${tag}`, isGone, undefined, 20);
}
