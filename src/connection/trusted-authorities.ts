import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { delimiter, join } from "node:path";
import { rootCertificates } from "node:tls";
import type { Env } from "../io.ts";

/** The files in which Linux distributions keep the trusted authorities, in Go's order. */
const FILES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** The folders in which Linux distributions keep one file for each trusted authority. */
const FOLDERS = ["/etc/ssl/certs", "/etc/pki/tls/certs"];

/**
 * Returns the authorities that this machine trusts, in PEM: those of `SSL_CERT_FILE` and `SSL_CERT_DIR`,
 * as for kubectl, those of `NODE_EXTRA_CA_CERTS`, and those that Node contains.
 *
 * @see https://go.dev/src/crypto/x509/root_unix.go
 */
export function trustedAuthorities(env: Env): string[] {
  const file = env["SSL_CERT_FILE"];
  const folders = env["SSL_CERT_DIR"];
  const extra = env["NODE_EXTRA_CA_CERTS"];
  const found = [
    ...(file ? [file] : FILES)
      .map(read)
      .filter((pem) => pem !== undefined)
      .slice(0, 1),
    ...(folders ? folders.split(delimiter) : FOLDERS).flatMap(readFolder),
    ...(extra ? [read(extra)] : []),
  ];
  return [...new Set([...rootCertificates, ...found.flatMap(certificatesIn)])];
}

/** Returns the content of a file; `undefined` if it cannot be read, which is no problem for Go and Node. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return undefined;
  }
}

/** Reads the files in a folder, without the links to other files in it. */
function readFolder(folder: string): readonly (string | undefined)[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries
      .filter((entry) => !(entry.isSymbolicLink() && isOwnLink(join(folder, entry.name))))
      .map(({ name }) => read(join(folder, name)));
  } catch {
    return [];
  }
}

/** True for a link to another file in the same folder, as `c_rehash` makes them. */
function isOwnLink(link: string): boolean {
  return !readlinkSync(link).includes("/");
}

function certificatesIn(pem: string | undefined): readonly string[] {
  return pem?.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}
