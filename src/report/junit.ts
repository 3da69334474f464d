import { needsPerson, shownReason } from "./entry-status.ts";
import type {
  AnyDocument,
  Explanation,
  GapEntry,
  Report,
  ResultEntry,
  RevisionsReport,
  WorkloadEntry,
} from "./document.ts";
import { workloadPath } from "./events.ts";
import { plain, plainCommand } from "./plain.ts";

/**
 * Renders a document as JUnit XML, which Azure DevOps and GitLab show as test results. A workload is
 * a test case: it fails if something is left to do, and is an error if its verdict is unknown.
 */
export function* renderJunit(document: AnyDocument): Generator<string> {
  const suites = suitesOf(document).filter(({ cases }) => cases.length > 0);
  yield '<?xml version="1.0" encoding="UTF-8"?>\n';
  yield `<testsuites${counts(suites.flatMap(({ cases }) => cases))}>\n`;
  for (const { name, cases } of suites) {
    const timestamp = document.generatedAt.slice(0, 19);
    yield `  <testsuite${attributes({ name, timestamp })}${counts(cases)}>\n`;
    for (const each of cases) yield testCase(each);
    yield "  </testsuite>\n";
  }
  yield "</testsuites>\n";
}

function testCase({ namespace, title, seconds, status, code, text }: TestCase): string {
  const time = seconds === undefined ? {} : { time: String(seconds) };
  const head = attributes({ classname: plain(namespace), name: plain(title), ...time });
  const lines = {
    passed: [`<system-out>${escaped(text)}</system-out>`],
    skipped: ["<skipped/>", `<system-out>${escaped(text)}</system-out>`],
    failure: [`<failure${attributes({ message: text, type: plain(code) })}/>`],
    error: [`<error${attributes({ message: text, type: plain(code) })}/>`],
  };
  const body = lines[status].map((line) => `      ${line}\n`).join("");
  return `    <testcase${head}>\n${body}    </testcase>\n`;
}

function counts(cases: readonly TestCase[]): string {
  const count = (status: TestCase["status"]) =>
    String(cases.filter((each) => each.status === status).length);
  return attributes({
    tests: String(cases.length),
    failures: count("failure"),
    errors: count("error"),
    skipped: count("skipped"),
  });
}

function attributes(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escaped(value)}"`)
    .join("");
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

interface TestCase {
  readonly namespace: string;
  readonly title: string;
  /** The duration. Absent if nothing was done. */
  readonly seconds?: number;
  readonly status: "passed" | "skipped" | "failure" | "error";
  readonly code: string;
  readonly text: string;
}

interface Suite {
  readonly name: string;
  readonly cases: readonly TestCase[];
}

function suitesOf(document: AnyDocument): readonly Suite[] {
  const reading = { name: "reading", cases: document.gaps.map(gapCase) };
  switch (document.kind) {
    case "Explanation":
      return [{ name: "explain", cases: [explanationCase(document)] }, reading];
    case "RevisionsReport":
      return [{ name: "revisions", cases: revisionCases(document) }, reading];
    default: {
      const results = document.kind === "RestartReport" ? document.results : [];
      return [
        { name: "restart", cases: results.map(resultCase) },
        { name: "sidecars", cases: document.workloads.map(workloadCase(document)) },
        reading,
      ];
    }
  }
}

const STATUS: Readonly<Record<ResultEntry["outcome"], TestCase["status"]>> = {
  restarted: "passed",
  waited: "passed",
  skipped: "skipped",
  failed: "failure",
  "timed-out": "failure",
  "not-started": "failure",
};

function resultCase(result: ResultEntry): TestCase {
  const { namespace, outcome, code, message, nextStep, startedAt, finishedAt } = result;
  const taken = startedAt === null ? undefined : Date.parse(finishedAt) - Date.parse(startedAt);
  return {
    namespace,
    title: `restart ${workloadPath(result)}`,
    ...(taken !== undefined && { seconds: taken / 1000 }),
    status: STATUS[outcome],
    code,
    text: withNextStep(message, nextStep),
  };
}

function workloadCase(report: Report): (entry: WorkloadEntry) => TestCase {
  const planned = report.kind === "RestartReport" && report.dryRun !== null;
  const statusOf = (entry: WorkloadEntry): TestCase["status"] => {
    const { verdict } = entry;
    if (verdict === "unknown") return "error";
    if (verdict === "excluded" || verdict === "managed") return "skipped";
    return (verdict === "outdated" && !planned) || needsPerson(entry) ? "failure" : "passed";
  };
  return (entry) => ({
    namespace: entry.namespace,
    title: workloadPath(entry),
    status: statusOf(entry),
    code: entry.code,
    text: withNextStep(`${entry.verdict}: ${shownReason(entry)}`, entry.nextStep),
  });
}

function explanationCase({
  subject,
  verdict,
  code,
  reason,
  nextStep,
  exitCode,
}: Explanation): TestCase {
  return {
    namespace: subject.namespace,
    title: workloadPath(subject),
    status: exitCode === 0 ? "passed" : "failure",
    code,
    text: withNextStep(`${verdict ?? "outside the mesh"}: ${reason}`, nextStep),
  };
}

function revisionCases({ revisions, assertUnused }: RevisionsReport): readonly TestCase[] {
  return revisions.map(({ revision, holders }) => ({
    namespace: "revisions",
    title: revision,
    status: assertUnused && holders.length > 0 ? "failure" : "passed",
    code: "in-use",
    text: holders
      .map(({ kind, count, release }) => withNextStep(`${count} ${kind}`, release))
      .join("; "),
  }));
}

/** A gap is an error: without it the other test cases would look complete. */
function gapCase({ what, namespace, reason, message, hint }: GapEntry): TestCase {
  return {
    namespace: namespace ?? "cluster",
    title: what,
    status: "error",
    code: reason,
    text: withNextStep(message, hint),
  };
}

function withNextStep(message: string, nextStep: string): string {
  return plain(message) + (nextStep === "" ? "" : ` -> ${plainCommand(nextStep)}`);
}
