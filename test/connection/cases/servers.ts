import type { Case } from "../case.ts";
import { CLUSTER, config } from "../kubeconfig.ts";

const one = { token: "one" };
const NO_CA = { "certificate-authority-data": undefined };
const PLAIN = { ...NO_CA, server: "http://127.0.0.1:{http}" };

/** Where the server is, and how it is known for what it is. */
export const SERVERS: readonly Case[] = [
  {
    name: "certificate-authority, relative to the file that names it",
    files: {
      "sub/config": config(one, { ...NO_CA, "certificate-authority": "ca.crt" }),
      "sub/ca.crt": "{ca}",
    },
    env: { KUBECONFIG: "{dir}/sub/config" },
    expect: { authorization: "Bearer one" },
  },
  {
    name: "certificate-authority that is missing",
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
    name: "a certificate authority that is none",
    files: { config: config(one, { "certificate-authority-data": "bm8=" }) },
    expect: { refused: 'the certificate authority of the cluster "one" is no certificate' },
  },
  {
    name: "somebody else's certificate authority",
    files: { config: config(one, { "certificate-authority-data": "{strangerData}" }) },
    expect: { refused: /cannot be read: 127\.0\.0\.1:\d+: .*certificate/ },
  },
  {
    name: "no certificate authority, for a server that the system does not know",
    files: { config: config(one, NO_CA) },
    expect: { refused: /cannot be read: 127\.0\.0\.1:\d+: .*certificate/ },
  },
  {
    name: "no certificate authority, for a server that SSL_CERT_FILE knows",
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
    name: "a server by a name that its certificate does not have",
    files: { config: config(one, { server: "https://localhost:{https}" }) },
    expect: { refused: /cannot be read: localhost:\d+: .*(Hostname|certificate)/ },
  },
  {
    name: "tls-server-name",
    files: {
      config: config(one, { server: "https://localhost:{https}", "tls-server-name": "api.test" }),
    },
    expect: { authorization: "Bearer one", host: "localhost", sni: "api.test" },
  },
  {
    name: "tls-server-name that is an address",
    files: {
      config: config(one, { server: "https://localhost:{https}", "tls-server-name": "127.0.0.1" }),
    },
    expect: { authorization: "Bearer one", host: "localhost", sni: "" },
  },
  {
    name: "tls-server-name that the certificate does not have",
    files: { config: config(one, { "tls-server-name": "wrong.test" }) },
    expect: { refused: /cannot be read: 127\.0\.0\.1:\d+: .*(Hostname|certificate)/ },
  },
  {
    name: "a server with a path, as Rancher's",
    files: { config: config(one, { server: "https://127.0.0.1:{https}/k8s/clusters/c-1/?x=y#z" }) },
    expect: { authorization: "Bearer one", prefix: "/k8s/clusters/c-1" },
  },
  {
    name: "a plain server gets no credentials, but who is impersonated",
    files: { config: config({ token: "one", as: "alice" }, PLAIN) },
    expect: { secure: false, impersonation: { "impersonate-user": ["alice"] } },
  },
  {
    name: "a plain server, and a user without credentials",
    files: { config: config({}, PLAIN) },
    expect: { secure: false },
  },
  {
    name: "a server without a scheme is a plain one",
    files: { config: config(one, { ...NO_CA, server: "127.0.0.1:{http}" }) },
    expect: { secure: false },
  },
  {
    name: "a cluster without a server",
    files: { config: config(one, { server: "" }) },
    expect: { refused: 'the cluster "one" has no server' },
  },
  {
    name: "a server that is no address",
    files: { config: config(one, { ...CLUSTER, server: "https://:{https}:1" }) },
    expect: { refused: /the server of the cluster "one" is no address: https:/ },
  },
  {
    name: "a server of another scheme",
    files: { config: config(one, { server: "ftp://127.0.0.1:{https}" }) },
    expect: { refused: /the server of the cluster "one" is no address: ftp:/ },
  },
];
