import { ApiError } from "../../../src/http/api-error.ts";
import type { Api } from "../../../src/http/api.ts";
import type { ApiRequest, ResponseObject } from "../../../src/http/request.ts";

/** The answer to one request: an object, or the error that `send` throws. */
export type Answer = Readonly<Record<string, unknown>> | ApiError;

/**
 * Returns an API that answers requests in order, and rejects a request without a scripted answer.
 */
export function scriptedApi(answers: readonly Answer[]): Api & { readonly requests: ApiRequest[] } {
  const requests: ApiRequest[] = [];
  const api = respondingApi((request) => {
    const answer = answers[requests.length];
    requests.push(request);
    if (answer === undefined) throw new Error(`not scripted: ${request.path}`);
    return answer;
  });
  return { ...api, requests };
}

/** Returns an API that answers each request with the result of a function. */
export function respondingApi(respond: (request: ApiRequest) => Answer | Promise<Answer>): Api {
  return {
    connection: {
      context: "prod",
      server: new URL("https://prod.example:6443"),
      namespace: "default",
      inCluster: false,
      authorize: () => Promise.resolve({}),
    },
    send: async <Kind extends string>(request: ApiRequest<Kind>) => {
      const answer = await respond(request);
      if (answer instanceof ApiError) throw answer;
      return answer as ResponseObject<Kind>;
    },
    close: () => undefined,
  };
}

/** Returns the API server's error for a request that RBAC does not allow. */
export function forbidden(verb: string, resource: string): ApiError {
  return new ApiError(
    `${resource} is forbidden: User "jane" cannot ${verb} resource "${resource}" in API group "" at the cluster scope`,
    { status: 403, reason: "Forbidden" },
  );
}
