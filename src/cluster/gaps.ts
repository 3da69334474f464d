import { CannotRun, messageOf } from "../errors.ts";
import { type Command, kubectl, type NextStep, sentence } from "../next-step.ts";
import type { Gap } from "../snapshot.ts";
import {
  ApiError,
  failureCodeOf,
  isForbidden,
  isNotFound,
  isUnauthorized,
} from "../http/api-error.ts";
import { connectionHint } from "../http/connection-hint.ts";
import type { Api } from "../http/api.ts";

/** A read of the API, in the terms of `kubectl auth can-i`. */
export type Access = Pick<Gap, "verb" | "resource" | "namespace" | "about">;

/** One read whose outcome is recorded. */
export interface TrackedRead {
  /** Records that the result is put together from several states of the cluster. */
  readonly markInconsistent: () => void;
  readonly succeed: () => void;
  /**
   * Records a gap.
   *
   * @throws CannotRun if a namespace in scope does not exist, and the error itself if it is not an
   *   ApiError.
   */
  readonly fail: (error: unknown) => void;
  /** Records that one of the listed objects could not be understood. */
  readonly skip: (
    object: { readonly name: string; readonly namespace: string },
    error: unknown,
  ) => void;
}

/** Collects the gaps of a snapshot while it is read. */
export class Gaps {
  readonly #api: Api;
  readonly #gaps: Gap[] = [];
  readonly #isNarrowable: boolean;
  #answered = false;
  #firstError: ApiError | undefined;

  /** @param isNarrowable true if the command takes `--namespace`, so that a hint may suggest it. */
  constructor(api: Api, { isNarrowable } = { isNarrowable: true }) {
    this.#api = api;
    this.#isNarrowable = isNarrowable;
  }

  /** Begins to track one read. */
  begin(access: Access): TrackedRead {
    const { verb, resource, namespace } = access;
    let consistent = true;
    return {
      markInconsistent: () => (consistent = false),
      succeed: () => {
        if (!consistent) this.#gaps.push({ verb, resource, namespace, ...INCONSISTENT });
        this.#answered = true;
      },
      fail: (error) => {
        if (!(error instanceof ApiError)) throw error;
        if (verb === "get" && resource === "namespaces" && isNotFound(error)) {
          throw new CannotRun(
            `the namespace "${namespace}" does not exist in ${this.#api.connection.server.host}`,
            sentence`see what exists: ${kubectl("get", "namespaces")}`,
            { code: "not-found" },
          );
        }
        this.#firstError ??= error;
        // Two reads of the same list are one gap.
        if (!this.isUnread(access)) this.#gaps.push(gapOf(access, error, this.#isNarrowable));
      },
      skip: (object, error) => this.#gaps.push(unexpectedGap(resource, object, error)),
    };
  }

  /**
   * Runs one read.
   *
   * @param read receives a function to call if its result is put together from several states.
   * @returns `undefined` if the read failed, which is a gap.
   * @throws CannotRun if a namespace in scope does not exist.
   */
  async during<Value>(
    access: Access,
    read: (markInconsistent: () => void) => Promise<Value>,
  ): Promise<Value | undefined> {
    const { markInconsistent, succeed, fail } = this.begin(access);
    try {
      const value = await read(markInconsistent);
      succeed();
      return value;
    } catch (error) {
      fail(error);
      return undefined;
    }
  }

  /** True if a read has failed. */
  isUnread(access: Access): boolean {
    return this.#gaps.some((gap) => sameAccess(gap, access) && gap.reason !== "inconsistent");
  }

  /** The gaps of the reads that have ended so far. */
  soFar(): readonly Gap[] {
    return [...this.#gaps];
  }

  /**
   * The gaps of a snapshot, sorted.
   *
   * @throws CannotRun if no read succeeded, because there is nothing to report on.
   */
  result(): readonly Gap[] {
    if (!this.#answered && this.#firstError) throw cannotRead(this.#firstError, this.#api);
    return this.all();
  }

  /** The gaps, sorted, even if no read succeeded. */
  all(): readonly Gap[] {
    return this.#gaps.sort((a, b) => sortKey(a).localeCompare(sortKey(b), "en"));
  }
}

/** The gap of a list that continued after its snapshot had expired. */
const INCONSISTENT = {
  reason: "inconsistent",
  message:
    "the snapshot of the list expired while it was read: objects that changed meanwhile may be missing or listed twice",
  hint: "run the command again when the API server is less busy",
} as const;

/** Returns the gap of an object whose content is of an unexpected shape. */
function unexpectedGap(
  resource: string,
  { name, namespace }: { readonly name: string; readonly namespace: string },
  error: unknown,
): Gap {
  return {
    verb: "read",
    resource: `${resource}/${name}`,
    namespace,
    reason: "malformed",
    message: `could not be understood: ${messageOf(error)}`,
    hint: sentence`look for a value of an unusual shape: ${kubectl("get", resource, name, "-n", namespace, "-o", "yaml")}`,
  };
}

function sameAccess(one: Access, other: Access): boolean {
  return (
    one.verb === other.verb && one.resource === other.resource && one.namespace === other.namespace
  );
}

function sortKey({ verb, resource, namespace }: Gap): string {
  return `${namespace ?? ""} ${verb} ${resource}`;
}

/** Returns the gap of a failed read. */
export function gapOf(access: Access, error: ApiError, isNarrowable = true): Gap {
  const { message } = error;
  return {
    ...access,
    reason: reasonOf(error),
    message,
    hint: hintFor(error, access, isNarrowable),
  };
}

function reasonOf(error: ApiError): Gap["reason"] {
  if (isForbidden(error)) return "forbidden";
  if (isUnauthorized(error)) return "unauthorized";
  if (error.reason === "malformed") return "malformed";
  return error.status === 0 ? "unreachable" : "refused";
}

function hintFor(
  error: ApiError,
  { verb, resource, namespace }: Access,
  isNarrowable: boolean,
): NextStep {
  const isTheServers = error.status === 0 || error.status === 429 || error.status >= 500;
  if (isTheServers || error.status === 401) {
    return connectionHint(error, "run the command again when the API server responds");
  }
  const permission = (...scope: readonly string[]): Command =>
    kubectl("auth", "can-i", verb, resource, ...scope);
  if (namespace !== undefined) return permission("-n", namespace);
  if (CLUSTER_SCOPED.has(resource)) return permission();
  if (!isNarrowable) return permission("--all-namespaces");
  const narrower = "choose only namespaces that you may read";
  return sentence`${narrower}, or ask for the permission: ${permission("--all-namespaces")}`;
}

const CLUSTER_SCOPED: ReadonlySet<string> = new Set([
  "namespaces",
  "mutatingwebhookconfigurations.admissionregistration.k8s.io",
]);

/** The error if nothing in the cluster could be read. */
function cannotRead(error: ApiError, { connection }: Api): CannotRun {
  const { context, server } = connection;
  if (isForbidden(error)) {
    return new CannotRun(
      `no permission to read anything with the context "${context}": ${error.message}`,
      "use another context, or ask for the permissions that the documentation lists",
      { code: "forbidden" },
    );
  }
  return new CannotRun(
    `could not read from the API server of the context "${context}": ${error.message}`,
    connectionHint(
      error,
      sentence`check whether kubectl can reach ${server.origin}: ${kubectl("get", "--raw", "/readyz")}`,
    ),
    { code: failureCodeOf(error) },
  );
}
