import { readFileSync } from "node:fs";
import { CannotRun } from "../errors.ts";
import { AKS_CLUSTER, az, kubelogin, sentence } from "../next-step.ts";
import type { Credential, Credentials, PluginHost } from "./credential.ts";
import { isObject } from "../json-object.ts";
import { requireIdToken, type OidcConfig, requireIssuer } from "./id-token.ts";
import type { Cluster, User } from "./kubeconfig-file.ts";
import { fileOrData, keyPairProblem } from "./tls-options.ts";

/**
 * Finds the credentials of a user in the same order as kubectl. A token or a password takes precedence
 * over an auth-provider. A credential plugin runs only for a user who has none of these, and no client
 * certificate.
 *
 * @throws CannotRun if the user has no credentials, or contradictory ones.
 */
export async function createCredentials(
  user: User,
  cluster: Cluster,
  host: PluginHost,
): Promise<Credentials> {
  const whose = `the user "${user.name}"`;
  requireUsable(user, whose);
  const oidc = oidcConfigOf(user, whose);
  const cert = certificateOf(user, whose);
  const { token, tokenFile, username, password } = user;
  if (tokenFile !== undefined) return tokenFileCredentials(tokenFile, whose, token, cert);
  if (token !== undefined) return fixedCredentials({ authorization: `Bearer ${token}`, ...cert });
  if (username !== undefined || password !== undefined) {
    const pair = Buffer.from(`${username ?? ""}:${password ?? ""}`).toString("base64");
    return fixedCredentials({ authorization: `Basic ${pair}`, ...cert });
  }
  if (oidc !== undefined) {
    return fixedCredentials({
      authorization: `Bearer ${requireIdToken(oidc, whose, host.now())}`,
      ...cert,
    });
  }
  if (cert !== undefined) return fixedCredentials(cert);
  if (user.exec !== undefined) {
    const { pluginCredentials } = await import("./exec-credential.ts");
    return pluginCredentials(user, cluster, host);
  }
  throw new CannotRun(
    `${whose} has no credentials in the kubeconfig`,
    sentence`log in again; on AKS: ${az("aks", "get-credentials", ...AKS_CLUSTER)}`,
    { code: "unauthorized" },
  );
}

/** Creates a source that reads a token file again for each request, because its token is rotated. */
export function tokenFileCredentials(
  file: string,
  whose: string,
  fallback?: string,
  cert?: Credential,
): Credentials {
  let last = fallback && credentialOf(fallback);
  function credentialOf(token: string): Credential {
    return { authorization: `Bearer ${token}`, ...cert };
  }
  function read(): Credential {
    try {
      const next = credentialOf(tokenIn(file, whose));
      if (!last || last.authorization !== next.authorization) last = next;
    } catch (error) {
      // The file may be missing while it is replaced.
      if (!last) throw error;
    }
    return last;
  }
  // Reports an unreadable file before the first request.
  read();
  return { current: () => Promise.resolve(read()), renew: () => Promise.resolve(read()) };
}

function tokenIn(file: string, whose: string): string {
  let token: string;
  try {
    token = readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new CannotRun(
      `the tokenFile ${file} of ${whose} cannot be read: ${(cause as Error).message}`,
      "correct the kubeconfig, or check what writes that file",
      { cause, code: "unauthorized" },
    );
  }
  if (token !== "") return token;
  throw new CannotRun(`the tokenFile ${file} of ${whose} is empty`, "check what writes that file", {
    code: "unauthorized",
  });
}

function fixedCredentials(credential: Credential): Credentials {
  return { current: () => Promise.resolve(credential), renew: () => Promise.resolve(credential) };
}

function requireUsable(user: User, whose: string): void {
  const provider = user["auth-provider"];
  if (user.exec !== undefined && provider !== undefined) {
    throw new CannotRun(
      `${whose} has both a credential plugin and an auth-provider`,
      "keep the plugin (exec) in the kubeconfig",
    );
  }
  const hasToken = user.token !== undefined || user.tokenFile !== undefined;
  if (hasToken && (user.username !== undefined || user.password !== undefined)) {
    throw new CannotRun(
      `${whose} has both a token and a password`,
      "keep only one of them in the kubeconfig",
    );
  }
}

function oidcConfigOf(user: User, whose: string): OidcConfig | undefined {
  const provider = user["auth-provider"];
  if (provider === undefined) return undefined;
  const { name = "", config } = isObject(provider) ? provider : {};
  if (name === "oidc") {
    const oidc = isObject(config) ? config : {};
    requireIssuer(oidc, whose);
    return oidc;
  }
  const isGone = name === "azure" || name === "gcp";
  throw new CannotRun(
    `${whose} uses the auth-provider "${String(name)}", which kubectl ${isGone ? "no longer supports" : "does not support"}`,
    name === "azure"
      ? sentence`convert it to a credential plugin: ${kubelogin("convert-kubeconfig")}`
      : "use a credential plugin (exec) instead",
  );
}

function certificateOf(user: User, whose: string): Credential | undefined {
  const cert = fileOrData(user, "client-certificate", whose);
  if (cert === undefined) return undefined;
  const key = fileOrData(user, "client-key", whose);
  if (key === undefined) {
    throw new CannotRun(
      `${whose} has a client certificate, but no key`,
      "log in again, or add client-key or client-key-data to the kubeconfig",
    );
  }
  const problem = keyPairProblem(cert, key);
  if (problem === undefined) return { cert, key };
  throw new CannotRun(
    `the client certificate of ${whose} cannot be used: ${problem}`,
    sentence`log in again; on AKS: ${az("aks", "get-credentials", ...AKS_CLUSTER, "--overwrite-existing")}`,
  );
}
