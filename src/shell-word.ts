/**
 * Quotes a value as one word of a POSIX shell, so that the shell runs nothing in it. A value that
 * needs no quotes gets none.
 */
export function shellWord(value: string): string {
  return /^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}
