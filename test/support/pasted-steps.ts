import { spawnSync } from "node:child_process";
import { type Actions, buildProgram } from "../../src/program.ts";
import type { JsonLine } from "../../src/report/document.ts";
import { PROGRAMS } from "../../src/report/next-step-text.ts";
import { stepParts } from "../../src/report/step-parts.ts";
import {
  checkSettings,
  explainSettings,
  moveSettings,
  restartSettings,
  revisionsSettings,
  statusSettings,
  verifySettings,
} from "../../src/settings.ts";
import { builtProgram } from "../testbed/build.ts";

/** The fields of a document whose texts are next steps. */
const STEPS: ReadonlySet<string> = new Set(["nextStep", "hint", "release", "removal"]);

/** A text of a document. */
interface PrintedText {
  readonly text: string;
  /** True if it may name a flag of the command that was typed, as a remark or a correction. */
  readonly mayNameFlags: boolean;
}

/**
 * Returns what is wrong with the first bad next step of a document; `undefined` if each command in
 * it works when it is pasted.
 *
 * @param args the arguments of the run that printed the document.
 */
export function problemOfSteps(document: unknown, args: readonly string[] = []) {
  for (const { text, mayNameFlags } of textsIn(document)) {
    const problem = problemOf(text, args, mayNameFlags);
    if (problem !== undefined) return `${JSON.stringify(text)}: ${problem}`;
  }
  return undefined;
}

/** The texts of a document that are next steps, or that may contain one. */
function textsIn(document: unknown): readonly PrintedText[] {
  const texts: PrintedText[] = [];
  const isError = (document as JsonLine).kind === "Error";
  JSON.stringify(document, (key, value: unknown) => {
    if (STEPS.has(key)) {
      for (const text of [value].flat()) texts.push({ text: String(text), mayNameFlags: isError });
    } else if (key === "notes" && Array.isArray(value)) {
      for (const text of value) texts.push({ text: String(text), mayNameFlags: true });
    } else if (key === "warnings" && Array.isArray(value)) {
      const warnings = value as readonly { readonly message: string }[];
      for (const { message } of warnings) texts.push({ text: message, mayNameFlags: false });
    }
    return value;
  });
  return texts;
}

/** The answers so far: many documents have the same next steps. */
const problems = new Map<string, string | undefined>();

/**
 * Returns what is wrong with a printed next step; `undefined` if nothing is.
 *
 * @param args the arguments of the run that printed it.
 */
export function problemOf(
  step: string,
  args: readonly string[] = [],
  mayNameFlags = false,
): string | undefined {
  const given = givenFlags(args);
  const key = JSON.stringify([step, given, mayNameFlags]);
  if (!problems.has(key)) problems.set(key, findProblem(step, given, mayNameFlags));
  return problems.get(key);
}

