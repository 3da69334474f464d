import { X509Certificate } from "node:crypto";
import { generate } from "selfsigned";
import { expect, test } from "vitest";
import { checkName } from "../../../src/connection/server-name.ts";

const { cert } = await generate([{ name: "commonName", value: "common.test" }], {
  extensions: [
    {
      name: "subjectAltName",
      altNames: [
        { type: 2, value: "api.test" },
        { type: 7, ip: "10.0.0.1" },
        { type: 7, ip: "fd00::9" },
      ],
    },
  ],
});
const certificate = new X509Certificate(cert).toLegacyObject();

test.each([
  ["api.test", /^valid$/],
  ["10.0.0.1", /^valid$/],
  ["fd00::9", /^valid$/],
  ["fd00:0:0:0:0:0:0:9", /^valid$/],
  ["other.test", /Host: other\.test\. is not in the cert's altnames/],
  ["10.0.0.2", /IP: 10\.0\.0\.2 is not in the cert's list: 10\.0\.0\.1, FD00:/],
  ["fd00::8", /IP: fd00::8 is not in the cert's list/],
  ["common.test", /names "common\.test" only as its Common Name/],
])("a certificate is checked for %s", (host, expected) => {
  const problem = checkName(host)("localhost", certificate);
  expect(problem?.message ?? "valid").toMatch(expected);
});
