import { CannotRun } from "../errors.ts";
import { parseObject } from "../json-object.ts";

export type OidcConfig = Readonly<Record<string, unknown>>;

/**
 * What kubectl asks for whether the id-token is needed or not.
 *
 * @throws CannotRun where it is missing.
 */
export function requireIssuer(config: OidcConfig, whose: string): void {
  const missing = ["idp-issuer-url", "client-id"].find((field) => !config[field]);
  if (missing === undefined) return;
  throw new CannotRun(
    `the auth-provider "oidc" of ${whose} has no ${missing}`,
    "add it to the kubeconfig",
  );
}

/** Milliseconds before its end from which on kubectl takes an id-token for expired. */
const SPARE = 10_000;

/**
 * The id-token of an auth-provider `oidc`, as kubectl takes it while it is good. A new one is left
 * to kubectl, which writes it into the kubeconfig: of two that renew it one would lose its
 * refresh-token.
 * Source: k8s.io/client-go `plugin/pkg/client/auth/oidc/oidc.go`.
 *
 * @param config of the auth-provider.
 * @param now milliseconds since 1970.
 * @throws CannotRun where there is none that is good.
 */
export function idTokenOf(config: OidcConfig, whose: string, now: number): string {
  const token = config["id-token"];
  const problem = typeof token === "string" ? problemOf(token, now) : "no id-token";
  if (problem === undefined) return token as string;
  throw new CannotRun(
    `the auth-provider "oidc" of ${whose} has ${problem}`,
    "run any kubectl command with the same context, which renews it, or log in again",
  );
}

function problemOf(token: string, now: number): string | undefined {
  if (token === "") return "no id-token";
  const [, payload = "", ...rest] = token.split(".");
  const claims = parseObject(Buffer.from(payload, "base64url").toString());
  if (rest.length !== 1 || claims === undefined) return "an id-token that is no JWT";
  const end = Number(claims["exp"] ?? 0) * 1000;
  return now + SPARE < end ? undefined : "an id-token that has expired";
}
