import { parseImage } from "../mesh/image.ts";
import { readAge } from "./age-text.ts";
import type { AnyDocument, ClusterDocument, Report } from "./document.ts";
import { isRestartable } from "./entry-status.ts";
import { cutMiddle, UNPRINTABLE } from "./plain.ts";

/**
 * Renders a report as metrics in Prometheus' text format. No label names a workload: a metric has one
 * series for each namespace, revision or cluster.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export function renderPrometheus(document: AnyDocument): Iterable<string> {
  switch (document.kind) {
    case "FleetReport":
      return renderMetrics(document.clusters, document.generatedAt);
    case "CheckReport":
    case "VerifyReport":
      return renderMetrics([document], document.generatedAt);
    default:
      throw new Error(`a document of the kind ${document.kind} has no metrics`);
  }
}

/**
 * Renders the metrics of clusters. A cluster without a report has those about the run.
 *
 * @param time the time of the run, for clusters without a report.
 */
export function* renderMetrics(
  clusters: Iterable<ClusterDocument>,
  time: string,
): Generator<string> {
  const seriesByMetric = new Map(METRICS.map(({ name }) => [name, new Map<string, number>()]));
  for (const document of clusters) {
    for (const { metric, labels, value, isLeast = false } of samplesOf(document, time)) {
      const series = seriesByMetric.get(metric);
      const text = labelText({ cluster: document.cluster.context ?? "unknown", ...labels });
      const before = series?.get(text);
      // Names that differ only in their middle may have been cut to the same text.
      const merged = isLeast ? Math.min(before ?? value, value) : (before ?? 0) + value;
      series?.set(text, merged);
    }
  }
  for (const { name, help } of METRICS) {
    if (seriesByMetric.get(name)?.size === 0) continue;
    yield `# HELP ${name} ${help}\n# TYPE ${name} gauge\n`;
    for (const [labels, value] of seriesByMetric.get(name) ?? [])
      yield `${name}${labels} ${value}\n`;
  }
}

const METRICS = [
  {
    name: "istio_upgrade_workloads",
    help: "Workloads that have a sidecar, or should have one, by verdict.",
  },
  {
    name: "istio_upgrade_restart_pending",
    help: "Outdated workloads that a restart fixes.",
  },
  {
    name: "istio_upgrade_pods",
    help: "Live pods with a sidecar, by the revision and the version of their sidecar.",
  },
  {
    name: "istio_upgrade_oldest_outdated_seconds",
    help: "Time for which the oldest outdated workload has been outdated, at least and at most.",
  },
  {
    name: "istio_upgrade_report_complete",
    help: "1 if everything in scope was read and has a verdict, otherwise 0.",
  },
  {
    name: "istio_upgrade_last_run_timestamp_seconds",
    help: "Time of the run, in seconds since 1970.",
  },
] as const;

interface Sample {
  readonly metric: (typeof METRICS)[number]["name"];
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
  /** True if the least of equal series counts, instead of their sum. */
  readonly isLeast?: boolean;
}

function* samplesOf(document: ClusterDocument, time: string): Generator<Sample> {
  const hasReport = document.kind === "CheckReport" || document.kind === "VerifyReport";
  if (hasReport) yield* reportSamples(document);
  yield {
    metric: "istio_upgrade_report_complete",
    value: hasReport && document.complete ? 1 : 0,
    isLeast: true,
  };
  yield {
    metric: "istio_upgrade_last_run_timestamp_seconds",
    value: Date.parse(hasReport ? document.generatedAt : time) / 1000,
    isLeast: true,
  };
}

function* reportSamples({ workloads, summary }: Report): Generator<Sample> {
  for (const entry of workloads) {
    const { namespace, verdict, running } = entry;
    yield { metric: "istio_upgrade_workloads", labels: { namespace, verdict }, value: 1 };
    if (isRestartable(entry)) {
      yield { metric: "istio_upgrade_restart_pending", labels: { namespace }, value: 1 };
    }
    for (const { image, revision, pods } of running) {
      if (image === null) continue;
      const labels = { revision: revision ?? "unknown", version: versionOf(image) };
      yield { metric: "istio_upgrade_pods", labels, value: pods };
    }
  }
  // Without an outdated workload, the age is 0: a series that ends would leave an alert open for a while.
  const { atLeast, atMost } = summary.oldest ? readAge(summary.oldest) : { atLeast: 0, atMost: 0 };
  for (const [bound, value] of Object.entries({ at_least: atLeast, at_most: atMost })) {
    if (value === undefined) continue;
    yield { metric: "istio_upgrade_oldest_outdated_seconds", labels: { bound }, value };
  }
}

function versionOf(image: string): string {
  const { tag, digest } = parseImage(image);
  return tag ?? digest ?? "unknown";
}

/** The longest value of a label, in characters. No usable name is longer. */
const LONGEST = 512;

/** Formats labels: `{cluster="prod",namespace="shop"}`. Characters that cannot be seen are escaped. */
function labelText(labels: Readonly<Record<string, string>>): string {
  const texts = Object.entries(labels).map(([name, value]) => `${name}="${valueText(value)}"`);
  return `{${texts.join(",")}}`;
}

function valueText(value: string): string {
  return cutMiddle(value, LONGEST)
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replaceAll("\n", "\\n")
    .replace(UNPRINTABLE, escapedCharacter);
}

/** Escapes a character so that the value of the label has the text `\u001b`. */
function escapedCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return `\\\\u${code.toString(16).padStart(4, "0")}`;
}
