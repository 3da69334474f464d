import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { generate } from "selfsigned";
import type { Answer } from "../support/test-cluster.ts";
import type { Api } from "../testbed/api.ts";
import { openTunnel } from "../testbed/tunnel.ts";
import { ISTIO_NAMESPACE, NEW_IMAGE, REVISION } from "./shapes.ts";

const SERVICE = `istiod-${REVISION}`;

interface Review {
  readonly apiVersion: string;
  readonly kind: string;
  readonly request: { readonly uid: string; readonly object: Answer["body"] };
}

/** A webhook that injects sidecars, for a bed without istiod. */
export interface BenchInjector {
  /** The certificate of its authority in base64, for the webhook configurations. */
  readonly caBundle: string;
  stop(): void;
}

/** Starts the injector behind the Service of the revision, which must exist. */
export async function startInjector(api: Api, folder: string): Promise<BenchInjector> {
  const name = `${SERVICE}.${ISTIO_NAMESPACE}.svc`;
  const { cert, private: key } = await generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: true },
      { name: "subjectAltName", altNames: [{ type: 2, value: name }] },
    ],
  });
  const server = createServer({ key, cert }, (request, response) => {
    void respond(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const tunnel = await openTunnel(join(folder, "webhooks.sock"));
  const path = `/api/v1/namespaces/${ISTIO_NAMESPACE}/services/${SERVICE}`;
  const { body } = await api.request("GET", path);
  tunnel.route(`${body.spec.clusterIP}:443`, (server.address() as AddressInfo).port);
  return {
    caBundle: Buffer.from(cert).toString("base64"),
    stop() {
      tunnel.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const review = (await json(request)) as Review;
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(answerTo(review)));
}

function answerTo({ apiVersion, kind, request }: Review) {
  const { uid, object } = request;
  const status = JSON.stringify({ containers: ["istio-proxy"], revision: REVISION });
  const added = { "istio.io/rev": REVISION, "sidecar.istio.io/status": status };
  const patch = [
    {
      op: "add",
      path: "/metadata/annotations",
      value: { ...object.metadata.annotations, ...added },
    },
    { op: "add", path: "/spec/containers/-", value: { name: "istio-proxy", image: NEW_IMAGE } },
  ];
  const response = {
    uid,
    allowed: true,
    patchType: "JSONPatch",
    patch: Buffer.from(JSON.stringify(patch)).toString("base64"),
  };
  return { apiVersion, kind, response };
}
