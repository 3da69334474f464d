import type { PluginHost } from "../../connection/credential.ts";
import type { Io } from "../../io.ts";
import { plain } from "../../report/plain.ts";
import type { Progress } from "../../report/progress-event.ts";

/**
 * Creates a function that returns what a credential plugin may do with the terminal. Of several plugins
 * that may prompt the user, one runs at a time, after a line that names its cluster. The lines of other
 * plugins begin with the name of their cluster.
 */
export function createLoginDesk(
  progress: Progress,
  { stderr }: Pick<Io, "stderr">,
): (cluster: string) => Pick<PluginHost, "pauseProgress" | "onMessage"> {
  let last = Promise.resolve();

  return (cluster) => ({
    onMessage: (line) => void stderr.write(`${plain(`${cluster}: ${line}`)}\n`),
    pauseProgress: async ({ user, interactive }) => {
      if (!interactive) return () => undefined;
      const before = last;
      let leave = () => {};
      last = new Promise((resolve) => (leave = resolve));
      await before;
      const resume = progress.pause();
      stderr.write(`${plain(`${cluster}: logging in as "${user}"`)}\n`);
      return () => {
        resume();
        leave();
      };
    },
  });
}
