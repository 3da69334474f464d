import { parseImage } from "../mesh/image.ts";

/**
 * The shortest form of an image that tells it from the other: the tag where the repositories are
 * the same, the last part of the name with it where they are not, the whole where both look alike.
 */
export function shortImage(image: string | null, beside: string | null): string {
  if (image === null) return "no sidecar";
  if (beside === null || image === beside) return versionOf(image);
  const same = parseImage(beside).repository === parseImage(image).repository;
  const forms = same ? [versionOf, digestOf] : [nameOf];
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

function nameOf(image: string): string {
  const { repository } = parseImage(image);
  return `${repository.slice(repository.lastIndexOf("/") + 1)}:${versionOf(image)}`;
}
