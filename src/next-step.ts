/**
 * The next step for the user: prose, a command, or a sentence with commands in it. An empty string
 * means that nothing needs doing.
 *
 * A command stays data until it is printed: only `src/report/next-step-text.ts` knows how a shell
 * quotes it and which flags make it reach the same cluster. Prose must not contain a command.
 */
export type NextStep = string | Command | Sentence;

/** Prose with commands in it. */
export interface Sentence {
  readonly kind: "sentence";
  readonly parts: readonly (string | Command)[];
}

export type Command = Invocation | Chain;

/** A call of one program. */
export interface Invocation {
  readonly kind: "invocation";
  readonly program: Program;
  /** The arguments, not quoted. */
  readonly args: readonly string[];
}

/** Several calls: each reads what the previous one prints, or runs once the previous one succeeds. */
export interface Chain {
  readonly kind: "pipeline" | "sequence";
  readonly invocations: readonly Invocation[];
}

/** The programs that a next step may name; the formatter has a rule for each. */
export type Program =
  | "az"
  | "istio-upgrade"
  | "istioctl"
  | "kubectl"
  | "kubectl argo rollouts"
  | "kubelogin"
  | "oc"
  | "sed";

/** A template tag: ``sentence`list the revisions: ${kubectl("get", "configmaps")}` ``. */
export function sentence(
  prose: TemplateStringsArray,
  ...values: readonly (string | Command | Sentence)[]
): Sentence {
  const parts = prose
    .flatMap((text, index) => [text, values[index] ?? ""])
    .flatMap((part) =>
      typeof part === "object" && part.kind === "sentence" ? part.parts : [part],
    );
  return { kind: "sentence", parts: parts.filter((part) => part !== "") };
}

export function pipeline(...invocations: readonly Invocation[]): Chain {
  return { kind: "pipeline", invocations };
}

/** Returns a sequence, or the invocation itself if there is only one. */
export function sequence(invocations: readonly Invocation[]): Command {
  const [first, ...others] = invocations;
  return first && others.length === 0 ? first : { kind: "sequence", invocations };
}

export const az = callOf("az");
/** Stands for the cluster in commands of `az`, because nothing in a cluster names both values. */
export const AKS_CLUSTER = ["--resource-group", "RESOURCE_GROUP", "--name", "CLUSTER"] as const;
export const istioUpgrade = callOf("istio-upgrade");
export const istioctl = callOf("istioctl");
export const kubectl = callOf("kubectl");
export const argoRollouts = callOf("kubectl argo rollouts");
export const kubelogin = callOf("kubelogin");
export const oc = callOf("oc");
export const sed = callOf("sed");

function callOf(program: Program): (...args: readonly string[]) => Invocation {
  return (...args) => ({ kind: "invocation", program, args });
}
