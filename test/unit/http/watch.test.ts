import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Connection } from "../../../src/connection/kubeconfig.ts";
import { type Api, openApi } from "../../../src/http/api.ts";

type Respond = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let respond: Respond;
let asked: string[] = [];
let log: string[] = [];
let api: Api;

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.headers.accept} ${request.url}`);
    respond(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const WEB = {
  path: "/apis/apps/v1/namespaces/shop/deployments",
  fieldSelector: "metadata.name=web",
};

beforeEach(() => {
  [asked, log] = [[], []];
  const connection: Connection = {
    context: "test",
    server: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    proxy: undefined,
    namespace: "default",
    inCluster: false,
    authorize: () => Promise.resolve({ headers: { Authorization: "Bearer jane" } }),
  };
  api = openApi(connection, 200, {
    now: () => 0,
    sleep: () => Promise.resolve(),
    random: () => 0.5,
    trace: (line) => log.push(line.replace(/ \S+deployments/, " deployments")),
    encoding: "json",
  });
  return () => api.close();
});

/** Watches until the server ends the watch, the signal fires, or the API is closed. */
async function watch(signal = new AbortController().signal): Promise<void> {
  await api.watch?.(WEB, () => log.push("event"), signal);
  log.push("end");
}

const until = async (isTrue: () => boolean) => {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5));
};

const QUERY = "?watch=true&fieldSelector=metadata.name%3Dweb&timeoutSeconds=120";
const OPEN = [`GET deployments${QUERY}`];
const EVENT = '{"type":"ADDED","object":{}}\n';
/** Accepts a watch and sends one event. */
const accept: Respond = (_, response) => {
  response.writeHead(200, { "content-type": "application/json" });
  response.write(EVENT);
};

describe("a watch", () => {
  test("notices each change, until the server ends it", async () => {
    respond = (_, response) => {
      accept(_, response);
      setTimeout(() => response.write(EVENT), 20);
      setTimeout(() => response.end(), 40);
    };
    await watch();
    expect(log).toEqual([...OPEN, "event", "event", "end"]);
    expect(asked).toEqual([
      `application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1 ${WEB.path}${QUERY}`,
    ]);
  });

  test("ends after too many bytes", async () => {
    respond = (request, response) => {
      const send = () => request.destroyed || response.write("x".repeat(1024 * 1024), send);
      response.writeHead(200);
      send();
    };
    await watch();
    const events = log.filter((line) => line === "event").length;
    expect(events).toBeGreaterThan(16);
    expect(log.at(-1)).toBe("end");
  });

  test.each([401, 403, 405, 410, 429, 500])(
    "that is rejected with %i is an error, and is not retried",
    async (status) => {
      respond = (_, response) => {
        response.writeHead(status);
        response.write("an endless body");
      };
      await expect(watch()).rejects.toMatchObject({ name: "ApiError", status });
      expect(asked).toHaveLength(1);
      expect(log).toEqual([
        `GET deployments${QUERY} ApiError: the watch was rejected: HTTP ${status}`,
      ]);
    },
  );

  test("whose connection breaks before the response is an error", async () => {
    respond = (request) => request.socket.destroy();
    await expect(watch()).rejects.toThrow("hang up");
  });

  test("whose connection breaks after an event has ended", async () => {
    respond = (request, response) => {
      accept(request, response);
      setTimeout(() => request.socket.destroy(), 20);
    };
    await watch();
    expect(log).toEqual([...OPEN, "event", "end"]);
  });

  test.each<[string, (end: AbortController) => void]>([
    ["the signal fires", (end) => end.abort()],
    ["the API is closed", () => api.close()],
  ])("ends without an error when %s", async (_, act) => {
    let open = 0;
    respond = (request, response) => {
      open += 1;
      request.on("close", () => (open -= 1));
      accept(request, response);
    };
    const end = new AbortController();
    const ended = watch(end.signal);
    await until(() => log.includes("event"));
    act(end);
    await ended;
    expect(log).toEqual([...OPEN, "event", "end"]);
    await until(() => open === 0);
  });

  test("ends without an error if the signal fires before the response", async () => {
    respond = () => undefined;
    const end = new AbortController();
    const ended = watch(end.signal);
    await until(() => asked.length > 0);
    end.abort();
    await ended;
    expect(log).toEqual(["end"]);
  });
});

test("watches take no connection from requests", async () => {
  respond = (request, response) => {
    if (request.url?.includes("watch=true")) return accept(request, response);
    response.writeHead(200, { "content-type": "application/json" });
    response.end('{"kind":"PodList","items":[]}');
  };
  const ended = Array.from({ length: 40 }, () => watch());
  await until(() => log.filter((line) => line === "event").length === 16);
  await api.send({ method: "GET", path: "/api/v1/pods", kind: "PodList" });
  // The other watches wait for a connection.
  expect(asked.filter((line) => line.includes("watch=true"))).toHaveLength(16);
  api.close();
  await Promise.all(ended);
});
