import { EXIT, type ExitCode, exitCodeOf } from "../exit-codes.ts";
import { oldestAge } from "../mesh/age.ts";
import { ageEntry } from "./entries.ts";
import { readAge } from "./age-text.ts";
import {
  API_VERSION,
  type ClusterDocument,
  type Fleet,
  type FleetReport,
  type SummaryEntry,
} from "./document.ts";
import type { ClusterDigest, PackedCluster } from "./packed-cluster.ts";

/** The facts about a run that the clusters do not have. */
interface FleetHead extends Pick<FleetReport, "command" | "version" | "generatedAt" | "notes"> {
  /** True if the exit code is 0 whenever a cluster has a report. */
  readonly exitZero: boolean;
}

/** Builds the document about several clusters. */
export function fleetDocument(
  { command, version, generatedAt, notes, exitZero }: FleetHead,
  packed: readonly PackedCluster[],
): Fleet {
  const digests = packed.map(({ digest }) => digest);
  const failed = digests.filter(isUnread).length;
  const interrupted = digests.filter(isInterrupted).length;
  return {
    apiVersion: API_VERSION,
    kind: "FleetReport",
    generatedAt,
    version,
    command,
    complete: digests.every(({ complete }) => complete),
    notes,
    summary: {
      clusters: digests.length,
      unreachable: failed,
      interrupted,
      ...sidecarsOf(digests),
    },
    clusters: unpacked(packed),
    exitCode: fleetExitCode(digests, exitZero),
    exitReasons: fleetReasons(digests, failed, interrupted),
  };
}

/** Returns an iterable that decodes each document when its turn comes, in every iteration. */
function unpacked(packed: readonly PackedCluster[]): Iterable<ClusterDocument> {
  return {
    *[Symbol.iterator]() {
      for (const cluster of packed) yield cluster.unpack();
    },
  };
}

function isError({ kind }: ClusterDigest): boolean {
  return kind === "Error";
}

function isInterrupted({ exitCode }: ClusterDigest): boolean {
  return exitCode === EXIT.interrupted || exitCode === EXIT.terminated;
}

function isUnread(digest: ClusterDigest): boolean {
  return isError(digest) && !isInterrupted(digest);
}

/**
 * Returns the first of the usual order over all clusters. A cluster that could not be read makes the
 * report incomplete; if none could, there is no report.
 */
function fleetExitCode(digests: readonly ClusterDigest[], exitZero: boolean): ExitCode {
  if (digests.every(isUnread)) {
    return exitCodeOf(digests.map(({ exitCode }) => ({ code: exitCode, text: "" })));
  }
  const codes = digests
    .filter((digest) => !exitZero || isInterrupted(digest))
    .map((digest) => (digest.exitCode === EXIT.couldNotRun ? EXIT.incomplete : digest.exitCode));
  return exitCodeOf(codes.map((code) => ({ code, text: "" })));
}

/** Adds the numbers of equal reasons: `outdated:9` and `outdated:3` are `outdated:12`. */
function fleetReasons(
  digests: readonly ClusterDigest[],
  failed: number,
  interrupted: number,
): readonly string[] {
  const totals = new Map<string, number | undefined>();
  for (const reason of digests.flatMap(({ exitReasons }) => exitReasons)) {
    const [, name = reason, number] = /^(.*):(\d+)$/.exec(reason) ?? [];
    if (number === undefined) totals.set(reason, undefined);
    else totals.set(name, (totals.get(name) ?? 0) + Number(number));
  }
  const texts = [...totals].map(([name, total]) =>
    total === undefined ? name : `${name}:${total}`,
  );
  return [
    ...texts,
    ...(failed > 0 ? [`unreachable:${failed}`] : []),
    ...(interrupted > 0 ? [`interrupted:${interrupted}`] : []),
  ];
}

function sidecarsOf(digests: readonly ClusterDigest[]): { readonly sidecars?: SummaryEntry } {
  const summaries = digests.flatMap(({ summary }) => summary ?? []);
  if (summaries.length === 0) return {};
  const byVerdict: Record<string, number> = {};
  for (const [verdict, number] of summaries.flatMap((one) => Object.entries(one.byVerdict))) {
    byVerdict[verdict] = (byVerdict[verdict] ?? 0) + number;
  }
  const sum = (of: (summary: SummaryEntry) => number) =>
    summaries.reduce((total, summary) => total + of(summary), 0);
  const ages = summaries.flatMap(({ oldest }) => (oldest ? readAge(oldest) : []));
  return {
    sidecars: {
      workloads: sum(({ workloads }) => workloads),
      pods: sum(({ pods }) => pods),
      byVerdict,
      ...(ages.length === 0 ? {} : { oldest: ageEntry(oldestAge(ages)) }),
      ...(summaries.every(({ withinMaxAge }) => withinMaxAge === undefined)
        ? {}
        : { withinMaxAge: sum(({ withinMaxAge = 0 }) => withinMaxAge) }),
    },
  };
}
