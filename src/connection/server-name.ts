import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";

/**
 * Returns a function that checks whether a certificate is valid for a host. Unlike Node, but like Go,
 * the function does not accept the Common Name as the name of a host. It ignores the host that Node
 * passes, which is `localhost` if a SOCKS proxy leads to an address.
 *
 * @see https://go.dev/doc/go1.15#commonname
 */
export function checkName(
  host: string,
): (_: string, certificate: PeerCertificate) => Error | undefined {
  return (_, certificate) => {
    const { CN: commonName } = certificate.subject;
    const subject = { ...certificate.subject, CN: "" };
    const problem =
      isIP(host) === 0
        ? checkServerIdentity(host, { ...certificate, subject })
        : checkAddress(host, certificate);
    if (problem === undefined || commonName !== host) return problem;
    return new Error(
      `the certificate names "${host}" only as its Common Name, which kubectl does not accept either`,
    );
  };
}

/** The function of Node finds no IPv6 address in a certificate since 22.23. That of OpenSSL does. */
function checkAddress(
  address: string,
  { raw, subjectaltname }: Pick<PeerCertificate, "raw" | "subjectaltname">,
): Error | undefined {
  if (new X509Certificate(raw).checkIP(address) !== undefined) return undefined;
  const addresses = subjectaltname?.match(/(?<=IP Address:)[^,]+/g) ?? [];
  const names = `IP: ${address} is not in the cert's list: ${addresses.join(", ")}`;
  return new Error(`Hostname/IP does not match certificate's altnames: ${names}`);
}
