import {
  byNamespaceAndName,
  type ControlPlane,
  type Gap,
  type Namespace,
  type Snapshot,
  type Workload,
} from "../snapshot.ts";
import type { Api } from "../http/api.ts";
import { readControlPlane } from "./control-plane.ts";
import { Gaps } from "./gaps.ts";
import { readNamespaces } from "./namespaces.ts";
import { readWorkloads } from "./workloads.ts";

/** The part of a cluster to read. */
export interface ReadScope {
  readonly istioNamespace: string;
  /** `undefined`: the whole cluster. */
  readonly namespaces: readonly string[] | undefined;
  /** A selector of the workloads' own labels; for a bare pod, of the pod's labels. */
  readonly labelSelector?: string | undefined;
  /** Namespaces in scope that have just been read. */
  readonly known?: ReadonlyMap<string, Namespace> | undefined;
  /** The keys of the annotations of namespaces that the user wants to see. */
  readonly asked?: readonly string[];
}

/** The records that the verdicts of all namespaces depend on. */
export interface Basis {
  readonly controlPlane: ControlPlane;
  /** Namespaces by name. A namespace that is absent could not be read. */
  readonly namespaces: ReadonlyMap<string, Namespace>;
  /** The gaps of the reads that have ended, including every read about injection. */
  readonly gaps: readonly Gap[];
}

/** A cluster whose workloads are still being read. */
export interface ClusterRead {
  readonly basis: Basis;
  /** The workloads, one namespace at a time. */
  readonly batches: AsyncIterable<readonly Workload[]>;
  /**
   * Returns all gaps, once the last batch has been read.
   *
   * @throws CannotRun if every read failed.
   */
  readonly allGaps: () => readonly Gap[];
}

/**
 * Reads everything that a check needs from the API server, never from a cache. Workloads are read
 * while the consumer processes the batches, and are not kept. A failed read becomes a gap.
 *
 * @throws CannotRun if a namespace in scope does not exist.
 */
export async function readCluster(
  api: Api,
  { istioNamespace, namespaces, labelSelector, known, asked = [] }: ReadScope,
  gaps: Gaps = new Gaps(api),
): Promise<ClusterRead> {
  const reads = [
    readControlPlane(api, istioNamespace, gaps),
    readNamespaces(api, namespaces, gaps, { known, asked }),
  ] as const;
  const workloads = (namespaces ?? [undefined]).map((namespace) =>
    readWorkloads(api, { namespace, labelSelector }, gaps),
  );
  const batches = chained(workloads);
  const [controlPlane, named] = await Promise.all(reads);
  return {
    basis: { controlPlane, namespaces: named, gaps: gaps.soFar() },
    batches,
    allGaps: () => gaps.result(),
  };
}

/** Starts to read the first value of a generator before the consumer asks for it. */
function started<Value>(generator: AsyncGenerator<Value, undefined>): AsyncIterable<Value> {
  const first = generator.next();
  // The iteration throws the error.
  first.catch(() => undefined);
  return (async function* () {
    const { value } = await first;
    if (value !== undefined) yield value;
    yield* generator;
  })();
}

/** The namespaces that are read at the same time. Those of a selector may be many. */
const AHEAD = 8;

/** Chains generators. The next ones are started before the consumer asks for their values. */
function chained<Value>(parts: readonly AsyncGenerator<Value, undefined>[]): AsyncIterable<Value> {
  const begun = parts.slice(0, AHEAD).map(started);
  return (async function* () {
    for (let index = 0; index < parts.length; index++) {
      const part = begun.shift();
      if (part !== undefined) yield* part;
      const next = parts[index + AHEAD];
      if (next !== undefined) begun.push(started(next));
    }
  })();
}

/** Reads the whole scope into memory, with the workloads sorted. */
export async function readSnapshot(
  api: Api,
  scope: ReadScope,
  gaps: Gaps = new Gaps(api),
): Promise<Snapshot> {
  const { basis, batches, allGaps } = await readCluster(api, scope, gaps);
  const parts: (readonly Workload[])[] = [];
  for await (const batch of batches) parts.push(batch);
  return { ...basis, workloads: parts.flat().sort(byNamespaceAndName), gaps: allGaps() };
}
