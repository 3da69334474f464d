import { parseImage } from "../mesh/image.ts";

/** The part of an image that tells it from the other: the tag, where the repository is the same. */
export function shortImage(image: string | null, beside: string | null): string {
  if (image === null) return "no sidecar";
  const { repository, tag, digest } = parseImage(image);
  const version = tag ?? digest?.slice(0, 19) ?? "latest";
  if (beside === null || parseImage(beside).repository === repository) return version;
  return `${repository.slice(repository.lastIndexOf("/") + 1)}:${version}`;
}
