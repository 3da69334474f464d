import { METADATA } from "../../cluster/api-objects.ts";
import { readControlPlane } from "../../cluster/control-plane.ts";
import { Gaps } from "../../cluster/gaps.ts";
import { readNamespaces } from "../../cluster/namespaces.ts";
import { type ConnectionSettings, loadConnection } from "../../connection/kubeconfig.ts";
import { readContexts } from "../../connection/known-contexts.ts";
import { type Api, openApi } from "../../http/api.ts";
import { listAll } from "../../http/pages.ts";
import type { Io } from "../../io.ts";
import { AKS_ISTIO_NAMESPACE } from "../../istio-labels.ts";
import { groupPath, listPath } from "../../kubernetes/api-paths.ts";
import { BUILT_IN_KINDS, parseAnyKind, parseKind, shortKind } from "../../kubernetes/kinds.ts";
import { resolveMesh } from "../../mesh/mesh.ts";
import type { Looked } from "./known-values.ts";

/** The milliseconds that a person waits for a completion without wondering. */
const PATIENCE = 2000;

/** The beginning of the word, and the flags before it. */
interface Question {
  readonly begun: string;
  readonly given: ReadonlyMap<string, readonly string[]>;
}

/**
 * Reads possible values from the kubeconfig or the cluster. The result is empty if they cannot be read
 * within two seconds, because a completion has no place for an error message.
 */
export async function lookUp(of: Looked, question: Question, io: Io): Promise<readonly string[]> {
  const settings = connectionSettings(question.given);
  if (of === "contexts") {
    return readContexts(settings.kubeconfig, io.env).names;
  }
  const ended = new AbortController();
  const values = readValues(of, question, { settings, io, ended: ended.signal });
  // After the patience has ended, nobody reads the error.
  values.catch(() => undefined);
  try {
    return await Promise.race([values, io.sleep(PATIENCE, ended.signal).then(() => [])]);
  } finally {
    ended.abort();
  }
}

function connectionSettings(given: Question["given"]): ConnectionSettings {
  return {
    kubeconfig: given.get("--kubeconfig")?.at(-1),
    context: given.get("--context")?.at(-1),
    as: given.get("--as")?.at(-1),
    asGroups: given.get("--as-group") ?? [],
    requestTimeout: PATIENCE,
  };
}

interface Surroundings {
  readonly settings: ConnectionSettings;
  readonly io: Io;
  /** Fires when the answer is no longer needed. */
  readonly ended: AbortSignal;
}

async function readValues(
  of: Exclude<Looked, "contexts">,
  { begun, given }: Question,
  { settings, io, ended }: Surroundings,
): Promise<readonly string[]> {
  const connection = await loadConnection(settings, io.env, {
    now: () => io.now().getTime(),
    unattended: ended,
  });
  const api = openApi(connection, settings.requestTimeout, {
    now: () => io.now().getTime(),
    sleep: (milliseconds, signal) => io.sleep(milliseconds, signal),
    random: () => io.random(),
    trace: undefined,
    encoding: "protobuf",
  });
  ended.addEventListener("abort", () => api.close());
  const namespace = given.get("--namespace")?.at(-1) ?? connection.namespace;
  switch (of) {
    case "namespaces":
      return [...(await readNamespaces(api, undefined, new Gaps(api))).keys()];
    case "revisions":
      return revisions(api, given.get("--istio-namespace")?.at(-1) ?? AKS_ISTIO_NAMESPACE);
    case "workloads":
    case "pods":
      return workloads(api, namespace, begun, of === "pods");
  }
}

async function revisions(api: Api, istioNamespace: string): Promise<readonly string[]> {
  const mesh = resolveMesh(await readControlPlane(api, istioNamespace, new Gaps(api)));
  return [...mesh.revisions.values()].flatMap(({ name, tags }) => [name, ...tags]);
}

/** Lists `KIND/NAME`, with the kind as the user wrote it. Without a kind, of the kinds of Kubernetes. */
async function workloads(
  api: Api,
  namespace: string,
  begun: string,
  withPods: boolean,
): Promise<readonly string[]> {
  const [written = "", name] = begun.split("/");
  if (name === undefined) {
    const lists = await Promise.all(
      BUILT_IN_KINDS.map((kind) => names(api, listPath(kind, namespace), shortKind(kind))),
    );
    return lists.flat();
  }
  const kind = parseKind(written);
  if (kind !== undefined) return names(api, listPath(kind, namespace), written);
  const isPod = withPods && parseAnyKind(written) === "Pod";
  return isPod ? names(api, `${groupPath("v1", namespace)}/pods`, written) : [];
}

async function names(api: Api, path: string, kind: string): Promise<readonly string[]> {
  const list = { path, kind: "PartialObjectMetadataList", metadataOnly: true, item: METADATA };
  const items = await listAll(api, list);
  return items.map(({ metadata }) => `${kind}/${metadata?.name ?? ""}`);
}
