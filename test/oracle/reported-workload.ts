import type { RealCluster } from "../testbed/real-cluster.ts";
import { runProgram } from "../support/run-program.ts";
import type { AppliedWorkload } from "./applied-workload.ts";

/** One workload in the report of `istio-upgrade check`. */
export interface ReportedWorkload {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly verdict: string;
  readonly code: string;
  readonly reason: string;
  readonly target: { readonly image: string; readonly revision: string } | null;
}

/** The values of `--prove`: no dry runs, dry runs of doubtful workloads, dry runs of every workload. */
export const PROVES = ["never", "auto", "always"] as const;
export type Prove = (typeof PROVES)[number];

/** The message of a command that finds neither an injector nor a sidecar. */
export const NO_INJECTOR = "no ConfigMap istio-sidecar-injector*";

/** Checks all namespaces in one run of the program, and returns the workloads by `keyOf`. */
export async function checkWorkloads(
  cluster: RealCluster,
  applied: readonly AppliedWorkload[],
  prove: Prove,
): Promise<ReadonlyMap<string, ReportedWorkload>> {
  const namespaces = [...new Set(applied.map(({ namespace }) => namespace))].join(",");
  const { status, stdout, stderr } = await runProgram(
    ["check", "--namespace", namespaces, "--json", "--quiet", `--prove=${prove}`],
    { KUBECONFIG: cluster.kubeconfig },
  );
  // Without any injector and any sidecar, the program has nothing to report.
  if (status === 1 && stderr.includes(NO_INJECTOR)) return new Map();
  if (stdout === "") throw new Error(`the check ended with ${status}: ${stderr}`);
  const { workloads, gaps } = JSON.parse(stdout) as {
    readonly workloads: readonly ReportedWorkload[];
    readonly gaps: readonly unknown[];
  };
  if (gaps.length > 0) throw new Error(`the check has gaps: ${JSON.stringify(gaps)}`);
  return new Map(
    workloads.map((workload) => {
      const { namespace, kind, name } = workload;
      return [`${namespace}/${kind}/${name}`, workload];
    }),
  );
}

export function keyOf({ namespace, name, case: { workload } }: AppliedWorkload): string {
  return `${namespace}/${workload.kind}/${name}`;
}
