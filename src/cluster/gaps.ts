import { CannotRun } from "../errors.ts";
import { shellWord } from "../shell-word.ts";
import type { Gap } from "../snapshot.ts";
import { ApiError, isForbidden, isNotFound } from "../http/api-error.ts";
import type { Api } from "../http/api.ts";

/** Collects what could not be read while a snapshot is taken. */
export class Gaps {
  readonly #api: Api;
  readonly #gaps: Gap[] = [];
  readonly #isNarrowable: boolean;
  #answered = false;

  /** @param isNarrowable whether the command takes `--namespace`, which may then be the way out. */
  constructor(api: Api, { isNarrowable } = { isNarrowable: true }) {
    this.#api = api;
    this.#isNarrowable = isNarrowable;
  }

  /**
   * Runs one read. It is handed what to call where its result is put together from several states.
   *
   * @param about `injection` where a dry run can stand in for it.
   * @returns `undefined` where it failed: there is a gap now.
   * @throws CannotRun where a namespace in scope does not exist.
   */
  async during<Value>(
    what: string,
    namespace: string | undefined,
    read: (inconsistent: () => void) => Promise<Value>,
    about?: Gap["about"],
  ): Promise<Value | undefined> {
    try {
      let consistent = true;
      const value = await read(() => (consistent = false));
      if (!consistent) this.#gaps.push({ what, namespace, ...INCONSISTENT });
      this.#answered = true;
      return value;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (what === "get namespaces" && isNotFound(error)) {
        throw new CannotRun(
          `the namespace "${namespace}" does not exist in ${this.#api.connection.server.host}`,
          "see which there are: kubectl get namespaces",
        );
      }
      this.#gaps.push({
        ...gapOf(what, namespace, error, this.#isNarrowable),
        ...(about && { about }),
      });
      return undefined;
    }
  }

  /** What is missing already while others are still being read. */
  soFar(): readonly Gap[] {
    return [...this.#gaps];
  }

  /**
   * The gaps of a snapshot, sorted.
   *
   * @throws CannotRun where no read succeeded: there is nothing to report on.
   */
  result(): readonly Gap[] {
    const [first] = this.#gaps;
    if (!this.#answered && first !== undefined) throw cannotRead(first, this.#api);
    return this.all();
  }

  /** The same, also where no read succeeded: others have. */
  all(): readonly Gap[] {
    return this.#gaps.sort((a, b) => placeOf(a).localeCompare(placeOf(b), "en"));
  }
}

/** It goes where the read itself may go: what changed in between can be missing. */
const INCONSISTENT = {
  reason: "inconsistent",
  message:
    "the API server forgot the state that the list began with: what changed meanwhile may be missing or there twice",
  hint: "repeat the command when the API server is less busy",
} as const;

function placeOf({ what, namespace }: Gap): string {
  return `${namespace ?? ""} ${what}`;
}

/** What a failed read leaves. */
export function gapOf(
  what: string,
  namespace: string | undefined,
  error: ApiError,
  isNarrowable = true,
): Gap {
  const { message } = error;
  return {
    what,
    namespace,
    reason: reasonOf(error),
    message,
    hint: hintFor(error, what, namespace, isNarrowable),
  };
}

function reasonOf(error: ApiError): Gap["reason"] {
  if (isForbidden(error)) return "forbidden";
  if (error.reason === "malformed") return "malformed";
  return error.status === 0 ? "unreachable" : "refused";
}

function hintFor(
  error: ApiError,
  what: string,
  namespace: string | undefined,
  isNarrowable: boolean,
): string {
  if (error.status === 401) return "log in anew; see whether kubectl can: kubectl auth whoami";
  const isTheServers = error.status === 0 || error.status === 429 || error.status >= 500;
  if (isTheServers) return "repeat the command when the API server answers";
  const permission = `kubectl auth can-i ${what}`;
  if (namespace !== undefined) return `${permission} -n ${namespace}`;
  if (CLUSTER_SCOPED.test(what)) return permission;
  if (!isNarrowable) return `${permission} --all-namespaces`;
  const narrower = "name the namespaces that you may read with --namespace";
  return `${narrower}, or ask for it: ${permission} --all-namespaces`;
}

const CLUSTER_SCOPED = / (namespaces|mutatingwebhookconfigurations\b)/;

/** The sentence for a cluster of which nothing could be read. */
function cannotRead(gap: Gap, { connection }: Api): CannotRun {
  const { context, server } = connection;
  if (gap.reason === "forbidden") {
    return new CannotRun(
      `nothing in the cluster may be read with the context "${context}": ${gap.message}`,
      "use another context, or ask for the permissions that the README lists",
    );
  }
  return new CannotRun(
    `the API server of the context "${context}" cannot be read: ${gap.message}`,
    `see whether kubectl can: kubectl --context ${shellWord(context)} get --raw /readyz (${server.origin})`,
  );
}
