import { PROGRAMS } from "./next-step-text.ts";

/** A part of a printed next step: prose, or a command that a shell takes. */
export interface StepPart {
  readonly kind: "prose" | "command";
  readonly text: string;
}

/**
 * Splits a printed next step into prose and commands. A command begins the text or follows a colon,
 * and ends with the text or at a semicolon outside quotes.
 */
export function stepParts(text: string): readonly StepPart[] {
  if (text === "") return [];
  return clauses(text).flatMap((clause, index) => {
    const separator: readonly StepPart[] = index === 0 ? [] : [{ kind: "prose", text: "; " }];
    const [, prose = "", command] = COMMAND.exec(clause) ?? [];
    if (command === undefined) return [...separator, { kind: "prose", text: clause }];
    return [
      ...separator,
      ...(prose === "" ? [] : [{ kind: "prose", text: prose } as const]),
      { kind: "command", text: command },
    ];
  });
}

const COMMAND = new RegExp(`^((?:.*?: )??)((?:${PROGRAMS.join("|")}) .*)$`, "s");

/** Splits a text at semicolons that are not quoted. */
function clauses(text: string): readonly string[] {
  const pieces = text.split("; ");
  const result: string[] = [];
  for (const piece of pieces) {
    const last = result.at(-1);
    if (last !== undefined && endsInQuotes(last)) result[result.length - 1] = `${last}; ${piece}`;
    else result.push(piece);
  }
  return result;
}

/** True if a quote in the command of a text is still open: an apostrophe in prose is not one. */
function endsInQuotes(text: string): boolean {
  const [, , command = ""] = COMMAND.exec(text) ?? [];
  return command.replaceAll(/'[^']*'|\\'/g, "").includes("'");
}
