import type { FleetCommand } from "../../../src/fleet.ts";
import type { ClusterDocument, ErrorDocument, Fleet } from "../../../src/report/document.ts";
import { fleetDocument } from "../../../src/report/fleet-document.ts";
import { packCluster } from "../../../src/report/packed-cluster.ts";

/** Returns the error of a cluster. */
export function clusterError(
  context: string,
  code: ErrorDocument["code"] = "unreachable",
  exitCode: ErrorDocument["exitCode"] = 1,
): ErrorDocument {
  return {
    apiVersion: "istio-upgrade/v1",
    kind: "Error",
    cluster: { context },
    code,
    message: `could not read from the API server of the context "${context}"`,
    hint: `check whether kubectl can: kubectl --context ${context} get --raw /readyz`,
    exitCode,
  };
}

/** Returns a document about another cluster. */
export function inContext<Document extends ClusterDocument>(
  context: string,
  document: Document,
): Document {
  return { ...document, cluster: { ...document.cluster, context } };
}

interface FleetOptions {
  readonly command?: FleetCommand;
  readonly notes?: readonly string[];
  readonly exitZero?: boolean;
}

/** Returns the report about these clusters. */
export function fleetOf(
  documents: readonly ClusterDocument[],
  { command = "check", notes = [], exitZero = false }: FleetOptions = {},
): Fleet {
  const head = {
    command,
    version: "1.0.0",
    generatedAt: "2026-11-22T20:00:00.000Z",
    notes,
    exitZero,
  };
  return fleetDocument(
    head,
    documents.map((document) => packCluster({ document, fields: undefined })),
  );
}
