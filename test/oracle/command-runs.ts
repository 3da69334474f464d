import { setTimeout as sleep } from "node:timers/promises";
import { runProgram } from "../support/run-program.ts";
import type { RealCluster } from "../testbed/real-cluster.ts";
import type { AppliedWorkload } from "./applied-workload.ts";
import {
  type Contradiction,
  contradictionsOf,
  driftErrors,
  missingUses,
  type PlanReport,
  type RevisionsReport,
  selectionErrors,
  type Use,
} from "./command-agreement.ts";
import type { Comparison } from "./comparison.ts";
import { SELECTED } from "./objects.ts";
import { keyOf, NO_INJECTOR, type Prove } from "./reported-workload.ts";
import { isOptedOut, isTemplateShown } from "./world.ts";

/** The values of `--prove` for which the commands are compared. */
const COMPARED = ["never", "auto"] as const satisfies readonly Prove[];

/** A contradiction that stays, with the workload that it is about. */
export interface FoundContradiction extends Contradiction {
  readonly prove: Prove;
  /** `undefined` for a contradiction between exit codes. */
  readonly applied: AppliedWorkload | undefined;
}

const ATTEMPTS = 4;
/** The pause after which a cluster that moved may be stable, in milliseconds. */
const PAUSE_MS = 3000;

/**
 * Runs `check`, `verify` and `restart --dry-run` on the namespaces of a world, and returns where they
 * contradict each other. Compares `revisions` with the workloads.
 *
 * @param compared the comparisons of the workloads with the injector.
 */
export async function compareCommands(
  cluster: RealCluster,
  workloads: readonly AppliedWorkload[],
  compared: readonly Comparison[],
): Promise<readonly FoundContradiction[]> {
  if (workloads.length === 0) return [];
  const byName = new Map(workloads.map((applied) => [keyOf(applied), applied]));
  const found: FoundContradiction[] = [];
  const add = (prove: Prove, contradictions: readonly Contradiction[]) =>
    found.push(
      ...contradictions.map((one) => ({ ...one, prove, applied: byName.get(one.workload ?? "") })),
    );
  for (const prove of COMPARED) {
    add(prove, await untilStable(() => compareOnce(cluster, workloads, prove)));
  }
  add("never", await untilStable(() => findMissingUses(cluster, workloads, compared)));
  return found;
}

/** Repeats a comparison: controllers retry rejected pods, so the cluster may change meanwhile. */
async function untilStable(
  compareAll: () => Promise<readonly Contradiction[]>,
): Promise<readonly Contradiction[]> {
  for (let attempt = 1; ; attempt++) {
    const contradictions = await compareAll();
    if (contradictions.length === 0 || attempt === ATTEMPTS) return contradictions;
    await sleep(PAUSE_MS);
  }
}

/** Compares `revisions` with the labels of the templates, and with the sidecars that run. */
async function findMissingUses(
  cluster: RealCluster,
  workloads: readonly AppliedWorkload[],
  compared: readonly Comparison[],
): Promise<readonly Contradiction[]> {
  const { status, stdout, stderr } = await runProgram(["revisions", "--json", "--quiet"], {
    KUBECONFIG: cluster.kubeconfig,
  });
  if (status === 1 && stderr.includes(NO_INJECTOR)) return [];
  if (stdout === "") throw new Error(`revisions ended with ${status}: ${stderr}`);
  const templates = workloads.flatMap((applied): readonly Use[] => {
    const { workload, now } = applied.case;
    const revision = workload.labels?.["istio.io/rev"];
    // A label that names a tag moves with the tag. Only the object shows a template without pods.
    const isUse =
      revision !== undefined && !(revision in (now.tags ?? {})) && !isOptedOut(workload);
    if (!isUse || !isTemplateShown(workload.kind)) return [];
    // AKS removes its gateways together with their revision, but not with that of another mesh.
    const isManaged = workload.aks === true && workload.proxy !== undefined;
    if (isManaged && revision !== "other-mesh") return [];
    return [{ ...nameOf(applied), revision, by: "templates" }];
  });
  const pods = compared.flatMap(({ applied, actual }): readonly Use[] => {
    const revisions = new Set(actual.pods.flatMap(({ sidecar }) => sidecar?.revision ?? []));
    // AKS removes its gateways together with their revision.
    if (actual.verdict === "managed") return [];
    return [...revisions].map((revision) => ({ ...nameOf(applied), revision, by: "pods" }));
  });
  const distinct = new Map([...templates, ...pods].map((use) => [JSON.stringify(use), use]));
  return missingUses(JSON.parse(stdout) as RevisionsReport, [...distinct.values()]);
}

function nameOf({ namespace, name, case: { workload } }: AppliedWorkload) {
  return { namespace, kind: workload.kind, name };
}

async function compareOnce(
  cluster: RealCluster,
  workloads: readonly AppliedWorkload[],
  prove: Prove,
): Promise<readonly Contradiction[]> {
  const namespaces = [...new Set(workloads.map(({ namespace }) => namespace))].join(",");
  const scope = ["--namespace", namespaces, `--prove=${prove}`, "--json", "--quiet"];
  async function run(...args: readonly string[]): Promise<PlanReport | undefined> {
    const { status, stdout, stderr } = await runProgram([...args, ...scope], {
      KUBECONFIG: cluster.kubeconfig,
    });
    if (status === 1 && stderr.includes(NO_INJECTOR)) return undefined;
    const report = stdout === "" ? undefined : (JSON.parse(stdout) as PlanReport);
    if (report?.exitCode !== status || report.workloads === undefined) {
      throw new Error(`${args.join(" ")} ended with ${status}: ${stderr}${stdout}`);
    }
    return report;
  }
  const check = await run("check");
  // A selector does not depend on proofs.
  const narrowed =
    prove === "auto"
      ? await run("check", "--selector", `${SELECTED.key}=${SELECTED.value}`)
      : undefined;
  const compared = prove === "auto" ? await run("check", "--drift") : undefined;
  const verify = await run("verify");
  // Without a person who is asked, a restart changes only the revisions that it may change.
  const targets = (check?.workloads ?? []).flatMap(({ target }) => target?.revision ?? []);
  const allowed = [...new Set(targets)].flatMap((name) => ["--allow-revision", name]);
  const plan = await run("restart", "--dry-run=server", "--timeout=2s", ...allowed);
  if (check === undefined || verify === undefined || plan === undefined) {
    const commands = { check, verify, "restart --dry-run": plan };
    const answering = Object.entries(commands).filter(([, report]) => report !== undefined);
    return answering.map(([command]) => ({
      workload: undefined,
      message: `only ${command} finds an injector or a sidecar`,
    }));
  }
  const selected = new Set(
    workloads.filter((applied) => applied.case.workload.selected).map(keyOf),
  );
  const fresh = new Set(
    workloads.filter((applied) => applied.case.workload.when === "now").map(keyOf),
  );
  return [
    ...(compared === undefined ? [] : driftErrors(compared, fresh)),
    ...contradictionsOf({ check, verify, plan }),
    ...(narrowed === undefined ? [] : selectionErrors(check, narrowed, selected)),
  ];
}
