import { parseImage } from "../mesh/image.ts";
import { plain } from "./plain.ts";

/** Formats an image so that it differs from the other image that is shown with it. */
export type ImageText = (image: string | null, beside: string | null) => string;

/**
 * Creates a formatter that remembers its results: thousands of pods run few images.
 *
 * @param wide shows images in full.
 */
export function imageTexts(wide: boolean): ImageText {
  const known = new Map<string, string>();
  return (image, beside) => {
    const key = JSON.stringify([image, beside]);
    const text =
      known.get(key) ?? plain(wide ? (image ?? "no sidecar") : shortImage(image, beside));
    known.set(key, text);
    return text;
  };
}

/**
 * Returns the shortest form that distinguishes an image from another: the tag if the repositories
 * are the same, the name and tag if they differ, the whole image if both forms look alike.
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
