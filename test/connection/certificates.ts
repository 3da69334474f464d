import { generate } from "selfsigned";

/** A key and its self-signed certificate, in PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** Creates a certificate for the names of the API server and the proxies, but not for `localhost`. */
export async function serverKeyPair(): Promise<KeyPair> {
  return keyPair("kube-apiserver", [
    { type: 2, value: "api.test" },
    { type: 2, value: "other.test" },
    { type: 7, ip: "127.0.0.1" },
  ]);
}

export function clientKeyPair(name: string): Promise<KeyPair> {
  return keyPair(name, []);
}

type AltName =
  | { readonly type: 2; readonly value: string }
  | { readonly type: 7; readonly ip: string };

async function keyPair(commonName: string, altNames: readonly AltName[]): Promise<KeyPair> {
  const { cert, private: key } = await generate([{ name: "commonName", value: commonName }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: true },
      ...(altNames.length > 0
        ? [{ name: "subjectAltName" as const, altNames: [...altNames] }]
        : []),
    ],
  });
  return { certificate: cert, key };
}
