/**
 * Sequences of ECMA-48: control sequences, control strings such as hyperlinks and titles, and short
 * escapes. Each part ends where the next could begin, so that no text takes longer than its length,
 * which cannot be said of what Node and npm offer for it.
 */
const SEQUENCES =
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u0090\u0098\u009c-\u009f]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-~]/g;

/**
 * What steers a terminal, turns the direction of what follows, or is not seen, and what no text in
 * Unicode or XML may hold: halves of characters, and numbers that are none.
 */
export const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}\p{NChar}]/gu;

/** A command as one line that a terminal can be shown, and that is whole. */
export function plainCommand(text: string): string {
  return text.replace(SEQUENCES, "").replace(/\s+/g, " ").replace(UNSEEN, "").trim();
}

/** The kubelet keeps as much of a container's last words. */
const LONGEST = 4096;

/**
 * Text from a cluster as one line that a terminal can be shown: no escape sequences, no control
 * characters, no marks that turn the direction of what follows. What nobody would read to its end
 * is cut in the middle; the documents in JSON have it whole.
 */
export function plain(text: string): string {
  return cutMiddle(plainCommand(text), LONGEST);
}

/** Cut in the middle: the end of a name or an image tells more than what comes before it. */
export function cutMiddle(text: string, length: number): string {
  if (text.length <= length) return text;
  const head = Math.floor((length - 1) / 3);
  return withoutHalves(`${text.slice(0, head)}…${text.slice(text.length - (length - 1 - head))}`);
}

/** What is left where a cut went through a character that has two halves. */
export function withoutHalves(text: string): string {
  return text.replace(/\p{Cs}/gu, "");
}
