import { shortImage } from "../mesh/short-image.ts";
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
