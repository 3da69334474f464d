/**
 * A value as one word of a POSIX shell, to be pasted with a command: whatever it holds, the shell
 * runs nothing of it. What needs no quotes gets none.
 */
export function shellWord(value: string): string {
  return /^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}
