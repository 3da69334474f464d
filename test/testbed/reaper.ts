import { spawn } from "node:child_process";

/**
 * Reads until its input ends, which happens when the bed's process is gone, however it went: then
 * it kills the bed's process group and removes the folder. It is a shell, in a session of its own,
 * so that neither Ctrl-C nor the death of Node touches it.
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

/** Call it from the leader of the process group that holds all children, before anything is made. */
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
