import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server as TcpServer,
} from "node:net";
import { generate } from "selfsigned";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Api, openApi } from "../../../src/http/api.ts";
import type { Connection } from "../../../src/connection/kubeconfig.ts";
import { protobufBody } from "../../support/build/protobuf.ts";

/** The next answers of the server. After the last one it answers with an empty list. */
let script: Answer[] = [];
type Answer =
  | readonly [status: number, headers?: Record<string, string>]
  | ((request: IncomingMessage, response: ServerResponse) => void);
let asked: string[] = [];
let server: Server;
let clock = 0;
let lines: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(new URL(request.url ?? "", "http://x").searchParams.get("limit") ?? "");
    const next = script.shift() ?? [200];
    if (typeof next === "function") return next(request, response);
    const [status, headers] = next;
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(
      JSON.stringify(status === 200 ? { kind: "PodList", items: [] } : { message: "no" }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => server.close());
beforeEach(() => {
  [script, asked, lines, clock] = [[], [], [], 0];
});

function open(
  authorize: Connection["authorize"] = () => Promise.resolve({}),
  scheme = "http",
  at: TcpServer = server,
  proxy?: URL,
): Api {
  const { port } = at.address() as AddressInfo;
  return openApi(
    {
      context: "test",
      server: new URL(`${scheme}://127.0.0.1:${port}`),
      proxy,
      namespace: "default",
      inCluster: false,
      authorize,
    },
    200,
    {
      now: () => clock,
      sleep: async (milliseconds) => {
        clock += milliseconds;
      },
      random: () => 0.5,
      trace: (line) => lines.push(line),
      encoding: "json",
    },
  );
}

function list(): Promise<unknown> {
  const query = { limit: "500" };
  return open().send({ method: "GET", path: "/api/v1/pods", query, kind: "PodList" });
}

describe("a transient error is retried", () => {
  test("with half the page size each time", async () => {
    script = [[504], [500], [503]];
    await list();
    expect(asked).toEqual(["500", "250", "125", "63"]);
  });

  test("with the same page size after a 429", async () => {
    script = [[429, { "retry-after": "7" }]];
    await list();
    expect(asked).toEqual(["500", "500"]);
    // Half a second is jitter, because other clients got the same Retry-After.
    expect(clock).toBe(7500);
  });

  test.each<[what: string, headers: Record<string, string>, milliseconds: number]>([
    ["without Retry-After", {}, 200],
    [
      "with a time relative to the server's clock",
      { "retry-after": "Sun, 22 Nov 2026 20:00:09 GMT", date: "Sun, 22 Nov 2026 20:00:00 GMT" },
      9500,
    ],
    [
      "with a time in the past",
      { "retry-after": "Sun, 22 Nov 2026 20:00:00 GMT", date: "Sun, 22 Nov 2026 20:00:09 GMT" },
      200,
    ],
    ["with an invalid time", { "retry-after": "soon" }, 200],
    ["with a negative number", { "retry-after": "-5" }, 200],
  ])("after a 429 in plain text %s", async (_what, headers, milliseconds) => {
    script = [
      (_request, response) => {
        response.writeHead(429, { "content-type": "text/plain", ...headers });
        response.end("Too many requests, please try again later.");
      },
    ];
    await list();
    expect([asked, clock]).toEqual([["500", "500"], milliseconds]);
  });

  const part = '{"kind":"PodList",';
  test.each<[what: string, answer: RequestListener]>([
    ["a reset before the answer", (request) => request.socket.destroy()],
    [
      "a reset within the body",
      (request, response) => {
        response.writeHead(200, { "content-type": "application/json", "content-length": 1000 });
        response.write(part, () => request.socket.resetAndDestroy());
      },
    ],
    [
      "a body that ends before its length",
      (request, response) => {
        response.writeHead(200, { "content-type": "application/json", "content-length": 1000 });
        response.write(part, () => request.socket.end());
      },
    ],
    [
      "an incomplete JSON document",
      (_request, response) => {
        response.writeHead(200, { "content-type": "application/json" });
        response.end(part);
      },
    ],
    ["a timeout", () => undefined],
  ])("after %s", async (_what, answer) => {
    script = [answer];
    expect(await list()).toEqual({ kind: "PodList", items: [] });
    expect(asked).toEqual(["500", "250"]);
  });

  test("at most ten times", async () => {
    script = Array.from({ length: 20 }, () => [500]);
    await expect(list()).rejects.toMatchObject({ status: 500 });
    expect(asked).toHaveLength(10);
  });

  test("for at most two minutes, even if the server asks for more", async () => {
    script = Array.from({ length: 20 }, () => [429, { "retry-after": "50" }]);
    await expect(list()).rejects.toMatchObject({ status: 429 });
    expect([asked.length, clock]).toEqual([3, 101_000]);
  });

  test("not at all if the first delay is longer than that", async () => {
    script = [[429, { "retry-after": "3600" }]];
    await expect(list()).rejects.toMatchObject({ status: 429 });
    expect([asked.length, clock]).toEqual([1, 0]);
  });

  test.each<[what: string, send: (response: ServerResponse) => void]>([
    ["a byte now and then", (response) => response.write("{")],
    ["blanks", (response) => response.write(" ")],
  ])("of a response that sends only %s", async (_what, sendSome) => {
    let timer: NodeJS.Timeout | undefined;
    script = [
      (_request, response) => {
        response.writeHead(200, { "content-type": "application/json" });
        timer = setInterval(() => sendSome(response), 20);
        response.on("close", () => clearInterval(timer));
      },
    ];
    await list();
    expect(asked).toHaveLength(2);
    expect(lines[0]).toContain("less than 1024 bytes a second for 0.2 s");
  });

  test("for at most two minutes, timeouts included", async () => {
    const silence: Answer = () => {
      clock += 50_000;
    };
    script = Array.from({ length: 20 }, () => silence);
    await expect(list()).rejects.toMatchObject({ status: 0, reason: "ETIMEDOUT" });
    // A fourth attempt would start too late.
    expect(asked).toHaveLength(3);
  });

  describe("within the limits of the request", () => {
    const limits = { attempts: 2, timeout: 100, seconds: 10 };
    const create = () =>
      open().send({ method: "GET", path: "/api/v1/pods", kind: "PodList", limits });

    test.each<[what: string, answers: Answer[], attempts: number, milliseconds: number]>([
      ["the number of attempts", [[500], [500]], 2, 200],
      ["the delay that the server asks for", [[429, { "retry-after": "11" }]], 1, 0],
      ["the time of the first attempt", [() => void (clock += 10_000)], 1, 10_000],
    ])("%s", async (_what, answers, attempts, milliseconds) => {
      script = answers;
      await expect(create()).rejects.toMatchObject({ name: "ApiError" });
      expect([asked.length, clock]).toEqual([attempts, milliseconds]);
    });

    test("the time without a byte", async () => {
      script = [() => undefined];
      await create();
      expect(lines[0]).toContain("0.1 s");
    });
  });

  test("with a trace line for each attempt", async () => {
    script = [[503]];
    await list();
    expect(lines).toEqual([
      expect.stringMatching(/^GET http:.*limit=500 ApiError: no$/),
      "retrying in 0.2 s (attempt 2 of 10)",
      expect.stringMatching(/^GET http:.*limit=250$/),
    ]);
  });
});

test("a trace line has no password of the server's address", async () => {
  const api = open();
  api.connection.server.username = "jane";
  api.connection.server.password = "secret";
  await api.send({ method: "GET", path: "/api/v1/pods", kind: "PodList" });
  expect(lines).toEqual([expect.stringMatching(/^GET http:\/\/127\.0\.0\.1:\d+\/api\/v1\/pods$/)]);
});

test("missing credentials fail every request with the same error, and are loaded once", async () => {
  let runs = 0;
  const api = open(() => {
    runs += 1;
    return Promise.reject(new Error("kubelogin: exit status 1"));
  });
  const get = () => api.send({ method: "GET", path: "/api/v1/pods", kind: "PodList" });
  for (const failed of [get(), get()]) {
    await expect(failed).rejects.toMatchObject({
      name: "ApiError",
      reason: "credentials",
      message: "could not get credentials: kubelogin: exit status 1",
    });
  }
  expect([runs, asked]).toEqual([1, []]);
});

describe("credentials that the server rejects", () => {
  /** Opens an API with three credentials in a row, and records the rejected ones. */
  function renewing(): { api: Api; refused: unknown[] } {
    const given = Array.from({ length: 3 }, (_, index) => ({ headers: { try: String(index) } }));
    const refused: unknown[] = [];
    let current = 0;
    const api = open((options) => {
      if (options !== undefined) refused.push(options);
      if (options === given[current]) current += 1;
      return Promise.resolve(given[current] ?? {});
    });
    return { api, refused };
  }
  const get = (api: Api) => api.send({ method: "GET", path: "/api/v1/pods", kind: "PodList" });

  test("are renewed, and the request is sent again", async () => {
    script = [[401]];
    const { api, refused } = renewing();
    await get(api);
    expect([asked.length, refused]).toEqual([2, [{ headers: { try: "0" } }]]);
  });

  test("are renewed only once", async () => {
    script = [[401], [401]];
    const { api, refused } = renewing();
    await expect(get(api)).rejects.toMatchObject({ status: 401 });
    expect([asked.length, refused.length]).toEqual([2, 1]);
  });

  test("are renewed for a later request if the renewal failed", async () => {
    let broken = false;
    const api = open(() => (broken ? Promise.reject(new Error("no")) : Promise.resolve({})));
    await get(api);
    broken = true;
    await expect(get(api)).rejects.toMatchObject({ reason: "credentials" });
    broken = false;
    await get(api);
    expect(asked).toHaveLength(2);
  });
});

test.each<[what: string, answers: Answer[], isAfter: boolean]>([
  ["after a lost answer", [(request) => request.socket.destroy(), [409]], true],
  ["after an error of the server", [[500], [409]], true],
  ["after a 429, which changes nothing", [[429], [409]], false],
  ["at once", [[409]], false],
])("an error %s says if the request may have taken effect", async (_what, answers, isAfter) => {
  script = answers;
  await expect(list()).rejects.toMatchObject({ status: 409, afterLostAnswer: isAfter });
});

test("a pending request is not retried after the API is closed", async () => {
  script = Array.from({ length: 3 }, () => [503]);
  const api = open();
  const failed = api.send({ method: "GET", path: "/api/v1/pods", kind: "PodList" });
  api.close();
  await expect(failed).rejects.toMatchObject({ name: "ApiError" });
  expect(asked.length).toBeLessThan(2);
});

test("an object of another kind is not retried", async () => {
  const table: Answer = (_request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end('{"kind":"Table"}');
  };
  script = [table];
  await expect(list()).rejects.toMatchObject({ status: 0, reason: "malformed" });
  expect(asked).toHaveLength(1);
});

test("protobuf that was not requested is an error", async () => {
  script = [
    (_request, response) => {
      response.writeHead(200, { "content-type": "application/vnd.kubernetes.protobuf" });
      response.end(protobufBody("Namespace", () => undefined));
    },
  ];
  const get = { method: "GET", path: "/api/v1/namespaces/shop", kind: "Namespace" } as const;
  await expect(open().send(get)).rejects.toMatchObject({ status: 0, reason: "malformed" });
});

test("an untrusted certificate is not retried", async () => {
  const { cert, private: key } = await generate([{ name: "commonName", value: "x" }], {
    keyType: "ec",
    algorithm: "sha256",
  });
  const secure = createTlsServer({ cert, key }, () => undefined);
  let connections = 0;
  secure.on("connection", () => (connections += 1));
  await new Promise<void>((resolve) => secure.listen(0, "127.0.0.1", resolve));
  const api = open(() => Promise.resolve({ ca: [] }), "https", secure);
  const failed = api.send({ method: "GET", path: "/api/v1/pods", kind: "PodList" });
  await expect(failed).rejects.toMatchObject({ status: 0, reason: "untrusted" });
  api.close();
  secure.close();
  expect([connections, clock]).toEqual([1, 0]);
});

test("a server that answers in HTTP/2 without being asked is named, and not retried", async () => {
  const settings = Buffer.from("000012040000000000000300000064000400100000000500ffffff", "hex");
  let connections = 0;
  const other = createTcpServer((socket) => {
    connections += 1;
    socket.on("error", () => undefined).end(settings);
  });
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const failed = open(undefined, "http", other).send({
    method: "GET",
    path: "/api/v1/pods",
    kind: "PodList",
  });
  await expect(failed).rejects.toMatchObject({
    reason: "http2",
    message: expect.stringContaining("the server offers only HTTP/2") as string,
  });
  other.close();
  expect([connections, clock]).toEqual([1, 0]);
});

test.each([400, 403, 404, 409, 410, 501])("%i is not retried", async (status) => {
  script = [[status]];
  await expect(list()).rejects.toMatchObject({ status });
  expect(asked).toHaveLength(1);
});

test.each([
  "../../../../api/v1/namespaces/kube-system/secrets/token",
  "..",
  "%2e%2e/secrets",
  "web?watch=1",
  "web#",
  "a b",
  "w\u00e9b",
])("an object with the impossible name %j is not found, without a request", async (name) => {
  const path = `/apis/apps/v1/namespaces/shop/replicasets/${name}`;
  const sent = open().send({ method: "GET", path, kind: "ReplicaSet" });
  await expect(sent).rejects.toMatchObject({ name: "ApiError", status: 404 });
  expect(asked).toEqual([]);
});

test("closing connections that could not be opened is not an error", async () => {
  const unhandled: unknown[] = [];
  const keep = (error: unknown) => void unhandled.push(error);
  process.on("unhandledRejection", keep);
  const api = open(undefined, "https", server, new URL("socks5://us%er@127.0.0.1:1"));
  const request = { method: "GET", path: "/api/v1/pods", kind: "PodList" } as const;
  await expect(api.send(request)).rejects.toThrow("URI malformed");
  api.close();
  await new Promise((resolve) => setTimeout(resolve, 10));
  process.off("unhandledRejection", keep);
  expect(unhandled).toEqual([]);
});
