import { kubectl, type NextStep, sentence } from "../next-step.ts";
import { type ApiError, isUnauthorized } from "./api-error.ts";

/** Returns the way out if the login or the connection caused the error; otherwise `other`. */
export function connectionHint(error: ApiError, other: NextStep): NextStep {
  if (isUnauthorized(error)) {
    return sentence`log in again, then check whether kubectl can: ${kubectl("auth", "whoami")}`;
  }
  switch (error.reason) {
    case "untrusted":
      return "fetch the kubeconfig again, or find out what answers instead of the API server, such as a proxy that inspects TLS";
    case "http2":
      return "use the address of the API server itself, or let the gateway in front of it offer http/1.1";
    default:
      return other;
  }
}
