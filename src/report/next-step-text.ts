import { AKS_ISTIO_NAMESPACE } from "../istio-labels.ts";
import type { Command, Invocation, NextStep, Program } from "../next-step.ts";
import { shellWord } from "../shell-word.ts";

/** Prints a next step with the flags that make its commands reach the same cluster. */
export type StepFormatter = (step: NextStep) => string;

/** The flags that the user gave to choose a cluster and its Istio. */
export interface GivenFlags {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly istioNamespace?: string | undefined;
}

export function createStepFormatter(given: GivenFlags): StepFormatter {
  const { kubeconfig, context, istioNamespace } = given;
  const shared = [...flag("--kubeconfig", kubeconfig), ...flag("--context", context)];
  const isDefault = istioNamespace === AKS_ISTIO_NAMESPACE;
  const own = [...shared, ...flag("--istio-namespace", isDefault ? undefined : istioNamespace)];
  return (step) => formatStep(step, { none: [], shared, own });
}

function flag(name: string, value: string | undefined): readonly string[] {
  return value === undefined || value === "" ? [] : [name, value];
}

/** The arguments that make a command reach the same cluster, by the programs that take them. */
interface ClusterFlags {
  readonly none: readonly string[];
  /** The flags of kubectl, which istioctl and others take as well. */
  readonly shared: readonly string[];
  /** The flags of `istio-upgrade`. */
  readonly own: readonly string[];
}

interface FlagRule {
  readonly flags: keyof ClusterFlags;
  /** The number of arguments before the flags. */
  readonly after: number;
}

/** A new program does not compile until it has a rule. */
const FLAG_RULES: Readonly<Record<Program, FlagRule>> = {
  az: { flags: "none", after: 0 },
  "istio-upgrade": { flags: "own", after: 1 },
  istioctl: { flags: "shared", after: 0 },
  kubectl: { flags: "shared", after: 0 },
  // kubectl takes no flags before the name of a plugin.
  "kubectl argo rollouts": { flags: "shared", after: 0 },
  kubelogin: { flags: "shared", after: 1 },
  oc: { flags: "shared", after: 0 },
  sed: { flags: "none", after: 0 },
};

/** The programs that a next step may name. */
export const PROGRAMS = Object.keys(FLAG_RULES);

function formatStep(step: NextStep, flags: ClusterFlags): string {
  if (typeof step === "string") return step;
  if (step.kind !== "sentence") return formatCommand(step, flags);
  return step.parts
    .map((part) => (typeof part === "string" ? part : formatCommand(part, flags)))
    .join("");
}

function formatCommand(command: Command, flags: ClusterFlags): string {
  if (command.kind === "invocation") return formatInvocation(command, flags);
  return command.invocations
    .map((invocation) => formatInvocation(invocation, flags))
    .join(command.kind === "pipeline" ? " | " : " && ");
}

function formatInvocation({ program, args }: Invocation, all: ClusterFlags): string {
  const { flags, after } = FLAG_RULES[program];
  // A command for another Istio namespace names it.
  const given = args.includes("--istio-namespace") && flags === "own" ? "shared" : flags;
  // The help is the same for every cluster.
  const added = args.includes("--help") ? [] : all[given];
  const words = [...args.slice(0, after), ...added, ...args.slice(after)];
  return [program, ...words.map(shellWord)].join(" ");
}
