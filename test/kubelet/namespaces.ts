import { spawn, spawnSync } from "node:child_process";

/**
 * A shell script that prepares the namespaces and then runs its arguments. All changes stay in the
 * namespaces: mounts, network devices, and what the container runtime writes to fixed places. They
 * end with the script, together with every process in them. `$1` is an empty folder for temporary
 * files, and `$2` a program `busybox`.
 */
const SCRIPT = `
set -e
temporary=$1 busybox=$2
shift 2
mount -t tmpfs tmpfs "$temporary"
mkdir -p "$temporary/var" "$temporary/work"
mount -t overlay overlay -o "lowerdir=/var,upperdir=$temporary/var,workdir=$temporary/work" /var
mount -t tmpfs tmpfs /run
"$busybox" ip link set lo up
"$busybox" ip link add name ${bridgeName()} type bridge
"$busybox" ip addr add ${nodeAddress()}/16 dev ${bridgeName()}
"$busybox" ip link set ${bridgeName()} up
set +e
"$@"
exit $?
`;

/** The bridge that connects the pods with the node. */
export function bridgeName(): string {
  return "istio-upgrade0";
}

/** The address of the node in the network of its pods. */
export function nodeAddress(): string {
  return "10.245.0.1";
}

/** The network of the pods, which contains the node's address. */
export function podNetwork(): string {
  return "10.245.0.0/16";
}

/**
 * Returns the command that runs another one in new mount, process and network namespaces. If the
 * caller ends for any reason, the kernel ends all processes in the namespaces.
 */
function inNamespaces(
  temporary: string,
  busybox: string,
  command: readonly string[],
): readonly string[] {
  const unshare = [
    "unshare",
    "--mount",
    "--pid",
    "--net",
    "--fork",
    "--kill-child",
    "--mount-proc",
  ];
  const shell = ["sh", "-c", SCRIPT, "namespaces", temporary, busybox, ...command];
  return ["setpriv", "--pdeathsig", "KILL", ...unshare, ...shell];
}

/** Returns the reason why this process may not use namespaces, or `undefined` if it may. */
export function namespacesRefused(temporary: string, busybox: string): string | undefined {
  const [program = "", ...args] = inNamespaces(temporary, busybox, ["true"]);
  const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  if (status === 0) return undefined;
  return error?.message ?? (stderr.trim().split("\n").at(-1) || `\`${program}\` failed`);
}

/** Runs a command in namespaces, with the output of this process. Resolves with its exit code. */
export function runInNamespaces(
  temporary: string,
  busybox: string,
  command: readonly string[],
): { readonly done: Promise<number>; readonly kill: () => void } {
  const [program = "", ...args] = inNamespaces(temporary, busybox, command);
  const child = spawn(program, args, {
    env: { ...process.env, TMPDIR: temporary },
    stdio: "inherit",
  });
  const done = new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
  return { done, kill: () => child.kill("SIGKILL") };
}
