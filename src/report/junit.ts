import junit, { type Builder } from "junit-report-builder";
import { needsPerson, whyNot } from "./attention.ts";
import type {
  AnyDocument,
  Explanation,
  GapEntry,
  Report,
  ResultEntry,
  RevisionsReport,
  WorkloadEntry,
} from "./document.ts";
import { placeOf } from "./events.ts";
import { plain, plainCommand } from "./plain.ts";

/** Its types are those of its CommonJS build. */
const builder = junit as unknown as Builder;

/**
 * A document as test results, in the form that Azure DevOps and GitLab show: a workload is a test
 * case, which fails where it needs something, and is an error where it could not be decided.
 */
export function renderJunit(document: AnyDocument): string {
  const report = builder.newBuilder();
  for (const [name, cases] of Object.entries(suitesOf(document))) {
    if (cases.length === 0) continue;
    const suite = report.testSuite().name(name).timestamp(new Date(document.generatedAt));
    for (const { namespace, title, seconds, ending, code, text } of cases) {
      const testCase = suite.testCase().className(plain(namespace)).name(plain(title));
      if (seconds !== undefined) testCase.time(seconds);
      if (ending === "failure" || ending === "error") testCase[ending](text, plain(code));
      if (ending === "skipped") testCase.skipped();
      if (ending === "passed" || ending === "skipped") testCase.standardOutput(text);
    }
  }
  return `${report.build()}\n`;
}

interface Case {
  readonly namespace: string;
  readonly title: string;
  /** How long it took, where it did anything. */
  readonly seconds?: number;
  readonly ending: "passed" | "skipped" | "failure" | "error";
  readonly code: string;
  readonly text: string;
}

function suitesOf(document: AnyDocument): Readonly<Record<string, readonly Case[]>> {
  const reading = document.gaps.map(unread);
  switch (document.kind) {
    case "Explanation":
      return { explain: [explained(document)], reading };
    case "RevisionsReport":
      return { revisions: held(document), reading };
    case "RestartReport": {
      const restart = document.results.map(restarted);
      return { restart, sidecars: document.workloads.map(workload(document)), reading };
    }
    default:
      return { sidecars: document.workloads.map(workload(document)), reading };
  }
}

const ENDINGS: Readonly<Record<ResultEntry["outcome"], Case["ending"]>> = {
  restarted: "passed",
  waited: "passed",
  skipped: "skipped",
  failed: "failure",
  "timed-out": "failure",
  "not-started": "failure",
};

function restarted(result: ResultEntry): Case {
  const { namespace, outcome, code, message, nextStep, startedAt, finishedAt } = result;
  const taken = startedAt === null ? undefined : Date.parse(finishedAt) - Date.parse(startedAt);
  return {
    namespace,
    title: `restart ${placeOf(result)}`,
    ...(taken !== undefined && { seconds: taken / 1000 }),
    ending: ENDINGS[outcome],
    code,
    text: said(message, nextStep),
  };
}

function workload(report: Report): (entry: WorkloadEntry) => Case {
  const planned = report.kind === "RestartReport" && report.dryRun !== null;
  const endingOf = (entry: WorkloadEntry): Case["ending"] => {
    const { verdict } = entry;
    if (verdict === "unknown") return "error";
    if (verdict === "excluded" || verdict === "managed") return "skipped";
    return (verdict === "outdated" && !planned) || needsPerson(entry) ? "failure" : "passed";
  };
  return (entry) => ({
    namespace: entry.namespace,
    title: placeOf(entry),
    ending: endingOf(entry),
    code: entry.code,
    text: said(`${entry.verdict}: ${whyNot(entry)}`, entry.nextStep),
  });
}

function explained({ subject, verdict, code, reason, nextStep, exitCode }: Explanation): Case {
  return {
    namespace: subject.namespace,
    title: placeOf(subject),
    ending: exitCode === 0 ? "passed" : "failure",
    code,
    text: said(`${verdict ?? "outside the mesh"}: ${reason}`, nextStep),
  };
}

function held({ revisions, assertUnused }: RevisionsReport): readonly Case[] {
  return revisions.map(({ revision, holders }) => ({
    namespace: "revisions",
    title: revision,
    ending: assertUnused && holders.length > 0 ? "failure" : "passed",
    code: "in-use",
    text: holders.map(({ kind, count, release }) => said(`${count} ${kind}`, release)).join("; "),
  }));
}

/** What was not read is an error, or the rest would look like all there is. */
function unread({ what, namespace, reason, message, hint }: GapEntry): Case {
  return {
    namespace: namespace ?? "cluster",
    title: what,
    ending: "error",
    code: reason,
    text: said(message, hint),
  };
}

/** The builder puts it into CDATA, of which xmlbuilder splits no more than the first end in a text. */
function said(message: string, nextStep: string): string {
  const text = plain(message) + (nextStep === "" ? "" : ` -> ${plainCommand(nextStep)}`);
  return text.replaceAll("]]>", "]] >");
}
