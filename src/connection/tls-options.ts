import { existsSync, readFileSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { isIP } from "node:net";
import { checkServerIdentity, createSecureContext, rootCertificates } from "node:tls";
import { CannotRun } from "../errors.ts";
import { az, sentence } from "../next-step.ts";
import type { Cluster } from "./kubeconfig-file.ts";

/** How a server is known for what it is. */
export type TlsOptions = Pick<
  RequestOptions,
  "ca" | "rejectUnauthorized" | "servername" | "checkServerIdentity"
>;

/** Where Linux distributions keep the authorities that the system trusts, as Go looks for them. */
const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/**
 * @throws CannotRun where the kubeconfig contradicts itself, or names what is no certificate.
 */
export function tlsOptions(
  cluster: Cluster,
  env: Readonly<Record<string, string | undefined>>,
): TlsOptions {
  const ca = authorityOf(cluster);
  const name = cluster["tls-server-name"];
  if (cluster["insecure-skip-tls-verify"] === true) {
    if (ca === undefined) return { rejectUnauthorized: false, ...serverName(name) };
    throw new CannotRun(
      `the cluster "${cluster.name}" has both a certificate authority and insecure-skip-tls-verify`,
      "keep one of them in the kubeconfig: better the certificate authority",
    );
  }
  return { ca: ca ?? systemAuthorities(env), ...serverName(name) };
}

/** PEM of the cluster's own authority. */
export function authorityOf(cluster: Cluster): string | undefined {
  const pem = fileOrData(cluster, "certificate-authority", `the cluster "${cluster.name}"`);
  if (pem === undefined || pem.includes("-----BEGIN CERTIFICATE-----")) return pem;
  throw new CannotRun(
    `the certificate authority of the cluster "${cluster.name}" is no certificate`,
    sentence`fetch the kubeconfig anew, on AKS: ${az("aks", "get-credentials", "--overwrite-existing")}`,
  );
}

/**
 * The text of a field that names a file, or of its twin that has the file's content in base64.
 *
 * @throws CannotRun where there are both, or the file cannot be read.
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
      "keep one of them in the kubeconfig",
    );
  }
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new CannotRun(
      `${field} ${file} of ${whose} cannot be read: ${(cause as Error).message}`,
      "correct the kubeconfig, or bring the file back",
      { cause },
    );
  }
}

function serverName(name: string | undefined): TlsOptions {
  if (name === undefined) return {};
  if (isIP(name) === 0) return { servername: name };
  // A handshake has no addresses in it, only names.
  return {
    servername: "",
    checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
  };
}

/** What the system trusts, as kubectl does, and not only what Node brings along. */
function systemAuthorities(env: Readonly<Record<string, string | undefined>>): string[] {
  const file = env["SSL_CERT_FILE"] || SYSTEM_BUNDLES.find((bundle) => existsSync(bundle));
  if (file === undefined || !existsSync(file)) return [...rootCertificates];
  return [...rootCertificates, readFileSync(file, "utf8")];
}

/** What is wrong with a certificate and its key, before a request stumbles over it. */
export function whyUnusable(cert: string, key: string): string | undefined {
  try {
    createSecureContext({ cert, key });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
