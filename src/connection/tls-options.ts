import { readFileSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { isIP } from "node:net";
import { type ConnectionOptions, createSecureContext } from "node:tls";
import { CannotRun } from "../errors.ts";
import type { Env } from "../io.ts";
import { AKS_CLUSTER, az, sentence } from "../next-step.ts";
import type { Cluster } from "./kubeconfig-file.ts";
import { withoutBrackets } from "../url-host.ts";
import { checkName } from "./server-name.ts";
import { trustedAuthorities } from "./trusted-authorities.ts";

/** The options by which a request verifies the server's certificate and chooses a protocol. */
export type TlsOptions = Pick<
  RequestOptions,
  "ca" | "allowPartialTrustChain" | "rejectUnauthorized" | "servername" | "checkServerIdentity"
> &
  Pick<ConnectionOptions, "ALPNProtocols">;

/**
 * Returns the TLS options for a cluster.
 *
 * @throws CannotRun if the kubeconfig contradicts itself or has an invalid certificate authority.
 */
export function tlsOptions(cluster: Cluster, server: URL, env: Env): TlsOptions {
  const ca = readAuthority(cluster);
  const name = cluster["tls-server-name"];
  if (cluster["insecure-skip-tls-verify"] === true) {
    if (ca === undefined) return { rejectUnauthorized: false, ...forName(server, name) };
    throw new CannotRun(
      `the cluster "${cluster.name}" has both a certificate authority and insecure-skip-tls-verify`,
      "keep only one of them in the kubeconfig, preferably the certificate authority",
    );
  }
  return trustOnly(ca ?? trustedAuthorities(env), server, name);
}

/**
 * Returns the options to trust only these certificates. As in Go, each of them is trusted by itself,
 * even if it is not a root.
 *
 * @param name the name that the server's certificate must have, instead of the host.
 */
export function trustOnly(ca: string | string[], server: URL, name?: string): TlsOptions {
  return { ca, allowPartialTrustChain: true, ...forName(server, name) };
}

function forName({ hostname }: URL, name: string | undefined): TlsOptions {
  const common = {
    // A server with only HTTP/2 rejects this, instead of answering in frames.
    ALPNProtocols: ["http/1.1"],
    checkServerIdentity: checkName(name ?? withoutBrackets(hostname)),
  };
  if (name === undefined) return common;
  // A TLS handshake carries names only. An address is checked after the handshake.
  return { ...common, servername: isIP(name) === 0 ? name : "" };
}

/**
 * Returns the certificate authority of a cluster, in PEM.
 *
 * @throws CannotRun if it cannot be read or is not a certificate.
 */
export function readAuthority(cluster: Cluster): string | undefined {
  const pem = fileOrData(cluster, "certificate-authority", `the cluster "${cluster.name}"`);
  if (pem === undefined || pem.includes("-----BEGIN CERTIFICATE-----")) return pem;
  throw new CannotRun(
    `the certificate authority of the cluster "${cluster.name}" is not a certificate`,
    sentence`fetch the kubeconfig again; on AKS: ${az("aks", "get-credentials", ...AKS_CLUSTER, "--overwrite-existing")}`,
  );
}

/**
 * Returns the content of a file that a field names, or of the field `...-data` that has the content
 * itself in base64.
 *
 * @throws CannotRun if both fields are set, or if the file cannot be read.
 */
export function fileOrData<Field extends string>(
  entry: { readonly [Name in Field | `${Field}-data`]?: string },
  field: Field,
  whose: string,
): string | undefined {
  const file: string | undefined = entry[field];
  const data: string | undefined = entry[`${field}-data`];
  if (file === undefined) return data && Buffer.from(data, "base64").toString();
  if (data !== undefined) {
    throw new CannotRun(
      `${whose} has both ${field} and ${field}-data`,
      "keep only one of them in the kubeconfig",
    );
  }
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new CannotRun(
      `${field} ${file} of ${whose} cannot be read: ${(cause as Error).message}`,
      "correct the kubeconfig, or restore the file",
      { cause },
    );
  }
}

/** Returns the problem with a certificate and its key, or `undefined` if they are usable. */
export function keyPairProblem(cert: string, key: string): string | undefined {
  try {
    createSecureContext({ cert, key });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
