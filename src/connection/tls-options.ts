import { existsSync, readFileSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { isIP } from "node:net";
import { checkServerIdentity, createSecureContext, rootCertificates } from "node:tls";
import { CannotRun } from "../errors.ts";
import { az, sentence } from "../next-step.ts";
import type { Cluster } from "./kubeconfig-file.ts";

/** The options by which a request verifies the server's certificate. */
export type TlsOptions = Pick<
  RequestOptions,
  "ca" | "rejectUnauthorized" | "servername" | "checkServerIdentity"
>;

/** The files in which Linux distributions keep the trusted authorities, in Go's order. */
const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/**
 * Returns the TLS options for a cluster.
 *
 * @throws CannotRun if the kubeconfig contradicts itself or has an invalid certificate authority.
 */
export function tlsOptions(
  cluster: Cluster,
  env: Readonly<Record<string, string | undefined>>,
): TlsOptions {
  const ca = readAuthority(cluster);
  const name = cluster["tls-server-name"];
  if (cluster["insecure-skip-tls-verify"] === true) {
    if (ca === undefined) return { rejectUnauthorized: false, ...serverName(name) };
    throw new CannotRun(
      `the cluster "${cluster.name}" has both a certificate authority and insecure-skip-tls-verify`,
      "keep only one of them in the kubeconfig, preferably the certificate authority",
    );
  }
  return { ca: ca ?? systemAuthorities(env), ...serverName(name) };
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
    sentence`fetch the kubeconfig again; on AKS: ${az("aks", "get-credentials", "--overwrite-existing")}`,
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

function serverName(name: string | undefined): TlsOptions {
  if (name === undefined) return {};
  if (isIP(name) === 0) return { servername: name };
  // A TLS handshake carries names only. An address is checked after the handshake.
  return {
    servername: "",
    checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
  };
}

/** Returns the authorities that the system trusts, as for kubectl, and those that Node contains. */
function systemAuthorities(env: Readonly<Record<string, string | undefined>>): string[] {
  const file = env["SSL_CERT_FILE"] || SYSTEM_BUNDLES.find((bundle) => existsSync(bundle));
  if (file === undefined || !existsSync(file)) return [...rootCertificates];
  return [...rootCertificates, readFileSync(file, "utf8")];
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
