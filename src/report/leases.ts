import type { NamedLease } from "../option-values.ts";
import type { LeaseEntry } from "./document.ts";

/** The flags of a command that takes the same lease. */
export function leaseFlags(lease: NamedLease | undefined): readonly string[] {
  return lease === undefined ? [] : ["--lease", lease.text];
}

/** Describes the lease of a run as the end of a sentence: `ops/istio-upgrade, held by ci-7_4711_0a1b`. */
export function leaseText({ namespace, name, holder, outcome }: LeaseEntry): string {
  const place = `${namespace}/${name}`;
  const by = holder === "" ? "" : ` by ${holder}`;
  switch (outcome) {
    case "taken":
      return `${place}, held${by} during the run`;
    case "refused":
      return `${place}, held${by}: nothing was started`;
    case "lost":
      return `${place}, lost during the run${holder === "" ? "" : `, held${by}`}`;
  }
}
