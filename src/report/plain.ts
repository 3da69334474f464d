/**
 * The escape sequences of ECMA-48: control sequences, control strings such as hyperlinks and titles,
 * and short escapes. Each part ends where the next could begin, so that matching takes linear time.
 * `stripVTControlCharacters` and the packages on npm take longer.
 */
const SEQUENCES =
  // oxlint-disable-next-line no-control-regex -- the expression matches control characters
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u0090\u0098\u009c-\u009f]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-~]/g;

/**
 * Characters that control a terminal, change the direction of text or are invisible, and code
 * points that neither Unicode text nor XML may contain.
 */
export const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}\p{NChar}]/gu;

/** Returns a command as one printable line. It is never shortened. */
export function plainCommand(text: string): string {
  return text.replace(SEQUENCES, "").replace(/\s+/g, " ").replace(UNPRINTABLE, "").trim();
}

/** The kubelet keeps this many bytes of a termination message. */
const LONGEST = 4096;

/**
 * Returns text from a cluster as one printable line, without escape sequences and invisible
 * characters. Longer text is cut in the middle; JSON documents have all of it.
 */
export function plain(text: string): string {
  return cutMiddle(plainCommand(text), LONGEST);
}

/**
 * Cuts text in the middle, because the end of a name or an image says more than what precedes it.
 */
export function cutMiddle(text: string, length: number): string {
  if (text.length <= length) return text;
  const head = Math.floor((length - 1) / 3);
  return withoutLoneSurrogates(
    `${text.slice(0, head)}…${text.slice(text.length - (length - 1 - head))}`,
  );
}

/** Removes surrogates that a cut separated from their other half. */
export function withoutLoneSurrogates(text: string): string {
  return text.replace(/\p{Cs}/gu, "");
}
