import type { Case, Expected } from "../case.ts";
import { CLUSTER, config } from "../kubeconfig.ts";

const one = { token: "one" };
const NO_CA = { "certificate-authority-data": undefined };
const PLAIN = { ...NO_CA, server: "http://127.0.0.1:{http}" };

const NOT_SIGNED =
  /could not read from the API server of .*: 127\.0\.0\.1:\d+: no trusted authority has signed the server's certificate/;

/** Returns a case for a server whose certificate has a chain: root, intermediate, leaf. */
function signedBy(server: string, authority: string, expect: Expected): Case {
  return {
    name: `the ${authority} certificate as the authority of the server "${server}"`,
    files: {
      config: config(one, {
        server: `https://127.0.0.1:{${server}}`,
        "certificate-authority-data": `{${authority}Data}`,
      }),
    },
    expect,
  };
}

/** Cases about the address of the server and its certificate. */
export const SERVERS: readonly Case[] = [
  {
    name: "certificate-authority with a path relative to the kubeconfig",
    files: {
      "sub/config": config(one, { ...NO_CA, "certificate-authority": "ca.crt" }),
      "sub/ca.crt": "{ca}",
    },
    env: { KUBECONFIG: "{dir}/sub/config" },
    expect: { authorization: "Bearer one" },
  },
  {
    name: "a missing certificate-authority file",
    files: { config: config(one, { ...NO_CA, "certificate-authority": "ca.crt" }) },
    expect: { refused: 'certificate-authority {dir}/ca.crt of the cluster "one" cannot be read' },
  },
  {
    name: "certificate-authority and certificate-authority-data",
    files: { config: config(one, { "certificate-authority": "ca.crt" }), "ca.crt": "{ca}" },
    expect: {
      refused: 'the cluster "one" has both certificate-authority and certificate-authority-data',
    },
  },
  {
    name: "a certificate authority that is not a certificate",
    files: { config: config(one, { "certificate-authority-data": "bm8=" }) },
    expect: { refused: 'the certificate authority of the cluster "one" is not a certificate' },
  },
  {
    name: "another cluster's certificate authority",
    files: { config: config(one, { "certificate-authority-data": "{strangerData}" }) },
    expect: {
      refused: /could not read from the API server of .*: 127\.0\.0\.1:\d+: .*certificate/,
    },
  },
  {
    name: "no certificate authority, and a server that the system does not trust",
    files: { config: config(one, NO_CA) },
    expect: {
      refused: /could not read from the API server of .*: 127\.0\.0\.1:\d+: .*certificate/,
    },
  },
  {
    name: "no certificate authority, and a server that SSL_CERT_FILE trusts",
    files: { config: config(one, NO_CA), "ca.crt": "{ca}" },
    env: { SSL_CERT_FILE: "{dir}/ca.crt" },
    expect: { authorization: "Bearer one" },
  },
  {
    name: "no certificate authority, and a server that a file in SSL_CERT_DIR trusts",
    files: {
      config: config(one, NO_CA),
      "certs/README": "The company's certificates",
      "certs/company.pem": "{ca}",
      "certs/broken.pem": "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n",
    },
    env: { SSL_CERT_DIR: "{dir}/missing:{dir}/certs" },
    expect: { authorization: "Bearer one" },
  },
  {
    name: "SSL_CERT_FILE that does not exist, and SSL_CERT_DIR",
    files: { config: config(one, NO_CA), "certs/company.pem": "{ca}" },
    env: { SSL_CERT_FILE: "{dir}/missing.crt", SSL_CERT_DIR: "{dir}/certs" },
    expect: { authorization: "Bearer one" },
  },
  {
    name: "no certificate authority, and a server that NODE_EXTRA_CA_CERTS trusts",
    files: { config: config(one, NO_CA), "company.pem": "{ca}" },
    env: { NODE_EXTRA_CA_CERTS: "{dir}/company.pem" },
    expect: { authorization: "Bearer one" },
    // Only programs that run on Node read the variable.
    kubectl: { refused: "" },
  },
  {
    name: "NODE_EXTRA_CA_CERTS that does not exist, beside SSL_CERT_FILE",
    files: { config: config(one, NO_CA), "ca.crt": "{ca}" },
    env: { NODE_EXTRA_CA_CERTS: "{dir}/missing.pem", SSL_CERT_FILE: "{dir}/ca.crt" },
    expect: { authorization: "Bearer one" },
  },
  {
    name: "a certificate authority overrides SSL_CERT_FILE, SSL_CERT_DIR and NODE_EXTRA_CA_CERTS",
    files: {
      config: config(one, { "certificate-authority-data": "{strangerData}" }),
      "certs/ca.crt": "{ca}",
    },
    env: {
      SSL_CERT_FILE: "{dir}/certs/ca.crt",
      SSL_CERT_DIR: "{dir}/certs",
      NODE_EXTRA_CA_CERTS: "{dir}/certs/ca.crt",
    },
    expect: { refused: NOT_SIGNED },
  },
  ...["chain", "leafOnly"].flatMap((server) => [
    signedBy(server, "intermediate", { authorization: "Bearer one" }),
    signedBy(server, "leaf", { authorization: "Bearer one" }),
    signedBy(server, "strangersIntermediate", { refused: NOT_SIGNED }),
    signedBy(server, "stranger", { refused: NOT_SIGNED }),
  ]),
  signedBy("chain", "root", { authorization: "Bearer one" }),
  signedBy("leafOnly", "root", { refused: NOT_SIGNED }),
  {
    name: "a certificate that names the host only in its Common Name",
    files: {
      config: config(one, {
        server: "https://localhost:{commonName}",
        "certificate-authority-data": "{commonNameData}",
      }),
    },
    expect: { refused: /the certificate names "localhost" only as its Common Name/ },
  },
  {
    name: "a certificate with only a Common Name, and a tls-server-name",
    files: {
      config: config(one, {
        server: "https://127.0.0.1:{commonName}",
        "certificate-authority-data": "{commonNameData}",
        "tls-server-name": "localhost",
      }),
    },
    expect: { refused: /the certificate names "localhost" only as its Common Name/ },
  },
  {
    name: "a certificate with only a Common Name, and insecure-skip-tls-verify",
    files: {
      config: config(one, {
        ...NO_CA,
        server: "https://localhost:{commonName}",
        "insecure-skip-tls-verify": true,
      }),
    },
    expect: { authorization: "Bearer one", host: "localhost", sni: "localhost" },
  },
  {
    name: "a server that speaks only HTTP/2",
    files: { config: config(one, { server: "https://127.0.0.1:{h2}" }) },
    expect: { refused: /the server offers only HTTP\/2, and this program speaks only HTTP\/1\.1/ },
    kubectl: { authorization: "Bearer one" },
  },
  {
    name: "insecure-skip-tls-verify",
    files: { config: config(one, { ...NO_CA, "insecure-skip-tls-verify": true }) },
    expect: { authorization: "Bearer one" },
  },
  {
    name: "insecure-skip-tls-verify with a certificate authority",
    files: { config: config(one, { "insecure-skip-tls-verify": true }) },
    expect: {
      refused: 'the cluster "one" has both a certificate authority and insecure-skip-tls-verify',
    },
  },
  {
    name: "a server name that the certificate does not have",
    files: { config: config(one, { server: "https://localhost:{https}" }) },
    expect: {
      refused: /could not read from the API server of .*: localhost:\d+: .*(Hostname|certificate)/,
    },
  },
  {
    name: "tls-server-name",
    files: {
      config: config(one, { server: "https://localhost:{https}", "tls-server-name": "api.test" }),
    },
    expect: { authorization: "Bearer one", host: "localhost", sni: "api.test" },
  },
  {
    name: "tls-server-name with an IP address",
    files: {
      config: config(one, { server: "https://localhost:{https}", "tls-server-name": "127.0.0.1" }),
    },
    expect: { authorization: "Bearer one", host: "localhost", sni: "" },
  },
  {
    name: "a tls-server-name that the certificate does not have",
    files: { config: config(one, { "tls-server-name": "wrong.test" }) },
    expect: {
      refused:
        /could not read from the API server of .*: 127\.0\.0\.1:\d+: .*(Hostname|certificate)/,
    },
  },
  {
    name: "a server address with a path, as in Rancher",
    files: { config: config(one, { server: "https://127.0.0.1:{https}/k8s/clusters/c-1/?x=y#z" }) },
    expect: { authorization: "Bearer one", prefix: "/k8s/clusters/c-1" },
  },
  {
    name: "plain HTTP carries no credentials, only the impersonated user",
    files: { config: config({ token: "one", as: "alice" }, PLAIN) },
    expect: { secure: false, impersonation: { "impersonate-user": ["alice"] } },
  },
  {
    name: "plain HTTP for a user without credentials",
    files: { config: config({}, PLAIN) },
    expect: { secure: false },
  },
  {
    name: "a server address without a scheme is plain HTTP",
    files: { config: config(one, { ...NO_CA, server: "127.0.0.1:{http}" }) },
    expect: { secure: false },
  },
  {
    name: "a cluster without a server",
    files: { config: config(one, { server: "" }) },
    expect: { refused: 'the cluster "one" has no server' },
  },
  {
    name: "a server that is not an address",
    files: { config: config(one, { ...CLUSTER, server: "https://:{https}:1" }) },
    expect: { refused: /the server of the cluster "one" is not an address: https:/ },
  },
  {
    name: "a server address with another scheme",
    files: { config: config(one, { server: "ftp://127.0.0.1:{https}" }) },
    expect: { refused: /the server of the cluster "one" is not an address: ftp:/ },
  },
  {
    name: "an invalid server address with a password, which is not shown",
    files: { config: config(one, { server: "ftp://jane:secret@127.0.0.1:{https}" }) },
    expect: { refused: /is not an address: ftp:\/\/127\.0\.0\.1:/ },
  },
];
