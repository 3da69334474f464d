import { spawnSync } from "node:child_process";
import { type Actions, buildProgram } from "../../src/program.ts";
import { stepParts } from "../../src/report/step-parts.ts";
import {
  commonSettings,
  explainSettings,
  restartSettings,
  revisionsSettings,
  verifySettings,
} from "../../src/settings.ts";

const KUBECTL =
  /^(?:argo|auth|create|delete|describe|edit|explain|get|label|patch|replace|rollout|scale)$/;

/** Returns what is wrong with a printed next step; `undefined` if nothing is. */
export function problemOf(step: string): string | undefined {
  for (const { kind, text } of stepParts(step)) {
    if (kind === "prose") {
      if (/(?:^|\s)--?[a-z]/.test(text)) return `a flag without its command: ${text}`;
      continue;
    }
    const { stderr } = spawnSync("sh", ["-n"], { input: text, encoding: "utf8" });
    if (stderr !== "") return stderr;
    for (const call of text.split(/ (?:&&|\|) /)) {
      const problem = problemOfCall(wordsOf(call));
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}

function problemOfCall([program, ...args]: readonly string[]): string | undefined {
  if (program === "istio-upgrade") return parseError(args);
  if (program !== "kubectl") return undefined;
  // The flags of the cluster come first, each with its value.
  const verb = args.find(
    (arg, index) => !arg.startsWith("--") && !args[index - 1]?.startsWith("--"),
  );
  return KUBECTL.test(verb ?? "") ? undefined : `kubectl has no command ${verb}`;
}

/** Splits a command that `shellWord` quoted. */
function wordsOf(command: string): readonly string[] {
  const words = command.match(/(?:'[^']*'|\\'|[^ '])+/g) ?? [];
  return words.map((word) =>
    word.replaceAll(/'([^']*)'|\\'/g, (_match, quoted?: string) => quoted ?? "'"),
  );
}

const DONE = Promise.resolve();

/** Actions that throw at once if a flag or an argument is wrong. */
const ACTIONS: Actions = {
  check: (raw) => (commonSettings(raw), DONE),
  restart: (raw, names) => (restartSettings(raw, names), DONE),
  verify: (raw) => (verifySettings(raw), DONE),
  explain: (raw, name) => (explainSettings(raw, name), DONE),
  revisions: (raw, name) => (revisionsSettings(raw, name), DONE),
  completion: () => DONE,
  complete: () => DONE,
};

function parseError(args: readonly string[]): string | undefined {
  const silent = { write: () => true };
  try {
    buildProgram({ stdout: silent, stderr: silent }, ACTIONS).parse([...args], { from: "user" });
    return undefined;
  } catch (error) {
    return String(error);
  }
}
