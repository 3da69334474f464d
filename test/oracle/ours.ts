import type { RealCluster } from "../testbed/real-cluster.ts";
import { runProgram } from "../support/run-program.ts";
import type { Placed } from "./apply.ts";

/** What the program says of one workload. */
export interface Said {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly verdict: string;
  readonly code: string;
  readonly reason: string;
  readonly target: { readonly image: string; readonly revision: string } | null;
}

/** By the rules alone, with a dry run where they are in doubt, or of every workload. */
export const PROVES = ["never", "auto", "always"] as const;
export type Prove = (typeof PROVES)[number];

/** One run of the program, for all namespaces at once. By `keyOf`. */
export async function ask(
  cluster: RealCluster,
  placed: readonly Placed[],
  prove: Prove,
): Promise<ReadonlyMap<string, Said>> {
  const namespaces = [...new Set(placed.map(({ namespace }) => namespace))].join(",");
  const { status, stdout, stderr } = await runProgram(
    ["check", "--namespace", namespaces, "--json", "--quiet", `--prove=${prove}`],
    { KUBECONFIG: cluster.kubeconfig },
  );
  // Where neither an injector nor a sidecar is left, that is all there is to say.
  if (status === 1 && stderr.includes("no ConfigMap istio-sidecar-injector*")) return new Map();
  if (stdout === "") throw new Error(`the check ended with ${status}: ${stderr}`);
  const { workloads, gaps } = JSON.parse(stdout) as {
    readonly workloads: readonly Said[];
    readonly gaps: readonly unknown[];
  };
  if (gaps.length > 0) throw new Error(`the check has gaps: ${JSON.stringify(gaps)}`);
  return new Map(workloads.map((said) => [`${said.namespace}/${said.kind}/${said.name}`, said]));
}

export function keyOf({ namespace, name, case: { workload } }: Placed): string {
  return `${namespace}/${workload.kind}/${name}`;
}
