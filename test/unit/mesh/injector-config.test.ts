import { describe, expect, test } from "vitest";
import { parseInjectorConfig } from "../../../src/mesh/injector-config.ts";
import { injectorConfigMap, SIDECAR_TEMPLATE } from "../../support/build/injector-config.ts";

const CONFIG = "policy: enabled";
const VALUES = '{"global":{"hub":"h","tag":"1.31.0"}}';

test("the stock ConfigMap is read in full", () => {
  const data = injectorConfigMap(
    {
      aliases: { both: ["sidecar", "gateway"] },
      never: [{ matchLabels: { job: "batch" } }],
      always: [{ matchExpressions: [{ key: "mesh", operator: "Exists" }] }],
    },
    { hub: "docker.io/istio", tag: "1.31.0", variant: "distroless", image: "proxyv2" },
  );
  const config = parseInjectorConfig(data);
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

describe("a ConfigMap that cannot be used says what is wrong", () => {
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
    // An inherited `global` is none of the ConfigMap's.
    [{ config: CONFIG, values: '{"__proto__":{"global":{}}}' }, "its `values` have no `global`"],
    [{ values: VALUES }, "it has no key `config`"],
    [{ config: "a: b: c", values: VALUES }, "its `config` is not YAML"],
    [{ config: "a: 1\na: 2", values: VALUES }, "its `config` is not YAML"],
    [{ config: "- a\n---\n- b", values: VALUES }, "its `config` is not YAML"],
    [{ config: "", values: VALUES }, "its `config` is not a mapping"],
    [{ config: "- sidecar", values: VALUES }, "its `config` is not a mapping"],
    [{ config: "enabled", values: VALUES }, "its `config` is not a mapping"],
  ])("%j: %s", (data, problem) => {
    expect(parseInjectorConfig(data)).toBe(problem);
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
    expect(parseInjectorConfig({ config: CONFIG, values })).toMatchObject({ values: expected });
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
    expect(parseInjectorConfig({ config, values: VALUES })).toMatchObject(expected);
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
  ])("a selector that is none makes the whole unusable, in either list: %s", (selector) => {
    for (const list of ["neverInjectSelector", "alwaysInjectSelector"]) {
      const config = `${list}: ${selector}`;
      expect(parseInjectorConfig({ config, values: VALUES })).toBe(
        "its `config` has a selector that is none",
      );
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
  ])("what istiod skips as invalid is left out, and the others stay: %s", (requirement) => {
    const selectors = `[{matchLabels: {x: y}, matchExpressions: [${requirement}]}, {matchLabels: {job: batch}}]`;
    const config = `neverInjectSelector: ${selectors}\nalwaysInjectSelector: ${selectors}`;
    expect(parseInjectorConfig({ config, values: VALUES })).toMatchObject({
      neverInject: [{ matchLabels: { job: "batch" } }],
      alwaysInject: [{ matchLabels: { job: "batch" } }],
    });
  });

  test.each([
    "{key: a, operator: In, values: [b]}",
    "{key: a, operator: NotIn, values: [b, c]}",
    "{key: a, operator: Exists}",
    "{key: a, operator: DoesNotExist, values: []}",
  ])("a valid requirement stays: %s", (requirement) => {
    const config = `neverInjectSelector: [{matchExpressions: [${requirement}]}]`;
    expect(parseInjectorConfig({ config, values: VALUES })).toMatchObject({
      neverInject: [{ matchExpressions: [{ key: "a" }] }],
    });
  });

  test("a template called __proto__ is a template like any other, and changes no object", () => {
    const config = parseInjectorConfig({
      config: "templates: {__proto__: text}\naliases: {__proto__: [sidecar]}",
      values: VALUES,
    });
    expect(Object.keys((config as { templates: object }).templates)).toEqual(["__proto__"]);
    expect(Object.keys((config as { aliases: object }).aliases)).toEqual(["__proto__"]);
    expect({}).not.toHaveProperty("sidecar");
  });
});
