import { describe, expect, test } from "vitest";
import {
  formatGoNumber,
  type InjectorConfig,
  parseInjectorConfig,
} from "../../../src/mesh/injector-config.ts";
import type { Labels } from "../../../src/snapshot.ts";
import { injectorConfigMap, SIDECAR_TEMPLATE } from "../../support/build/injector-config.ts";

const CONFIG = "policy: enabled";
const VALUES = '{"global":{"hub":"h","tag":"1.31.0"}}';

function parse(data: Labels): InjectorConfig {
  const parsed = parseInjectorConfig(data);
  if (parsed.kind === "malformed") throw new Error(parsed.problem);
  return parsed.value;
}

test("the stock ConfigMap is parsed completely", () => {
  const data = injectorConfigMap(
    {
      aliases: { both: ["sidecar", "gateway"] },
      never: [{ matchLabels: { job: "batch" } }],
      always: [{ matchExpressions: [{ key: "mesh", operator: "Exists" }] }],
    },
    { hub: "docker.io/istio", tag: "1.31.0", variant: "distroless", image: "proxyv2" },
  );
  const config = parse(data);
  expect(config).toMatchObject({
    policy: "enabled",
    defaultTemplates: ["sidecar"],
    aliases: { both: ["sidecar", "gateway"] },
    neverInject: [{ matchLabels: { job: "batch" } }],
    alwaysInject: [{ matchExpressions: [{ key: "mesh", operator: "Exists" }] }],
    values: { hub: "docker.io/istio", tag: "1.31.0", variant: "distroless", proxyImage: "proxyv2" },
  });
  expect(config).toHaveProperty("templates.sidecar", SIDECAR_TEMPLATE);
});

describe("a malformed ConfigMap has a problem:", () => {
  test.each([
    [{ config: CONFIG }, "it has no key `values`"],
    [{ config: CONFIG, values: "" }, "its `values` are not JSON"],
    [{ config: CONFIG, values: "{" }, "its `values` are not JSON"],
    [{ config: CONFIG, values: "global: {}" }, "its `values` are not JSON"],
    [{ config: CONFIG, values: "null" }, "its `values` have no `global`"],
    [{ config: CONFIG, values: "[]" }, "its `values` have no `global`"],
    [{ config: CONFIG, values: '"global"' }, "its `values` have no `global`"],
    [{ config: CONFIG, values: '{"global":[]}' }, "its `values` have no `global`"],
    [{ config: CONFIG, values: '{"global":"h"}' }, "its `values` have no `global`"],
    // A `global` of the prototype does not count.
    [{ config: CONFIG, values: '{"__proto__":{"global":{}}}' }, "its `values` have no `global`"],
    [{ values: VALUES }, "it has no key `config`"],
    [{ config: "a: b: c", values: VALUES }, "its `config` is not YAML"],
    [{ config: "a: 1\na: 2", values: VALUES }, "its `config` is not YAML"],
    [{ config: "- a\n---\n- b", values: VALUES }, "its `config` is not YAML"],
    [{ config: "", values: VALUES }, "its `config` is not a mapping"],
    [{ config: "- sidecar", values: VALUES }, "its `config` is not a mapping"],
    [{ config: "enabled", values: VALUES }, "its `config` is not a mapping"],
  ])("%j: %s", (data, problem) => {
    expect(parseInjectorConfig(data)).toEqual({ kind: "malformed", problem });
  });
});

describe("values", () => {
  test.each([
    ['{"global":{}}', { hub: "", tag: "", variant: "", proxyImage: "" }],
    ['{"global":{}}', { cni: false }],
    ['{"global":{},"pilot":{"cni":{"enabled":true}}}', { cni: true }],
    ['{"global":{},"istio_cni":{"enabled":true}}', { cni: true }],
    ['{"global":{},"pilot":{"cni":{"enabled":false}},"istio_cni":{}}', { cni: false }],
    ['{"global":{"tag":1.30}}', { tag: "1.3" }],
    ['{"global":{"tag":20240626}}', { tag: "2.0240626e+07" }],
    ['{"global":{"tag":"1.30"}}', { tag: "1.30" }],
    ['{"global":{"tag":null,"hub":null}}', { tag: "", hub: "" }],
    ['{"global":{"hub":{"a":1},"variant":["debug"]}}', { hub: "", variant: "" }],
    ['{"global":{"proxy":null}}', { proxyImage: "" }],
    ['{"global":{"proxy":{"image":"a/b:c"}}}', { proxyImage: "a/b:c" }],
    ['{"global":{"proxy":{"__proto__":{"image":"a/b:c"}}}}', { proxyImage: "" }],
    ['{"global":{"__proto__":{"tag":"1","hub":"h"}}}', { tag: "", hub: "" }],
  ])("%s gives %j", (values, expected) => {
    expect(parse({ config: CONFIG, values })).toMatchObject({ values: expected });
  });
});

