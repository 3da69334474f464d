import { parseImage } from "./image.ts";

/**
 * Returns the shortest form that distinguishes an image from another: the tag if the repositories
 * are the same, the name and tag if they differ, the whole image if both forms look alike.
 */
export function shortImage(image: string | null, beside: string | null): string {
  if (image === null) return "no sidecar";
  if (beside === null || image === beside) return versionOf(image);
  const same = parseImage(beside).repository === parseImage(image).repository;
  const forms = same ? [versionOf, digestOf] : [nameAndVersion];
  const form = forms.find((candidate) => candidate(image) !== candidate(beside));
  return form === undefined ? image : form(image);
}

function versionOf(image: string): string {
  const { tag, digest } = parseImage(image);
  return tag ?? digest?.slice(0, 19) ?? "latest";
}

function digestOf(image: string): string {
  return parseImage(image).digest ?? versionOf(image);
}

/** Returns the name and the version of an image, such as `proxyv2:v1.27.7-1`. */
export function nameAndVersion(image: string): string {
  const { repository } = parseImage(image);
  return `${repository.slice(repository.lastIndexOf("/") + 1)}:${versionOf(image)}`;
}
