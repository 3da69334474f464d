import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Api, openApi } from "../../../src/cluster/api.ts";
import type { Connection } from "../../../src/cluster/kubeconfig.ts";

/** Status and headers of the answers to come; after the last one a list without items. */
let script: (readonly [status: number, headers?: Record<string, string>])[] = [];
let asked: string[] = [];
let server: Server;
let clock = 0;
let lines: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(new URL(request.url ?? "", "http://x").searchParams.get("limit") ?? "");
    const [status, headers] = script.shift() ?? [200];
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

function open(authorize: Connection["authorize"] = () => Promise.resolve({})): Api {
  const { port } = server.address() as AddressInfo;
  return openApi(
    {
      context: "test",
      server: new URL(`http://127.0.0.1:${port}`),
      namespace: "default",
      inCluster: false,
      authorize,
    },
    1000,
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

describe("what may pass is tried again", () => {
  test("in smaller pages, for a big one may be what the server cannot end", async () => {
    script = [[504], [500], [503]];
    await list();
    expect(asked).toEqual(["500", "250", "125", "63"]);
  });

  test("in pages of the same size where the server only asks for patience", async () => {
    script = [[429, { "retry-after": "7" }]];
    await list();
    expect(asked).toEqual(["500", "500"]);
    expect(clock).toBe(7000);
  });

  test("ten times at most", async () => {
    script = Array.from({ length: 20 }, () => [500]);
    await expect(list()).rejects.toMatchObject({ status: 500 });
    expect(asked).toHaveLength(10);
  });

  test("for two minutes at most, however patient the server asks to be", async () => {
    script = Array.from({ length: 20 }, () => [429, { "retry-after": "50" }]);
    await expect(list()).rejects.toMatchObject({ status: 429 });
    expect([asked.length, clock]).toEqual([3, 100_000]);
  });

  test("and every try is told", async () => {
    script = [[503]];
    await list();
    expect(lines).toEqual([
      expect.stringMatching(/^GET http:.*limit=500 ApiError: no$/),
      "next try in 0.2 s, 2 of at most 10",
      expect.stringMatching(/^GET http:.*limit=250$/),
    ]);
  });
});

test("credentials that cannot be had fail every request in the same words, asked for once", async () => {
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
      message: "the credentials cannot be had: kubelogin: exit status 1",
    });
  }
  expect([runs, asked]).toEqual([1, []]);
});

describe("credentials that the server refuses", () => {
  /** Hands out a first, a second, ... and notes which were refused. */
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

  test("are renewed, and the request is sent once more", async () => {
    script = [[401]];
    const { api, refused } = renewing();
    await get(api);
    expect([asked.length, refused]).toEqual([2, [{ headers: { try: "0" } }]]);
  });

  test("once: the second refusal is the answer", async () => {
    script = [[401], [401]];
    const { api, refused } = renewing();
    await expect(get(api)).rejects.toMatchObject({ status: 401 });
    expect([asked.length, refused.length]).toEqual([2, 1]);
  });

  test("and where they cannot be renewed, what is asked for later tries again", async () => {
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

test("what is under way when it is closed is not tried again", async () => {
  script = Array.from({ length: 3 }, () => [503]);
  const api = open();
  const failed = api.send({ method: "GET", path: "/api/v1/pods", kind: "PodList" });
  api.close();
  await expect(failed).rejects.toMatchObject({ name: "ApiError" });
  expect(asked.length).toBeLessThan(2);
});

test.each([400, 403, 404, 409, 410, 501])("%i is an answer: no other try", async (status) => {
  script = [[status]];
  await expect(list()).rejects.toMatchObject({ status });
  expect(asked).toHaveLength(1);
});
