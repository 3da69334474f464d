import { spawn } from "node:child_process";

/**
 * A shell script that reads until its input ends, which happens when the bed's process is gone for
 * any reason. Then it kills the bed's process group and removes the folder. The shell runs in its
 * own session, so that neither Ctrl-C nor the end of Node.js affects it.
 */
const SCRIPT = `
trap '' HUP INT TERM
group=$1 folder=$2
while read -r line; do :; done
for pause in 0.1 0.1 0.5 1 2; do
  kill -s KILL -- "-$group" 2>/dev/null
  sleep $pause
  rm -rf -- "$folder" 2>/dev/null
  [ -e "$folder" ] || break
done
`;

/**
 * Starts the reaper. The leader of the process group of all children must call this before it
 * creates anything.
 */
export function startReaper(folder: string): void {
  const reaper = spawn("/bin/sh", ["-c", SCRIPT, "reaper", String(process.pid), folder], {
    cwd: "/",
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  reaper.on("error", (error) => {
    throw error;
  });
  reaper.unref();
}