function findProblem(
  step: string,
  given: readonly string[],
  mayNameFlags: boolean,
): string | undefined {
  for (const { kind, text } of stepParts(step)) {
    const problem =
      kind === "prose" ? problemOfProse(text, mayNameFlags) : problemOfCommand(text, given);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

const PROGRAM_NAMES = [...new Set(PROGRAMS.map((name) => name.split(" ")[0] ?? name))];

/** A command in the middle of prose: nothing shows where it begins. */
const HIDDEN = new RegExp(`(?:^|[\\s'"])(?:${PROGRAM_NAMES.join("|")}) [a-z-]+ [a-z-]*[/-]`);

function problemOfProse(text: string, mayNameFlags: boolean): string | undefined {
  if (!mayNameFlags && /(?:^|[\s'"(])--?[a-z]/.test(text))
    return `a flag without its command: ${text}`;
  if (/<[^>]*>/.test(text)) return `a placeholder: ${text}`;
  return HIDDEN.test(text) ? `a command that does not follow a colon: ${text}` : undefined;
}

function problemOfCommand(text: string, given: readonly string[]): string | undefined {
  const unquoted = text.replaceAll(/'[^']*'|\\'/g, "").replaceAll(/ (?:&&|\|) /g, " ");
  const special = /[<>$`&|;(){}[\]*?#~!"'\n]|\.\.\./.exec(unquoted)?.[0];
  if (special !== undefined) return `a shell does not take ${special} as it is: ${text}`;
  const calls = callsIn(text);
  if (typeof calls === "string") return calls;
  for (const [program = "", ...args] of calls) {
    const missing = given.find((word) => TAKES_FLAGS.has(program) && !args.includes(word));
    const isHelp = args.includes("--help");
    if (missing !== undefined && !isHelp) return `${program} does not get ${missing}`;
    const problem = CHECKS[program]?.(args);
    if (problem !== undefined) return `${program} ${args.join(" ")}: ${problem}`;
  }
  return undefined;
}

/** The programs that reach a cluster. */
const TAKES_FLAGS: ReadonlySet<string> = new Set(["istio-upgrade", "istioctl", "kubectl", "oc"]);

/** The flags of a run that its next steps have to repeat, and their values. */
function givenFlags(args: readonly string[]): readonly string[] {
  return ["--kubeconfig", "--context"].flatMap((flag) => {
    const index = args.indexOf(flag);
    return index === -1 ? [] : args.slice(index, index + 2);
  });
}

/**
 * Lets a shell run a command, with functions in place of the programs.
 *
 * @returns the words of each call, or the error of the shell.
 */
export function callsIn(command: string): readonly (readonly string[])[] | string {
  // The functions print to one place, and not into a pipe.
  const functions = PROGRAM_NAMES.map(
    (name) => `${name}() { printf '%s\\0' ${name} "$@" '\u0001' >&3; }`,
  );
  const script = `PATH=\nexec 3>&1\n${functions.join("\n")}\n${command}\n`;
  // With a socket as its standard input, bash would take itself for a remote shell and read ~/.bashrc.
  const { stdout, stderr, status } = spawnSync("bash", ["--norc", "-c", script], {
    encoding: "utf8",
  });
  if (stderr !== "" || status !== 0) return stderr || `exit code ${status}`;
  return stdout
    .split("\0\u0001\0")
    .filter((call) => call !== "")
    .map((call) => call.split("\0"));
}

/** The check of a call of each program; a program without one is checked by the shell alone. */
const CHECKS: Readonly<Record<string, (args: readonly string[]) => string | undefined>> = {
  "istio-upgrade": parseError,
  kubectl: (args) => kubectlProblem(args),
  istioctl: (args) => helpProblem(ISTIOCTL, args),
  az: (args) =>
    args.includes("--resource-group") && args.includes("--name")
      ? undefined
      : "the resource group and the name are required",
};

const KUBECTL = await builtProgram("kubectl");
const ISTIOCTL = await builtProgram("istioctl");

/** The commands of kubectl in next steps; kubectl itself takes any word after `rollout` and `auth`. */
const KUBECTL_COMMAND =
  /^(?:annotate|create|delete|describe|edit|explain|get|label|logs|patch|replace|scale|wait|auth (?:can-i|whoami)|config (?:get-contexts|view)|rollout (?:restart|resume|status|undo)|argo rollouts (?:restart|resume|undo|promote|get))(?: |$)/;

/** The flags of kubectl in next steps, for a machine without kubectl. */
const KUBECTL_FLAGS =
  /^(?:--(?:all|all-namespaces|dry-run|for|force|overwrite|patch|raw|replicas|show-managed-fields|timeout|type)|-[Acflnop]?)$/;

function kubectlProblem(args: readonly string[]): string | undefined {
  const words = args.filter(
    (word, index) =>
      !["--context", "--kubeconfig"].includes(word) &&
      !["--context", "--kubeconfig"].includes(args[index - 1] ?? ""),
  );
  if (!KUBECTL_COMMAND.test(words.join(" "))) return `no command ${words.join(" ")}`;
  if (KUBECTL !== undefined && words[0] !== "argo") return helpProblem(KUBECTL, args);
  const flags = words.filter((word) => word.startsWith("-")).map((word) => word.split("=")[0]);
  const unknown = flags.find((flag) => !KUBECTL_FLAGS.test(flag ?? ""));
  return unknown === undefined ? undefined : `the flag ${unknown} is not listed in the test`;
}

/** Asks a program for the help about a call, which it gives only if it knows the flags before. */
function helpProblem(program: string | undefined, args: readonly string[]): string | undefined {
  if (program === undefined) return undefined;
  const { status, stderr } = spawnSync(program, [...args, "--help"], {
    encoding: "utf8",
    env: { KUBECONFIG: "/dev/null", HOME: "/nonexistent" },
  });
  return status === 0 ? undefined : stderr;
}

const DONE = Promise.resolve();

/** Actions that throw at once if a flag or an argument is wrong. */
const ACTIONS: Actions = {
  check: (raw) => (checkSettings(raw), DONE),
  restart: (raw, names) => (restartSettings(raw, names), DONE),
  move: (raw, names) => (moveSettings(raw, names), DONE),
  verify: (raw) => (verifySettings(raw), DONE),
  explain: (raw, name) => (explainSettings(raw, name), DONE),
  revisions: (raw, name) => (revisionsSettings(raw, name), DONE),
  status: (raw) => (statusSettings(raw), DONE),
  completion: () => DONE,
  version: () => undefined,
  complete: () => DONE,
};

function parseError(args: readonly string[]): string | undefined {
  // The help ends the parser with an error, too.
  if (args.at(-1) === "--help") return undefined;
  const silent = { write: () => true };
  try {
    buildProgram({ stdout: silent, stderr: silent }, ACTIONS).parse([...args], { from: "user" });
    return undefined;
  } catch (error) {
    return String(error);
  }
}
