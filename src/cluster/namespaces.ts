import { CannotRun } from "../errors.ts";
import { ApiError, failureCodeOf, isForbidden, isNotFound } from "../http/api-error.ts";
import type { Api } from "../http/api.ts";
import { connectionHint } from "../http/connection-hint.ts";
import { listAll } from "../http/pages.ts";
import { kubectl, sentence } from "../next-step.ts";
import { compareText, type Namespace } from "../snapshot.ts";
import { relevantAnnotations } from "./annotations.ts";
import { type ApiObject, namespaceMetadata } from "./api-objects.ts";
import type { Gaps } from "./gaps.ts";

export interface NamespaceOptions {
  /** Namespaces that have just been read. */
  readonly known?: ReadonlyMap<string, Namespace> | undefined;
  /** The keys of the annotations that the user wants to see. */
  readonly asked?: readonly string[];
}

/**
 * Reads namespaces with their labels.
 *
 * @param names `undefined`: all namespaces.
 * @returns the namespaces that could be read, by name.
 * @throws CannotRun if one of `names` does not exist.
 */
export async function readNamespaces(
  api: Api,
  names: readonly string[] | undefined,
  gaps: Gaps,
  { known, asked = [] }: NamespaceOptions = {},
): Promise<ReadonlyMap<string, Namespace>> {
  const read =
    names === undefined
      ? await gaps.during(
          { verb: "list", resource: "namespaces", namespace: undefined },
          (inconsistent) => listNamespaces(api, { asked, inconsistent }),
        )
      : await Promise.all(
          names.map(async (name) => known?.get(name) ?? readNamespace(api, name, asked, gaps)),
        );
  return byName((read ?? []).flatMap((namespace) => namespace ?? []));
}

/**
 * Reads the namespaces whose labels a selector matches.
 *
 * @param labelSelector the selector in the API's syntax.
 * @param asked the keys of the annotations that the user wants to see.
 * @returns the namespaces by name, sorted.
 * @throws CannotRun if they cannot be listed: nobody knows which namespaces are in scope.
 */
export async function selectNamespaces(
  api: Api,
  labelSelector: string,
  asked: readonly string[],
): Promise<ReadonlyMap<string, Namespace>> {
  try {
    const found = await listNamespaces(api, { asked, labelSelector });
    return byName(found.toSorted((a, b) => compareText(a.name, b.name)));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw cannotSelect(error);
  }
}

function cannotSelect(error: ApiError): CannotRun {
  const permission = kubectl("auth", "can-i", "list", "namespaces");
  return new CannotRun(
    `could not list the namespaces that --namespace-selector chooses from: ${error.message}`,
    isForbidden(error)
      ? sentence`name the namespaces instead, or ask for the permission: ${permission}`
      : connectionHint(error, "run the command again when the API server responds"),
    { code: isForbidden(error) ? "forbidden" : failureCodeOf(error) },
  );
}

function byName(records: readonly Namespace[]): ReadonlyMap<string, Namespace> {
  return new Map(records.map((record) => [record.name, record]));
}

/**
 * Returns the namespaces without those that do not exist. A namespace that could not be read is kept, so
 * that the read of the scope reports it.
 *
 * @param asked the keys of the annotations that the user wants to see.
 */
export async function existingNamespaces(
  api: Api,
  names: readonly string[],
  asked: readonly string[],
): Promise<{ readonly names: readonly string[]; readonly known: ReadonlyMap<string, Namespace> }> {
  const known = new Map<string, Namespace>();
  const found = await Promise.all(
    names.map(async (name) => {
      try {
        known.set(name, await getNamespace(api, name, asked));
        return [name];
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        return isNotFound(error) ? [] : [name];
      }
    }),
  );
  return { names: found.flat(), known };
}

interface NamespaceList {
  readonly asked: readonly string[];
  readonly labelSelector?: string;
  readonly inconsistent?: () => void;
}

async function listNamespaces(
  api: Api,
  { asked, ...query }: NamespaceList,
): Promise<readonly Namespace[]> {
  const item = namespaceMetadata(asked);
  const list = { path: "/api/v1/namespaces", kind: "NamespaceList", item, ...query };
  return (await listAll(api, list)).map((namespace) => namespaceRecord(namespace, asked));
}

/**
 * Gets one namespace, to find out if it exists: listing the objects of a missing namespace succeeds
 * with an empty list.
 */
function readNamespace(
  api: Api,
  name: string,
  asked: readonly string[],
  gaps: Gaps,
): Promise<Namespace | undefined> {
  return gaps.during({ verb: "get", resource: "namespaces", namespace: name }, () =>
    getNamespace(api, name, asked),
  );
}

async function getNamespace(api: Api, name: string, asked: readonly string[]): Promise<Namespace> {
  const path = `/api/v1/namespaces/${name}`;
  return namespaceRecord(await api.send({ method: "GET", path, kind: "Namespace" }), asked);
}

/** @param asked the keys of the annotations that the user wants to see. */
export function namespaceRecord({ metadata }: ApiObject, asked: readonly string[] = []): Namespace {
  return {
    name: metadata?.name ?? "",
    labels: metadata?.labels ?? {},
    annotations: relevantAnnotations(metadata?.annotations, asked),
  };
}
