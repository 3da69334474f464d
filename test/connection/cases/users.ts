import type { Case } from "../case.ts";
import { config } from "../kubeconfig.ts";

const CERTIFICATE = {
  "client-certificate-data": "{aliceData}",
  "client-key-data": "{aliceKeyData}",
};
const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

function idToken(claims: object): string {
  const payload = Buffer.from(JSON.stringify(claims)).toString("base64url");
  return `e30.${payload}.c2lnbmF0dXJl`;
}

/** An ID token that expires in the year 2100. */
const VALID = idToken({ exp: 4_102_444_800 });

const EXPIRED = idToken({ exp: 978_307_200 });

function oidc(fields: Readonly<Record<string, string>>) {
  const own = { "idp-issuer-url": "https://127.0.0.1:1", "client-id": "kubernetes", ...fields };
  return { "auth-provider": { name: "oidc", config: own } };
}

/** Cases about credentials and impersonation. */
export const USERS: readonly Case[] = [
  {
    name: "a token",
    files: { config: config({ token: "secret" }) },
    expect: { authorization: "Bearer secret" },
  },
  {
    name: "tokenFile with a path relative to the kubeconfig",
    files: { "sub/config": config({ tokenFile: "tokens/one" }), "sub/tokens/one": "from-file\n" },
    env: { KUBECONFIG: "{dir}/sub/config" },
    expect: { authorization: "Bearer from-file" },
  },
  {
    name: "tokenFile overrides token",
    files: { config: config({ token: "inline", tokenFile: "token" }), token: "from-file" },
    expect: { authorization: "Bearer from-file" },
  },
  {
    name: "token, if the file of tokenFile is missing",
    files: { config: config({ token: "inline", tokenFile: "token" }) },
    expect: { authorization: "Bearer inline" },
  },
  {
    name: "tokenFile without its file",
    files: { config: config({ tokenFile: "token" }) },
    expect: { refused: 'the tokenFile {dir}/token of the user "one" cannot be read' },
  },
  {
    name: "tokenFile with an empty file",
    files: { config: config({ tokenFile: "token" }), token: "\n" },
    expect: { refused: 'the tokenFile {dir}/token of the user "one" is empty' },
  },
  {
    name: "username and password",
    files: { config: config({ username: "alice", password: "pa:ss wörd" }) },
    expect: { authorization: basic("alice:pa:ss wörd") },
  },
  {
    name: "a token and a password",
    files: { config: config({ token: "one", username: "alice", password: "secret" }) },
    expect: { refused: 'the user "one" has both a token and a password' },
  },
  {
    name: "tokenFile and a password",
    files: { config: config({ tokenFile: "token", username: "alice" }), token: "one" },
    expect: { refused: 'the user "one" has both a token and a password' },
  },
  {
    name: "a client certificate in the kubeconfig",
    files: { config: config(CERTIFICATE) },
    expect: { certificate: "alice" },
  },
  {
    name: "a client certificate in files",
    files: {
      "sub/config": config({ "client-certificate": "alice.crt", "client-key": "alice.key" }),
      "sub/alice.crt": "{alice}",
      "sub/alice.key": "{aliceKey}",
    },
    env: { KUBECONFIG: "sub/config" },
    expect: { certificate: "alice" },
  },
  {
    name: "a client certificate and a token",
    files: { config: config({ ...CERTIFICATE, token: "one" }) },
    expect: { authorization: "Bearer one", certificate: "alice" },
  },
  {
    name: "a client certificate without a key",
    files: { config: config({ "client-certificate-data": "{aliceData}" }) },
    expect: { refused: 'the user "one" has a client certificate, but no key' },
  },
  {
    name: "a token, and a key without a client certificate",
    files: { config: config({ token: "one", "client-key-data": "{aliceKeyData}" }) },
    expect: { authorization: "Bearer one" },
  },
  {
    name: "a client certificate with the key of another one",
    files: { config: config({ ...CERTIFICATE, "client-key-data": "{bobKeyData}" }) },
    expect: { refused: 'the client certificate of the user "one" cannot be used' },
  },
  {
    name: "a client certificate that is not a certificate",
    files: { config: config({ ...CERTIFICATE, "client-certificate-data": "bm8=" }) },
    expect: { refused: 'the client certificate of the user "one" cannot be used' },
  },
  {
    name: "a client certificate whose file is missing",
    files: { config: config({ "client-certificate": "alice.crt", "client-key": "alice.key" }) },
    expect: { refused: 'client-certificate {dir}/alice.crt of the user "one" cannot be read' },
  },
  {
    name: "a client certificate both in a file and in the kubeconfig",
    files: {
      config: config({ ...CERTIFICATE, "client-certificate": "alice.crt" }),
      "alice.crt": "{alice}",
    },
    expect: { refused: 'the user "one" has both client-certificate and client-certificate-data' },
  },
  {
    name: "a user without credentials, and no terminal for a password",
    files: { config: config({}) },
    env: { EXTRA: "" },
    expect: { refused: 'the user "one" has no credentials' },
  },
  {
    name: "the auth-provider azure",
    files: { config: config({ "auth-provider": { name: "azure", config: { "client-id": "x" } } }) },
    expect: {
      refused: 'the user "one" uses the auth-provider "azure", which kubectl no longer supports',
    },
  },
  {
    name: "the auth-provider gcp",
    files: { config: config({ "auth-provider": { name: "gcp" } }) },
    expect: {
      refused: 'the user "one" uses the auth-provider "gcp", which kubectl no longer supports',
    },
  },
  {
    name: "the ID token of the auth-provider oidc",
    files: { config: config(oidc({ "id-token": VALID })) },
    expect: { authorization: `Bearer ${VALID}` },
  },
  {
    name: "the ID token of the auth-provider oidc, and a client certificate",
    files: { config: config({ ...oidc({ "id-token": VALID }), ...CERTIFICATE }) },
    expect: { authorization: `Bearer ${VALID}`, certificate: "alice" },
  },
  {
    name: "a token overrides the auth-provider oidc with an expired ID token",
    files: { config: config({ ...oidc({ "id-token": EXPIRED }), token: "one" }) },
    expect: { authorization: "Bearer one" },
  },
  {
    name: "a password overrides the auth-provider oidc",
    files: {
      config: config({ ...oidc({ "id-token": VALID }), username: "alice", password: "secret" }),
    },
    expect: { authorization: basic("alice:secret") },
  },
  {
    name: "an unknown auth-provider",
    files: { config: config({ "auth-provider": { name: "mine" } }) },
    expect: {
      refused: 'the user "one" uses the auth-provider "mine", which kubectl does not support',
    },
  },
  {
    name: "an expired ID token",
    files: { config: config(oidc({ "id-token": EXPIRED })) },
    expect: {
      refused: 'the auth-provider "oidc" of the user "one" has an id-token that has expired',
    },
  },
  {
    name: "an ID token without an expiration",
    files: { config: config(oidc({ "id-token": idToken({}) })) },
    expect: {
      refused: 'the auth-provider "oidc" of the user "one" has an id-token that has expired',
    },
  },
  {
    name: "an ID token that is not a JWT",
    files: { config: config(oidc({ "id-token": "secret" })) },
    expect: {
      refused: 'the auth-provider "oidc" of the user "one" has an id-token that is not a JWT',
    },
  },
  {
    name: "the auth-provider oidc without an ID token",
    files: { config: config(oidc({})) },
    expect: { refused: 'the auth-provider "oidc" of the user "one" has no id-token' },
  },
  {
    name: "the auth-provider oidc without a client-id",
    files: { config: config(oidc({ "id-token": VALID, "client-id": "" })) },
    expect: { refused: 'the auth-provider "oidc" of the user "one" has no client-id' },
  },
  {
    name: "--as",
    files: { config: config() },
    args: ["--as", "alice"],
    expect: { authorization: "Bearer one", impersonation: { "impersonate-user": ["alice"] } },
  },
  {
    name: "--as with several --as-group",
    files: { config: config() },
    args: ["--as", "jürgen", "--as-group", "ops", "--as-group", "system:masters"],
    expect: {
      authorization: "Bearer one",
      impersonation: {
        "impersonate-user": ["jürgen"],
        "impersonate-group": ["ops", "system:masters"],
      },
    },
  },
  {
    name: "--as-group with commas is one group",
    files: { config: config() },
    args: ["--as", "alice", "--as-group", "CN=ops,OU=aks,DC=corp", "--as-group", "dev"],
    expect: {
      authorization: "Bearer one",
      impersonation: {
        "impersonate-user": ["alice"],
        "impersonate-group": ["CN=ops,OU=aks,DC=corp", "dev"],
      },
    },
  },
  {
    name: "--as-group twice with the same group",
    files: { config: config() },
    args: ["--as", "alice", "--as-group", "ops", "--as-group=ops"],
    expect: {
      authorization: "Bearer one",
      impersonation: { "impersonate-user": ["alice"], "impersonate-group": ["ops", "ops"] },
    },
  },
  {
    name: "--as-group with an empty value",
    files: { config: config() },
    args: ["--as", "alice", "--as-group", ""],
    expect: { refused: "--as-group has an empty value" },
    // An empty value is probably an unset variable.
    kubectl: {
      authorization: "Bearer one",
      impersonation: { "impersonate-user": ["alice"], "impersonate-group": [""] },
    },
  },
  {
    name: "as-groups in the kubeconfig, one with commas and one empty",
    files: {
      config: config({
        token: "one",
        as: "alice",
        "as-groups": ["CN=ops,OU=aks,DC=corp", "", "dev"],
      }),
    },
    expect: {
      authorization: "Bearer one",
      impersonation: {
        "impersonate-user": ["alice"],
        "impersonate-group": ["", "CN=ops,OU=aks,DC=corp", "dev"],
      },
    },
  },
  {
    name: "--as-group without --as",
    files: { config: config() },
    args: ["--as-group", "ops"],
    expect: { refused: "--as-group needs --as" },
  },
  {
    name: "as, as-uid, as-groups and as-user-extra in the kubeconfig",
    files: {
      config: config({
        token: "one",
        as: "alice",
        "as-uid": "7",
        "as-groups": ["ops", "dev"],
        "as-user-extra": { "Scopes/a b": ["read", "write"], reason: ["tests"] },
      }),
    },
    expect: {
      authorization: "Bearer one",
      impersonation: {
        "impersonate-user": ["alice"],
        "impersonate-uid": ["7"],
        "impersonate-group": ["dev", "ops"],
        "impersonate-extra-scopes%2fa%20b": ["read", "write"],
        "impersonate-extra-reason": ["tests"],
      },
    },
  },
  {
    name: "--as overrides as, but keeps as-groups",
    files: { config: config({ token: "one", as: "alice", "as-groups": ["ops"] }) },
    args: ["--as", "bob"],
    expect: {
      authorization: "Bearer one",
      impersonation: { "impersonate-user": ["bob"], "impersonate-group": ["ops"] },
    },
  },
  {
    name: "--as-group overrides as-groups",
    files: { config: config({ token: "one", as: "alice", "as-groups": ["ops"] }) },
    args: ["--as-group", "dev"],
    expect: {
      authorization: "Bearer one",
      impersonation: { "impersonate-user": ["alice"], "impersonate-group": ["dev"] },
    },
  },
  {
    name: "as-groups without as",
    files: { config: config({ token: "one", "as-groups": ["ops"] }) },
    expect: { refused: 'the user "one" has groups to impersonate, but no user (as)' },
  },
];
