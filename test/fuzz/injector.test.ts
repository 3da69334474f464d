import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseInjectorConfig } from "../../src/mesh/injector-config.ts";
import { imageTypeOf, proxyImageFor } from "../../src/mesh/proxy-image.ts";
import { hostileText } from "../support/build/hostile.ts";
import { injectorConfigMap, OLD_GATEWAY_TEMPLATE } from "../support/build/injector-config.ts";
import { podTemplate } from "../support/build/workload.ts";
import { mutatedText, RUNS } from "./mutations.ts";

const STOCK = injectorConfigMap(
  {
    templates: { old: OLD_GATEWAY_TEMPLATE },
    aliases: { both: ["sidecar", "gateway"] },
    never: [{ matchLabels: { job: "batch" } }],
    always: [{ matchExpressions: [{ key: "mesh", operator: "In", values: ["a"] }] }],
  },
  { hub: "docker.io/istio", tag: "1.31.0", variant: "distroless", image: "proxyv2" },
);
const { values = "", config = "" } = STOCK;
const TEMPLATES = ["sidecar", "gateway", "old", "both", "__proto__", "constructor", ""];

/**
 * Decides the image for a ConfigMap. No annotation of a pod may throw or lead to an invented
 * result.
 */
function imageFor(data: Readonly<Record<string, string>>, annotations: Record<string, string>) {
  const parsed = parseInjectorConfig(data);
  if (parsed.kind === "malformed") return parsed.problem;
  return proxyImageFor(podTemplate({ annotations }), parsed.value, "");
}

const expectUntouchedPrototype = () => {
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(Object.getOwnPropertyNames(Object.prototype)).toHaveLength(12);
};

describe("an injector's ConfigMap", () => {
  test("with any text is read or rejected with a message of the program", () => {
    const any = fc.oneof(mutatedText([values, config]), hostileText, fc.json(), fc.string());
    fc.assert(
      fc.property(
        fc.oneof(mutatedText([values]), any),
        fc.oneof(mutatedText([config]), any),
        fc.constantFrom(...TEMPLATES),
        (first, second, asked) => {
          const annotations = { "inject.istio.io/templates": asked };
          for (const data of [
            { values: first, config },
            { values, config: second },
            { values: first, config: second },
          ]) {
            const found = imageFor(data, annotations);
            expect(typeof found === "string" ? found : `its ${found.kind}`).toMatch(
              /^its (?:`(?:values|config)` [\w` ]+|image|rejected|unknown)$/,
            );
          }
          expectUntouchedPrototype();
        },
      ),
      RUNS,
    );
  });

  test("and any annotation proxy.istio.io/config give an image type or none", () => {
    const seeds = ["image:\n  imageType: distroless\n", '{"image":{"imageType":"debug"}}'];
    fc.assert(
      fc.property(fc.oneof(mutatedText(seeds), hostileText, fc.json()), (text) => {
        expect(typeof imageTypeOf(text)).toBe("string");
        expectUntouchedPrototype();
      }),
      RUNS,
    );
  });

  test.each<[what: string, values: string, config: string]>([
    ["not JSON", "global:\n  hub: x", config],
    ["JSON 10,000 levels deep", `${'{"global":'.repeat(10_000)}1${"}".repeat(10_000)}`, config],
    ["lists 100,000 levels deep", `${"[".repeat(100_000)}${"]".repeat(100_000)}`, config],
    [
      "a __proto__ key",
      '{"__proto__":{"global":{"hub":"evil"}},"constructor":{"global":1}}',
      config,
    ],
    ["a nested __proto__ key", '{"global":{"__proto__":{"hub":"evil","tag":"evil"}}}', config],
    ["a megabyte of text", JSON.stringify({ global: { hub: "h".repeat(1_000_000) } }), config],
    ["a megabyte of keys", JSON.stringify({ global: wide(60_000) }), config],
    ["numbers out of range", '{"global":{"tag":1e999,"hub":-0}}', config],
    ["YAML 10,000 levels deep", values, "[".repeat(10_000)],
    ["YAML mappings 10,000 levels deep", values, "{a: ".repeat(10_000)],
    ["a __proto__ key in YAML", values, "__proto__: {policy: enabled}\ntemplates: {__proto__: x}"],
    ["a function in YAML", values, "policy: !!js/function 'function(){}'"],
    ["aliases of aliases", values, laughs(30)],
    ["one mapping merged many times", values, merges(8000)],
    ["a chain of merged mappings", values, chain(5000)],
    ["an ordered map of a megabyte", values, `a: !!omap\n${"- {a: 1}\n".repeat(100_000)}`],
    ["a template of a megabyte", values, template(`{{- if ${"x ".repeat(500_000)}}}`)],
    ["a template of 100,000 lines", values, template("- name: istio-proxy\n".repeat(50_000))],
    ["repeated images", values, template(`${"image ".repeat(150_000)}:`)],
    ["repeated braces", values, template("{{ ".repeat(300_000))],
    ["repeated quotes", values, template(`image"${" ".repeat(900_000)}x`)],
  ])("is processed in bounded time if it contains %s", (_what, first, second) => {
    // This takes at most a second, mostly for parsing the same text seven times. Unbounded work
    // would exceed the timeout of the test.
    for (const asked of TEMPLATES) {
      const found = imageFor(
        { values: first, config: second },
        { "inject.istio.io/templates": asked },
      );
      expect(JSON.stringify(found)).not.toContain("evil");
    }
    expectUntouchedPrototype();
  });
});

function wide(keys: number): Readonly<Record<string, number>> {
  return Object.fromEntries(Array.from({ length: keys }, (_, key) => [`key-${key}`, key]));
}

function laughs(depth: number): string {
  const lines = Array.from({ length: depth }, (_, level) =>
    level === 0 ? "a0: &a0 [x, x]" : `a${level}: &a${level} [*a${level - 1}, *a${level - 1}]`,
  );
  return `${lines.join("\n")}\ntemplates: *a${depth - 1}`;
}

function merges(keys: number): string {
  const all = Array.from({ length: keys }, (_, key) => `k${key}: 1`).join(", ");
  return `a: &a {${all}}\nb:\n  <<: [${Array.from({ length: keys }, () => "*a").join(",")}]`;
}

function chain(length: number): string {
  const links = Array.from(
    { length },
    (_, link) => `a${link}: &a${link} {k${link}: 1${link === 0 ? "" : `, <<: *a${link - 1}`}}`,
  );
  return links.join("\n");
}

function template(text: string): string {
  const body = text.split("\n").map((line) => `    ${line}`);
  return `templates:\n  sidecar: |\n    spec:\n    - name: istio-proxy\n${body.join("\n")}\n`;
}
