import { kindNamed, type KubeObject } from "./kinds.ts";
import { Refusal } from "./refusal.ts";

/** The only form of `MicroTime` that the API server reads. */
const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/;

/**
 * Rejects a Lease as the API server does.
 * Source: k8s.io/kubernetes `pkg/apis/coordination/validation/validation.go`.
 *
 * @throws Refusal
 */
export function validateLease({ metadata, spec = {} }: KubeObject): void {
  for (const time of [spec.acquireTime, spec.renewTime]) {
    if (time === undefined || MICRO_TIME.test(time)) continue;
    const why = `parsing time "${time}" as "2006-01-02T15:04:05.000000Z07:00": cannot parse`;
    throw new Refusal(400, "BadRequest", `Lease in version "v1" cannot be handled: ${why}`);
  }
  const { leaseDurationSeconds: seconds, leaseTransitions: transitions } = spec;
  if (seconds !== undefined && !(seconds > 0)) throw invalid("leaseDurationSeconds", seconds, "0");
  if (transitions !== undefined && !(transitions >= 0)) {
    throw invalid("leaseTransitions", transitions, "or equal to 0");
  }

  function invalid(field: string, value: unknown, bound: string): Refusal {
    const { group, resource } = kindNamed("Lease");
    const what = `${resource}.${group} "${metadata?.name}" is invalid`;
    const why = `Invalid value: ${String(value)}: must be greater than ${bound}`;
    return new Refusal(422, "Invalid", `${what}: spec.${field}: ${why}`);
  }
}