describe("config", () => {
  test.each([
    ["{}", { policy: "", defaultTemplates: ["sidecar"], templates: {}, aliases: {} }],
    ["policy: 1", { policy: "" }],
    ["policy: disabled", { policy: "disabled" }],
    ["defaultTemplates: []", { defaultTemplates: ["sidecar"] }],
    ["defaultTemplates: gateway", { defaultTemplates: ["sidecar"] }],
    ["defaultTemplates: [a, b]", { defaultTemplates: ["a", "b"] }],
    ["templates: [sidecar]", { templates: {} }],
    ["templates: {sidecar: 5, b: text}", { templates: { sidecar: "", b: "text" } }],
    ["aliases: {a: b, c: [d], e: []}", { aliases: { a: [], c: ["d"], e: [] } }],
    ["neverInjectSelector: null", { neverInject: [] }],
    ["neverInjectSelector: []", { neverInject: [] }],
    ["alwaysInjectSelector: [{}]", { alwaysInject: [{}] }],
  ])("%s gives %j", (config, expected) => {
    expect(parse({ config, values: VALUES })).toMatchObject(expected);
  });

  test.each([
    "{}",
    "job",
    "7",
    "[a, 1]",
    "[[]]",
    "[{matchLabels: [a]}]",
    "[{matchLabels: {a: {b: c}}}]",
    "[{matchExpressions: {key: a, operator: Exists}}]",
    "[{matchExpressions: [a]}]",
    "[{matchExpressions: [{key: a, operator: In, values: b}]}]",
    "[{matchExpressions: [{key: a, operator: In, values: [{}]}]}]",
    "[{matchLabels: {a: b}}, job]",
  ])("a malformed selector in either list makes the ConfigMap malformed: %s", (selector) => {
    for (const list of ["neverInjectSelector", "alwaysInjectSelector"]) {
      const config = `${list}: ${selector}`;
      expect(parseInjectorConfig({ config, values: VALUES })).toEqual({
        kind: "malformed",
        problem: "its `config` has a selector that is none",
      });
    }
  });

  test.each([
    "{key: a, operator: In}",
    "{key: a, operator: In, values: []}",
    "{key: a, operator: NotIn}",
    "{key: a, operator: NotIn, values: []}",
    "{key: a, operator: Exists, values: [b]}",
    "{key: a, operator: DoesNotExist, values: [b]}",
    "{key: a, operator: Has}",
    "{key: a, operator: exists}",
    "{key: a, operator: ''}",
  ])(
    "a selector that istiod ignores as invalid is dropped, and the others stay: %s",
    (requirement) => {
      const selectors = `[{matchLabels: {x: y}, matchExpressions: [${requirement}]}, {matchLabels: {job: batch}}]`;
      const config = `neverInjectSelector: ${selectors}\nalwaysInjectSelector: ${selectors}`;
      expect(parse({ config, values: VALUES })).toMatchObject({
        neverInject: [{ matchLabels: { job: "batch" } }],
        alwaysInject: [{ matchLabels: { job: "batch" } }],
      });
    },
  );

  test.each([
    "{key: a, operator: In, values: [b]}",
    "{key: a, operator: NotIn, values: [b, c]}",
    "{key: a, operator: Exists}",
    "{key: a, operator: DoesNotExist, values: []}",
  ])("a valid requirement stays: %s", (requirement) => {
    const config = `neverInjectSelector: [{matchExpressions: [${requirement}]}]`;
    expect(parse({ config, values: VALUES })).toMatchObject({
      neverInject: [{ matchExpressions: [{ key: "a" }] }],
    });
  });

  test("a template named __proto__ is a template like any other, and changes no object", () => {
    const config = parse({
      config: "templates: {__proto__: text}\naliases: {__proto__: [sidecar]}",
      values: VALUES,
    });
    expect(Object.keys(config.templates)).toEqual(["__proto__"]);
    expect(Object.keys(config.aliases)).toEqual(["__proto__"]);
    expect({}).not.toHaveProperty("sidecar");
  });
});

// Expected texts: the output of fmt.Sprintf("%v", float64) in Go 1.26.
describe("a number in the values", () => {
  test.each([
    [0, "0"],
    [1, "1"],
    [11, "11"],
    [1.3, "1.3"],
    [1.12, "1.12"],
    [0.0001, "0.0001"],
    [0.00001, "1e-05"],
    [0.000012, "1.2e-05"],
    [100_000, "100000"],
    [123_456, "123456"],
    [123_456.5, "123456.5"],
    [1e6, "1e+06"],
    [1_234_567, "1.234567e+06"],
    [1_234_567.5, "1.2345675e+06"],
    [20_240_626, "2.0240626e+07"],
    [1e20, "1e+20"],
    [1e21, "1e+21"],
    [1e100, "1e+100"],
    [-1.5, "-1.5"],
    [-1_234_567, "-1.234567e+06"],
  ])("%d becomes %s", (value, text) => {
    expect(formatGoNumber(value)).toBe(text);
  });
});
