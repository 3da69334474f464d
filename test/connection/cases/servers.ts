import type { Case } from "../case.ts";
import { CLUSTER, config } from "../kubeconfig.ts";

const one = { token: "one" };
const NO_CA = { "certificate-authority-data": undefined };
const PLAIN = { ...NO_CA, server: "http://127.0.0.1:{http}" };

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
];
