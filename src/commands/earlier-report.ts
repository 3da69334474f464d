import { UsageError } from "../errors.ts";
import { isObject } from "../json-object.ts";
import { VERDICTS } from "../mesh/verdict.ts";
import { istioUpgrade, sentence } from "../next-step.ts";
import { API_VERSION, type CheckReport, type ScopeEntry } from "../report/document.ts";
import { type EarlierReport, type EarlierWorkload, workloadKey } from "../report/since.ts";
import { readJsonFile } from "./json-file.ts";
import { documentHead, scopeEntry } from "./report.ts";
import type { Session } from "./session.ts";

/** The report of `--since`, with the cluster and the scope that it is about. */
export interface EarlierCheck extends EarlierReport {
  readonly file: string;
  readonly cluster: Pick<CheckReport["cluster"], "server" | "istioNamespace">;
  readonly scope: ScopeFields;
}

/** The fields of a scope. An older report lacks newer ones. */
type ScopeFields = Readonly<Partial<Record<keyof ScopeEntry, unknown>>>;

const CREATE_ONE = sentence`make one with the same flags: ${istioUpgrade("check", "--report-file", "FILE")}`;

/** The number of bytes of the largest report that is read: that of 100,000 workloads. */
const MOST_BYTES = 256 * 1024 * 1024;

/**
 * Reads the report of an earlier check. The file may come from anybody, so every field that is used is
 * checked.
 *
 * @throws UsageError if the file contains no such report.
 */
export async function readEarlierReport(file: string): Promise<EarlierCheck> {
  const hint = CREATE_ONE;
  const document = await readJsonFile(file, { what: "report", mostBytes: MOST_BYTES, hint });
  const { kind, generatedAt, complete, cluster, scope, workloads } = requireCheck(file, document);
  const isWhole =
    kind === "CheckReport" &&
    isTime(generatedAt) &&
    typeof complete === "boolean" &&
    isObject(cluster) &&
    typeof cluster["server"] === "string" &&
    typeof cluster["istioNamespace"] === "string" &&
    isObject(scope) &&
    Array.isArray(workloads);
  if (!isWhole) throw notReport(file, "fields are missing, or have other types");
  const { server, istioNamespace } = cluster as unknown as CheckReport["cluster"];
  return {
    file,
    generatedAt,
    complete,
    cluster: { server, istioNamespace },
    scope,
    workloads: new Map(
      workloads.map((entry: unknown) => {
        const workload = earlierWorkload(file, entry);
        return [workloadKey(workload), workload];
      }),
    ),
  };
}

/** @throws UsageError if the document is not the report of a check, or of a newer version. */
function requireCheck(file: string, document: unknown): Readonly<Record<string, unknown>> {
  const { apiVersion, kind, code } = isObject(document) ? document : {};
  if (typeof apiVersion !== "string" || !apiVersion.startsWith("istio-upgrade/")) {
    throw notReport(file, "it has no apiVersion of istio-upgrade");
  }
  if (apiVersion !== API_VERSION) {
    throw new UsageError(
      `"${file}" has the apiVersion "${apiVersion}", but this version reads ${API_VERSION}`,
      "use the version of istio-upgrade that made it, or make another report",
    );
  }
  if (kind === "CheckReport") return document as Readonly<Record<string, unknown>>;
  throw kind === "Error"
    ? notReport(file, `that check failed (${textOf(code)})`)
    : notReport(file, `--since needs a CheckReport, and it is of the kind "${textOf(kind)}"`);
}

/** Returns a value that should be a text. An object may not be convertible to one. */
function textOf(value: unknown): string {
  return typeof value === "string" ? value : "?";
}

function notReport(file: string, why: string): UsageError {
  return new UsageError(`"${file}" is not the report of a check: ${why}`, CREATE_ONE);
}

/** @throws UsageError if the entry is malformed, or has a verdict of a newer version. */
function earlierWorkload(file: string, entry: unknown): EarlierWorkload {
  const { namespace, kind, name, verdict, withinMaxAge } = isObject(entry) ? entry : {};
  const known = VERDICTS.find((each) => each === verdict);
  if (
    known === undefined ||
    typeof namespace !== "string" ||
    typeof kind !== "string" ||
    typeof name !== "string"
  ) {
    throw notReport(file, "a workload has no name, or no verdict that this version knows");
  }
  return {
    namespace,
    kind,
    name,
    verdict: known,
    ...(withinMaxAge === true ? { withinMaxAge } : {}),
  };
}

function isTime(value: unknown): value is string {
  return (
    typeof value === "string" &&
    /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) &&
    !Number.isNaN(Date.parse(value))
  );
}

/** @throws UsageError if the report is about another cluster or another scope. */
export function requireSameSubject(session: Session, { file, cluster, scope }: EarlierCheck): void {
  const here = documentHead(session).cluster;
  if (cluster.server !== here.server) {
    throw new UsageError(
      `the report in "${file}" is about ${cluster.server}, but this cluster is ${here.server}`,
      "use the --context that it was made with",
    );
  }
  if (cluster.istioNamespace !== here.istioNamespace) {
    throw new UsageError(
      `the report in "${file}" is about the Istio namespace "${cluster.istioNamespace}", but this check about "${here.istioNamespace}"`,
      "use the --istio-namespace that it was made with",
    );
  }
  const now: ScopeFields = scopeEntry(session);
  const other = comparedFields(now).find(
    ([name]) => fieldText(scope[name]) !== fieldText(now[name]),
  );
  if (other === undefined) return;
  const [name, what] = other;
  throw new UsageError(
    `the report in "${file}" has another scope: ${what} ${fieldText(scope[name])}, and now ${fieldText(now[name])}`,
    "use the flags that it was made with, or make another report with these flags and --report-file",
  );
}

/** The namespaces of a selector may change from one report to the next. */
function comparedFields({
  namespaceSelector = null,
}: ScopeFields): readonly (readonly [name: keyof ScopeEntry, what: string])[] {
  return [
    ["namespaceSelector", "the selector of namespaces was"],
    ...(namespaceSelector === null ? ([["namespaces", "the namespaces were"]] as const) : []),
    ["selector", "the selector was"],
    ["revision", "the revision was"],
    ["exclude", "the exclusions were"],
    ["include", "--include was"],
  ];
}

/** Describes a field of a scope. The order of a list does not matter. */
function fieldText(value: unknown): string {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  const given = values.filter((each) => each !== null && each !== undefined);
  if (given.length === 0) return "not limited";
  return given.map(textOf).sort().join(", ");
}
