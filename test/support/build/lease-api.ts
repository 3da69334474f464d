import { ApiError } from "../../../src/http/api-error.ts";
import type { Api } from "../../../src/http/api.ts";
import type { ApiRequest } from "../../../src/http/request.ts";
import type { KubeObject } from "../embedded/kinds.ts";
import { type Answer, respondingApi } from "./scripted-api.ts";

const NOT_FOUND = new ApiError("not found", { status: 404, reason: "NotFound" });
const CONFLICT = new ApiError("has been modified", { status: 409, reason: "Conflict" });

/** An API server with one lease. */
export interface LeaseApi {
  readonly api: Api;
  /** The requests so far, as `PATCH holder`, or `GET`. */
  readonly requests: string[];
  /** The `spec` of the lease; `undefined` if there is none. */
  spec(): KubeObject | undefined;
  /** Lets somebody else write the lease; `undefined` deletes it. */
  put(spec: KubeObject | undefined): void;
}

/**
 * @param before the answer to a request instead of that of the server; `undefined` for that one.
 * @param after the same for a request that the server has carried out: its own answer is lost.
 */
export function leaseApi(
  before: (request: ApiRequest) => Answer | Promise<Answer> | undefined = () => undefined,
  after: (request: ApiRequest) => Answer | Promise<Answer> | undefined = () => undefined,
): LeaseApi {
  const requests: string[] = [];
  let version = 1;
  let uid = 1;
  let lease: KubeObject | undefined;

  const write = (spec: KubeObject): KubeObject => {
    version += 1;
    lease = { kind: "Lease", metadata: { uid: `uid-${uid}`, resourceVersion: `${version}` }, spec };
    return lease;
  };

  function carryOut({ method, body }: ApiRequest): Answer {
    const { metadata, spec } = (body ?? {}) as KubeObject;
    switch (method) {
      case "POST":
        return lease === undefined ? write(spec) : CONFLICT;
      case "PATCH":
        if (lease === undefined) return NOT_FOUND;
        if (metadata.resourceVersion !== lease["metadata"].resourceVersion) return CONFLICT;
        return write({ ...lease["spec"], ...spec });
      default:
        return lease ?? NOT_FOUND;
    }
  }

  return {
    requests,
    spec: () => lease?.["spec"],
    put: (spec) => {
      if (spec !== undefined) return void write(spec);
      uid += 1;
      lease = undefined;
    },
    api: respondingApi((request) => {
      const holder = (request.body as KubeObject | undefined)?.["spec"]?.holderIdentity;
      requests.push(holder === undefined ? request.method : `${request.method} ${holder}`.trim());
      const instead = before(request);
      if (instead !== undefined) return instead;
      const answer = carryOut(request);
      return after(request) ?? answer;
    }),
  };
}
