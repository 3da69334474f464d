import { expect, test } from "vitest";
import { createProxyConfigLookup } from "../../../src/cluster/proxy-configs.ts";
import { ApiError } from "../../../src/http/api-error.ts";
import { scriptedApi } from "../../support/build/scripted-api.ts";

const ALL = "/apis/networking.istio.io/v1beta1/proxyconfigs";
const FORBIDDEN = new ApiError('User "j" cannot list resource "proxyconfigs" in API group "x"', {
  status: 403,
  reason: "Forbidden",
});

function listOf(...specs: readonly unknown[]) {
  const items = specs.map((spec, index) => ({
    metadata: { namespace: index === 2 ? "other" : "shop", name: `config-${index}` },
    spec,
  }));
  return { kind: "ProxyConfigList", items };
}

const DEBUG = { image: { imageType: "debug" } };

test("reads the ProxyConfigs that set an image, with one list for all namespaces", async () => {
  const selected = { ...DEBUG, selector: { matchLabels: { app: "web" } } };
  const api = scriptedApi([listOf(selected, { concurrency: 2 }, DEBUG, DEBUG)]);
  const lookup = createProxyConfigLookup(api);
  expect(await lookup("shop")).toEqual([
    { namespace: "shop", name: "config-0", selector: { app: "web" } },
    { namespace: "shop", name: "config-3", selector: {} },
  ]);
  expect(await lookup("third")).toEqual([]);
  expect(api.requests.map(({ path }) => path)).toEqual([ALL]);
});

test("reads one namespace if the list of all is forbidden", async () => {
  const api = scriptedApi([FORBIDDEN, listOf(DEBUG), FORBIDDEN]);
  const lookup = createProxyConfigLookup(api);
  expect(await lookup("shop")).toHaveLength(1);
  expect(await lookup("shop")).toHaveLength(1);
  expect(await lookup("closed")).toBeUndefined();
  expect(api.requests.map(({ path }) => path)).toEqual([
    ALL,
    ALL.replace("proxyconfigs", "namespaces/shop/proxyconfigs"),
    ALL.replace("proxyconfigs", "namespaces/closed/proxyconfigs"),
  ]);
});

test.each<[what: string, status: number, expected: unknown]>([
  ["none, if the kind is not installed", 404, []],
  ["unread, if the API server fails", 500, undefined],
  ["unread, if there is no answer", 0, undefined],
])("are %s", async (_what, status, expected) => {
  const api = scriptedApi([new ApiError("no", { status, reason: "" })]);
  expect(await createProxyConfigLookup(api)("shop")).toEqual(expected);
});
