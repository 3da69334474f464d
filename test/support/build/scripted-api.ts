import { ApiError } from "../../../src/http/api-error.ts";
import type { Api, ApiRequest, KubernetesObject } from "../../../src/http/api.ts";

/** What the script answers to one request: an object, or the error that it throws. */
export type Answer = KubernetesObject | ApiError;

/** An API that answers requests in order, and refuses one more than the script has. */
export function scriptedApi(answers: readonly Answer[]): Api & { readonly requests: ApiRequest[] } {
  const requests: ApiRequest[] = [];
  return {
    requests,
    connection: {
      context: "prod",
      server: new URL("https://prod.example:6443"),
      namespace: "default",
      inCluster: false,
      authorize: () => Promise.resolve({}),
    },
    send: (request) => {
      const answer = answers[requests.length];
      requests.push(request);
      if (answer === undefined) return Promise.reject(new Error(`not scripted: ${request.path}`));
      return answer instanceof ApiError ? Promise.reject(answer) : Promise.resolve(answer);
    },
    close: () => undefined,
  };
}

/** RBAC's refusal, in the API server's words. */
export function forbidden(verb: string, resource: string): ApiError {
  return new ApiError(
    `${resource} is forbidden: User "jane" cannot ${verb} resource "${resource}" in API group "" at the cluster scope`,
    { status: 403, reason: "Forbidden" },
  );
}
