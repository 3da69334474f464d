import type { Counts } from "./exit-reasons.ts";
import { plain } from "./plain.ts";

/** The last line of stderr: one that a person can grep, and a script can split at spaces. */
export function resultLine(exitCode: number, cluster: string, counts: Counts): string {
  const fields = Object.entries(counts).map(([name, count]) => `${name}=${count}`);
  return `RESULT exit=${exitCode} cluster=${plain(cluster).replaceAll(" ", "_")} ${fields.join(" ")}`;
}
