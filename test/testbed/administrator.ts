import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { promisify } from "node:util";
import type { RealCluster } from "./real-cluster.ts";

const execute = promisify(execFile);

/** A person with full permissions at a shell. */
export interface Administrator {
  /** Runs a program, and returns its output. Rejects if it fails. */
  readonly run: (
    program: string,
    args: readonly string[],
    variables?: Readonly<Record<string, string>>,
  ) => Promise<string>;
  /** Runs the kubectl of the test bed, as `run` does. */
  readonly kubectl: (...args: readonly string[]) => Promise<string>;
}

/**
 * Returns the administrator of a cluster, who has that kubectl on the PATH.
 *
 * @param folder the working folder, and the home.
 */
export function administratorOf(
  { kubeconfig, programs }: Pick<RealCluster, "kubeconfig" | "programs">,
  folder: string,
): Administrator {
  const PATH = `${dirname(programs.kubectl)}:${process.env["PATH"]}`;
  const run: Administrator["run"] = async (program, args, variables) => {
    const env = { PATH, HOME: folder, KUBECONFIG: kubeconfig, ...variables };
    return (await execute(program, [...args], { cwd: folder, env })).stdout;
  };
  return { run, kubectl: (...args) => run(programs.kubectl, args) };
}
