/** The number of characters in one write. */
const WRITE_SIZE = 64 * 1024;

/** Joins short texts, so that each can be written by itself. */
export function* inPieces(texts: Iterable<string>): Generator<string> {
  let piece = "";
  for (const text of texts) {
    piece += text;
    if (piece.length < WRITE_SIZE) continue;
    yield piece;
    piece = "";
  }
  if (piece !== "") yield piece;
}
