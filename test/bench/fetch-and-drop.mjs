/**
 * The minimum work of a check: requests the same lists concurrently, as pages of protobuf with gzip,
 * unpacks them, finds the token of the next page, and drops the rest.
 * Environment: SERVER, TOKEN and CA (a file). Arguments: paths, with the prefix `meta:` to request
 * only metadata, or `json:` to request JSON.
 */
import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";

const { SERVER, TOKEN, CA } = process.env;
const agent = new Agent({ keepAlive: true, maxSockets: 8, ca: readFileSync(CA) });
const unzip = promisify(gunzip);

function fetchPage(path, accept) {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${TOKEN}`, accept, "accept-encoding": "gzip" };
    request(new URL(path, SERVER), { agent, headers }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const body = Buffer.concat(chunks);
        if (response.statusCode !== 200) reject(new Error(`${path}: ${body}`));
        else resolve(response.headers["content-encoding"] === "gzip" ? unzip(body) : body);
      });
    })
      .on("error", reject)
      .end();
  });
}

async function drop(argument) {
  const [, form = "", path = ""] = /^(meta:|json:)?(.*)$/.exec(argument);
  const as = form === "meta:" ? ";as=PartialObjectMetadataList;g=meta.k8s.io;v=v1" : "";
  const accept = form === "json:" ? "application/json" : `application/vnd.kubernetes.protobuf${as}`;
  let token = "";
  do {
    const body = await fetchPage(`${path}?limit=500${token && `&continue=${token}`}`, accept);
    [token] = /eyJ[\w-]+/.exec(body.toString("latin1", 0, 1000)) ?? [""];
  } while (token !== "");
}

await Promise.all(process.argv.slice(2).map(drop));
agent.destroy();
