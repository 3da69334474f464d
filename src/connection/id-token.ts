import { CannotRun } from "../errors.ts";
import { parseObject } from "../json-object.ts";

export type OidcConfig = Readonly<Record<string, unknown>>;

/**
 * Checks the fields that kubectl requires even if it does not use the ID token.
 *
 * @throws CannotRun if a field is missing.
 */
export function requireIssuer(config: OidcConfig, whose: string): void {
  const missing = ["idp-issuer-url", "client-id"].find((field) => !config[field]);
  if (missing === undefined) return;
  throw new CannotRun(
    `the auth-provider "oidc" of ${whose} has no ${missing}`,
    "add it to the kubeconfig",
  );
}

/** The time before its expiration, in milliseconds, at which kubectl stops using an ID token. */
const EXPIRY_MARGIN = 10_000;

/**
 * Returns the ID token of the auth-provider `oidc` if it is valid. Only kubectl renews it, because a
 * refresh token may be valid only once and kubectl writes the next one into the kubeconfig.
 * Source: k8s.io/client-go `plugin/pkg/client/auth/oidc/oidc.go`.
 *
 * @param config the configuration of the auth-provider.
 * @param now the milliseconds since 1970.
 * @throws CannotRun if there is no valid ID token.
 */
export function requireIdToken(config: OidcConfig, whose: string, now: number): string {
  const token = config["id-token"];
  const problem = typeof token === "string" ? problemOf(token, now) : "no id-token";
  if (problem === undefined) return token as string;
  throw new CannotRun(
    `the auth-provider "oidc" of ${whose} has ${problem}`,
    "run any kubectl command with the same context, which renews it, or log in again",
    { code: "unauthorized" },
  );
}

function problemOf(token: string, now: number): string | undefined {
  if (token === "") return "no id-token";
  const [, payload = "", ...rest] = token.split(".");
  const claims = parseObject(Buffer.from(payload, "base64url").toString());
  if (rest.length !== 1 || claims === undefined) return "an id-token that is not a JWT";
  const expires = Number(claims["exp"] ?? 0) * 1000;
  return now + EXPIRY_MARGIN < expires ? undefined : "an id-token that has expired";
}
