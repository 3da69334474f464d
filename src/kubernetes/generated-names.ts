/**
 * The letters and digits of generated names.
 * Source: k8s.io/apimachinery `pkg/util/rand/rand.go`.
 */
const RANDOM = "[bcdfghjklmnpqrstvwxz2456789]";

/**
 * The longest start of a generated name; five random characters follow.
 * Source: k8s.io/apiserver `pkg/storage/names/generate.go`.
 */
const LONGEST_BASE = 58;

/**
 * Replaces the generated names of pods in a message by the name of their workload. Otherwise two
 * messages about the same problem would differ, although nothing has changed.
 *
 * @param name the name of the workload.
 * @param base the start of the generated names: by default the name of the workload, followed by the
 *   hash of its ReplicaSet if there is one.
 */
export function withoutGeneratedNames(message: string, name: string, base?: string): string {
  const start =
    base === undefined
      ? `${escaped(`${name}-`.slice(0, LONGEST_BASE))}(?:${RANDOM}{1,10}-)?`
      : escaped(base.slice(0, LONGEST_BASE));
  const generated = new RegExp(`(?<![a-z0-9.-])${start}${RANDOM}{5}(?![a-z0-9-])`, "g");
  return message.replace(generated, () => name);
}

/** The names of objects contain no other character with a meaning in a regular expression. */
function escaped(text: string): string {
  return text.replaceAll(".", "\\.");
}
