import type { Kind, KubeObject } from "./kinds.ts";

/** An error of the API server: a `Status` with the message of the real API server. */
export class Refusal extends Error {
  readonly status: KubeObject;

  constructor(code: number, reason: string, message: string, more: KubeObject = {}) {
    super(message);
    const head = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure" };
    this.status = { ...head, message, reason, ...more, code };
  }
}

/**
 * Returns a factory of errors about one object or a whole kind. `words` turns its name into the
 * message.
 */
function about(code: number, reason: string, words: (what: string) => string) {
  return (kind: Kind, name?: string): Refusal => {
    const { group, resource } = kind;
    const what = `${resource}${group && `.${group}`}${name === undefined ? "" : ` "${name}"`}`;
    const details = { name, group: group || undefined, kind: resource };
    return new Refusal(code, reason, words(what), { details });
  };
}

export const notFound = about(404, "NotFound", (what) => `${what} not found`);
export const alreadyExists = about(409, "AlreadyExists", (what) => `${what} already exists`);
export const conflict = about(
  409,
  "Conflict",
  (what) =>
    `Operation cannot be fulfilled on ${what}: the object has been modified; ` +
    "please apply your changes to the latest version and try again",
);
export const otherUid = about(
  422,
  "Invalid",
  (what) => `${what} is invalid: metadata.uid: field is immutable`,
);
/** Returns the error about an object that breaks rules of its type. */
export function invalid(kind: Kind, name: string, problems: readonly string[]): Refusal {
  const [only] = problems;
  const all = problems.length === 1 ? only : `[${problems.join(", ")}]`;
  return about(422, "Invalid", (what) => `${what} is invalid: ${all}`)(kind, name);
}
/** Returns the error about a body that is not an object of its type. */
export function malformed(kind: string, why: string): Refusal {
  return new Refusal(
    400,
    "BadRequest",
    `${kind} in version "v1" cannot be handled as a ${kind}: ${why}`,
  );
}
/** The answer to a JSON patch whose operation or test fails. */
export function failedPatch(): Refusal {
  const message = "the server rejected our request due to an error in our request";
  return new Refusal(422, "Invalid", message);
}
export const forbidden = (why: string) =>
  about(403, "Forbidden", (what) => `${what} is forbidden: ${why}`);
/** A ValidatingAdmissionPolicy answers 422, although its message says forbidden. */
export const rejectedByPolicy = (why: string) =>
  about(422, "Invalid", (what) => `${what} is forbidden: ${why}`);

/**
 * Returns a 410. The token `next` continues the list at the same place, with the current objects.
 */
export function expired(next: string): Refusal {
  const message = "The provided continue parameter is too old to display a consistent list result.";
  return new Refusal(410, "Expired", message, { metadata: { continue: next } });
}

export function noSuchPage(): Refusal {
  return new Refusal(404, "NotFound", "404 page not found");
}

export function notImplemented(what: string): Refusal {
  return new Refusal(501, "NotImplemented", `the embedded API server does not serve ${what}`);
}
