import { generate } from "selfsigned";

/** A key and its self-signed certificate, in PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** Creates a certificate for the names of the API server and the proxies, but not for `localhost`. */
export async function serverKeyPair(): Promise<KeyPair> {
  return keyPair("kube-apiserver", ALT_NAMES);
}

const ALT_NAMES = [
  { type: 2, value: "api.test" },
  { type: 2, value: "other.test" },
  { type: 7, ip: "127.0.0.1" },
  { type: 7, ip: "fd00::9" },
] as const;

export function clientKeyPair(name: string): Promise<KeyPair> {
  return keyPair(name, []);
}

/** Creates a certificate that names a host only in its Common Name. */
export function commonNameKeyPair(host: string): Promise<KeyPair> {
  return keyPair(host, []);
}

/** A root authority, an authority that the root has signed, and a server that the latter has signed. */
export interface Chain {
  readonly root: KeyPair;
  readonly intermediate: KeyPair;
  readonly leaf: KeyPair;
}

export async function certificateChain(): Promise<Chain> {
  const root = await keyPair("root", []);
  const intermediate = await keyPair("intermediate", [], root);
  const leaf = await keyPair("kube-apiserver", ALT_NAMES, intermediate, false);
  return { root, intermediate, leaf };
}

type AltName =
  | { readonly type: 2; readonly value: string }
  | { readonly type: 7; readonly ip: string };

/** @param issuer the authority that signs the certificate. Without it, the certificate signs itself. */
async function keyPair(
  commonName: string,
  altNames: readonly AltName[],
  issuer?: KeyPair,
  isAuthority = true,
): Promise<KeyPair> {
  const { cert, private: key } = await generate([{ name: "commonName", value: commonName }], {
    keyType: "ec",
    algorithm: "sha256",
    ...(issuer && { ca: { cert: issuer.certificate, key: issuer.key } }),
    extensions: [
      { name: "basicConstraints", cA: isAuthority },
      ...(altNames.length > 0
        ? [{ name: "subjectAltName" as const, altNames: [...altNames] }]
        : []),
    ],
  });
  return { certificate: cert, key };
}
