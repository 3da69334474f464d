import type { ImageNode } from "../sidecar-pod.ts";
import { parseImage } from "./image.ts";

/**
 * True if a node certainly has an image. A node lists at most 50 images, so that one which is not
 * listed may be there, too.
 */
export function listsImage({ images }: Pick<ImageNode, "images">, image: string): boolean {
  const name = completeName(image);
  return images.some((names) => names.some((one) => completeName(one) === name));
}

/** True if a node lists two names for the same image. */
export function areSameImage(
  { images }: Pick<ImageNode, "images">,
  one: string,
  other: string,
): boolean {
  const [first, second] = [completeName(one), completeName(other)];
  return images.some((names) => {
    const complete = new Set(names.map(completeName));
    return complete.has(first) && complete.has(second);
  });
}

/**
 * Completes a reference: without a registry, it is one of Docker Hub, and without a tag, `latest`.
 * Source: distribution/reference `normalize.go`.
 */
function completeName(reference: string): string {
  const { repository, tag, digest } = parseImage(reference);
  const [first = "", ...rest] = repository.split("/");
  const hasRegistry = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const path = hasRegistry
    ? repository
    : `docker.io/${rest.length === 0 ? "library/" : ""}${repository}`;
  const suffix = digest === undefined ? `:${tag ?? "latest"}` : `@${digest}`;
  return `${path}${suffix}`;
}
