import { deflateSync, inflateSync } from "node:zlib";
import type { ExitCode } from "../exit-codes.ts";
import type { ClusterDocument, SummaryEntry } from "./document.ts";
import { type ResultFields } from "./exit-reasons.ts";

/**
 * The document of a cluster, compressed. Those of all clusters of a fleet would take too much memory, and
 * a report repeats most of its text.
 */
export interface PackedCluster {
  readonly digest: ClusterDigest;
  /** The fields of the RESULT line. Absent for an error. */
  readonly fields: ResultFields | undefined;
  unpack(): ClusterDocument;
}

/** The part of a document that a fleet report sums up. */
export interface ClusterDigest {
  /** The kubeconfig context. */
  readonly context: string;
  readonly kind: ClusterDocument["kind"];
  /** One word, such as `outdated` or `unreachable`. */
  readonly result: string;
  /** The reasons for the exit code, or the message of an error. */
  readonly message: string;
  readonly complete: boolean;
  readonly exitCode: ExitCode;
  readonly exitReasons: readonly string[];
  /** Absent for an error, and for the revisions of a cluster. */
  readonly summary: SummaryEntry | undefined;
}

export function packCluster({
  document,
  fields,
}: {
  readonly document: ClusterDocument;
  readonly fields: ResultFields | undefined;
}): PackedCluster {
  const bytes = deflateSync(JSON.stringify(document), { level: 1 });
  return {
    digest: digestOf(document),
    fields,
    unpack: () => JSON.parse(inflateSync(bytes).toString()) as ClusterDocument,
  };
}

function digestOf(document: ClusterDocument): ClusterDigest {
  const { kind, exitCode } = document;
  const isError = kind === "Error";
  const context = document.cluster.context ?? "unknown";
  return {
    context,
    kind,
    result: resultWord(document),
    message: isError ? document.message : document.exitReasons.join(", "),
    complete: !isError && document.complete,
    exitCode,
    exitReasons: isError ? [] : document.exitReasons,
    summary: "summary" in document ? document.summary : undefined,
  };
}

/** The word for each exit code of a report. */
const RESULTS: Readonly<Partial<Record<ExitCode, string>>> = {
  0: "ok",
  2: "outdated",
  4: "not ready",
  5: "needs you",
  6: "incomplete",
};

/** Returns one word about a cluster: that of its exit code, or the code of its error. */
export function resultWord(document: ClusterDocument): string {
  if (document.kind === "Error") return document.code;
  return RESULTS[document.exitCode] ?? `exit ${document.exitCode}`;
}
