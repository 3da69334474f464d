import { ageClause, limitText } from "./age-text.ts";
import { needsPerson, shownReason } from "./entry-status.ts";
import type {
  AnyDocument,
  ClusterDocument,
  ErrorDocument,
  Explanation,
  GapEntry,
  GateEntry,
  MovedNamespaceEntry,
  Report,
  ResultEntry,
  RevisionsReport,
  SoakEntry,
  WaveEntry,
  StatusReport,
  WorkloadEntry,
} from "./document.ts";
import { soakText, workloadPath } from "./events.ts";
import { groupName } from "./group-rows.ts";
import { plain, plainCommand } from "./plain.ts";
import { ownGroup } from "./workload-groups.ts";
import { knownSince } from "./since.ts";
import { GATE_CODES, SOAK_CODES } from "./wave-codes.ts";

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
  if (document.kind === "FleetReport") return [...document.clusters].flatMap(suitesOfCluster);
  const reading = { name: "reading", cases: document.gaps.map(gapCase) };
  switch (document.kind) {
    case "Explanation":
      return [{ name: "explain", cases: [explanationCase(document)] }, reading];
    case "RevisionsReport":
      return [{ name: "revisions", cases: revisionCases(document) }, reading];
    case "StatusReport":
      return [{ name: "status", cases: statusCases(document) }, reading];
    default: {
      const results = document.kind === "RestartReport" ? document.results : [];
      return [
        ...(document.kind === "RestartReport" && document.namespaces !== undefined
          ? [{ name: "namespaces", cases: document.namespaces.map(namespaceCase) }]
          : []),
        { name: "restart", cases: results.map(resultCase) },
        {
          name: "waves",
          cases: document.kind === "RestartReport" ? document.waves.flatMap(waveCases) : [],
        },
        ...sidecarSuites(document),
        reading,
      ];
    }
  }
}

/** Returns a suite for each group of `--group-by`. */
function sidecarSuites(report: Report): readonly Suite[] {
  const { workloads, groups } = report;
  const caseOf = workloadCase(report);
  if (groups === undefined) return [{ name: "sidecars", cases: workloads.map(caseOf) }];
  const suites = new Map<string | null, TestCase[]>(groups.map(({ name }) => [name, []]));
  for (const entry of workloads) {
    const cases = suites.get(ownGroup(entry)) ?? [];
    suites.set(ownGroup(entry), cases);
    cases.push(caseOf(entry));
  }
  return [...suites].map(([name, cases]) => ({ name: `sidecars of ${groupName(name)}`, cases }));
}

/** Returns the suites of a cluster, whose names begin with its context. */
function suitesOfCluster(document: ClusterDocument): readonly Suite[] {
  const context = plain(document.cluster.context ?? "unknown");
  const suites = document.kind === "Error" ? [errorSuite(document)] : suitesOf(document);
  return suites.map(({ name, cases }) => ({ name: `${context}: ${name}`, cases }));
}

/** A cluster without a report is an error: without it, the other clusters would look complete. */
function errorSuite({ code, message, hint }: ErrorDocument): Suite {
  const text = withNextStep(message, hint);
  const failed = { namespace: "cluster", title: "read the cluster", status: "error" as const };
  return { name: "reading", cases: [{ ...failed, code, text }] };
}

function namespaceCase(entry: MovedNamespaceEntry): TestCase {
  const { name, outcome, code, message, nextStep, to } = entry;
  const isDone = outcome === "labelled" || outcome === "unchanged";
  return {
    namespace: name,
    title: `move ${name} to ${to}`,
    status: isDone ? "passed" : outcome === "planned" ? "skipped" : "failure",
    code: code || outcome,
    text: withNextStep(message || outcome, nextStep),
  };
}

const STATUS: Readonly<Record<ResultEntry["outcome"], TestCase["status"]>> = {
  restarted: "passed",
  replaced: "passed",
  waited: "passed",
  skipped: "skipped",
  failed: "failure",
  "timed-out": "failure",
  "still-rolling": "failure",
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

/** A soak and a gate are test cases, which fail unless they passed. */
function waveCases({ number, soak, gate }: WaveEntry): readonly TestCase[] {
  const namespace = `wave ${number}`;
  const check = (title: string, entry: SoakEntry | GateEntry, code: string, text: string) => ({
    namespace,
    title,
    seconds: (Date.parse(entry.finishedAt) - Date.parse(entry.startedAt)) / 1000,
    status: entry.result === "passed" ? ("passed" as const) : ("failure" as const),
    code,
    text,
  });
  return [
    ...(soak === null
      ? []
      : [
          check("soak", soak, SOAK_CODES[soak.result], withNextStep(soakText(soak), soak.nextStep)),
        ]),
    ...(gate === null
      ? []
      : [
          check(
            `gate ${plain(gate.command)}`,
            gate,
            GATE_CODES[gate.result],
            plain(`the gate ${gate.message}: ${gate.output}`),
          ),
        ]),
  ];
}

function workloadCase(report: Report): (entry: WorkloadEntry) => TestCase {
  const planned = report.kind === "RestartReport" && report.dryRun !== null;
  const limit = ({ withinMaxAge }: WorkloadEntry) =>
    withinMaxAge ? `, ${limitText(report.maxAge ?? "")}` : "";
  // A finding that an earlier report has does not count for the exit code.
  const isKnown =
    report.kind === "CheckReport" && report.since ? knownSince(report.since) : () => false;
  const statusOf = (entry: WorkloadEntry): TestCase["status"] => {
    const status = ownStatusOf(entry);
    return status === "failure" && isKnown(entry) ? "skipped" : status;
  };
  const ownStatusOf = (entry: WorkloadEntry): TestCase["status"] => {
    const { verdict, withinMaxAge } = entry;
    if (verdict === "unknown") return "error";
    if (verdict === "excluded" || verdict === "managed" || withinMaxAge) return "skipped";
    return (verdict === "outdated" && !planned) || needsPerson(entry) ? "failure" : "passed";
  };
  return (entry) => ({
    namespace: entry.namespace,
    title: workloadPath(entry),
    status: statusOf(entry),
    code: entry.code,
    text: withNextStep(
      `${entry.verdict}${ageClause(entry.outdatedFor)}${limit(entry)}: ${shownReason(entry)}`,
      entry.nextStep,
    ),
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

/** A namespace passes if it has no next step; the phase passes if it is `current`. */
function statusCases({ phase, namespaces, nextStep, exitCode }: StatusReport): readonly TestCase[] {
  const code = phase ?? "unknown";
  const base = { namespace: "status", code };
  return [
    {
      ...base,
      title: "phase",
      status: exitCode === 0 ? "passed" : phase === null ? "error" : "failure",
      text: withNextStep(code, nextStep),
    },
    ...namespaces.map((entry): TestCase => ({
      ...base,
      title: entry.name,
      status: entry.nextStep === "" ? "passed" : "failure",
      text: withNextStep(`leads to ${entry.leadsTo ?? "no revision"}`, entry.nextStep),
    })),
  ];
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
