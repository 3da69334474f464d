import type { ContextSelection } from "./connection/fleet-contexts.ts";
import { UsageError } from "./errors.ts";
import { listOf, requireCount, type RawOptions, textOf } from "./option-values.ts";

export const FLEET_COMMANDS = ["check", "verify", "status", "revisions"] as const;

/** The commands that report on several clusters. */
export type FleetCommand = (typeof FLEET_COMMANDS)[number];

/** The flags about several clusters. */
export interface FleetSettings extends ContextSelection {
  /** The number of clusters that are read at the same time. */
  readonly maxClusters: number;
}

/**
 * Reads the flags that select several clusters.
 *
 * @returns `undefined` if they name one cluster, or none.
 * @throws UsageError
 */
export function fleetSettings(raw: RawOptions): FleetSettings | undefined {
  const contexts = listOf(raw["context"]);
  const excludes = listOf(raw["excludeContext"]);
  const all = raw["allContexts"] === true;
  if (all && contexts.length > 0) {
    throw new UsageError(
      "--context and --all-contexts cannot be used together",
      "use only one of them, or leave contexts out with --exclude-context",
    );
  }
  if (!all && contexts.length === 0 && excludes.length > 0) {
    throw new UsageError(
      "--exclude-context needs other contexts to leave some out of",
      "add --all-contexts, or --context with a pattern such as 'prod-*'",
    );
  }
  const maxClusters = requireCount("--max-clusters", raw["maxClusters"] ?? MAX_CLUSTERS);
  return isFleet(raw) ? { contexts, excludes, maxClusters } : undefined;
}

/** True if the flags are about several clusters, even if only one matches them. */
function isFleet(raw: RawOptions): boolean {
  const contexts = listOf(raw["context"]);
  return (
    raw["allContexts"] === true ||
    listOf(raw["excludeContext"]).length > 0 ||
    contexts.length > 1 ||
    // A list, or a pattern.
    contexts.some((value) => /[,*?]/.test(value))
  );
}

/** The default of `--max-clusters`. */
export const MAX_CLUSTERS = "8";

/**
 * Returns the one context that the flags name; `undefined` for the current one, and for a fleet.
 */
export function contextOf(raw: RawOptions): string | undefined {
  const [name] = [raw["context"]].flat();
  return isFleet(raw) ? undefined : textOf(name);
}
