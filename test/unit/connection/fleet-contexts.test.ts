import { describe, expect, test } from "vitest";
import {
  chooseContexts,
  type ContextSelection,
  onlyContext,
} from "../../../src/connection/fleet-contexts.ts";
import type { LoadedKubeconfig } from "../../../src/connection/loaded-kubeconfig.ts";
import { UsageError } from "../../../src/errors.ts";

interface Entry {
  readonly server: string;
  readonly user: string;
}

/** Returns a kubeconfig in which every context has a cluster of its own name. */
function kubeconfig(entries: Readonly<Record<string, Entry>>): LoadedKubeconfig {
  const list = Object.entries(entries);
  const base = (name: string) => ({ name, folder: "/" });
  return {
    files: ["/config"],
    config: {
      currentContext: undefined,
      clusters: new Map(list.map(([name, { server }]) => [name, { ...base(name), server }])),
      users: new Map(list.map(([, { user }]) => [user, base(user)])),
      contexts: new Map(
        list.map(([name, { user }]) => [name, { ...base(name), cluster: name, user }]),
      ),
    },
  };
}

/** Returns a kubeconfig of contexts that lead to different clusters. */
function separate(...names: readonly string[]): LoadedKubeconfig {
  const entries = names.map((name, index) => [
    name,
    { server: `https://${index}.test`, user: `user ${index}` },
  ]);
  return kubeconfig(Object.fromEntries(entries) as Record<string, Entry>);
}

const FLEET = separate("prod-10", "prod-2", "prod-1", "test", "a,b", "x*", "xyz");

function choose(contexts: readonly string[], excludes: readonly string[] = [], loaded = FLEET) {
  return chooseContexts({ contexts, excludes }, loaded).names;
}

test.each<[contexts: readonly string[], excludes: readonly string[], names: readonly string[]]>([
  [["prod-*"], [], ["prod-1", "prod-2", "prod-10"]],
  [["prod-?"], [], ["prod-1", "prod-2"]],
  [["*-1*"], [], ["prod-1", "prod-10"]],
  [["*"], ["prod-*,x*"], ["a,b", "test", "xyz"]],
  [[], ["*x*"], ["a,b", "prod-1", "prod-2", "prod-10", "test"]],
  // In the order of the flags, each once.
  [["test,prod-2", "prod-*"], [], ["test", "prod-2", "prod-1", "prod-10"]],
  [["test,"], [], ["test"]],
  // A name that exists is no list and no pattern.
  [["a,b", "test"], [], ["a,b", "test"]],
  [["x*", "test"], [], ["x*", "test"]],
  [["x?z"], [], ["xyz"]],
  [["**z"], [], ["xyz"]],
])("--context %j without %j chooses %j", (contexts, excludes, names) => {
  expect(choose(contexts, excludes)).toEqual(names);
});

test.each<[contexts: readonly string[], excludes: readonly string[], message: string]>([
  [["prdo-*"], [], '--context "prdo-*" matches no context'],
  [["test,nope"], [], '--context "nope" matches no context'],
  [["PROD-*"], [], '--context "PROD-*" matches no context'],
  [["prod-*"], ["nope"], '--exclude-context "nope" matches no context'],
  [["prod-*"], ["*"], "--exclude-context leaves no context"],
])("--context %j without %j is an error", (contexts, excludes, message) => {
  expect(() => choose(contexts, excludes)).toThrow(UsageError);
  expect(() => choose(contexts, excludes)).toThrow(message);
});

test("no kubeconfig file, and one without contexts, are errors", () => {
  const { config } = separate();
  expect(() => choose([], [], { files: [], config })).toThrow("there is no kubeconfig file");
  expect(() => choose([], [], { files: ["/config"], config })).toThrow("has no context");
});

test("a pattern of many stars takes no longer than the product of both lengths", () => {
  const long = "a".repeat(2000);
  expect(() => choose([`${"*a".repeat(1000)}b`], [], separate(long))).toThrow("matches no context");
});

describe("contexts of one cluster", () => {
  const server = "https://one.test";
  const selection: ContextSelection = { contexts: [], excludes: [] };

  test("count once with the same user", () => {
    const loaded = kubeconfig({
      b: { server, user: "jane" },
      a: { server: `${server}:443/`, user: "jane" },
      c: { server: "https://two.test", user: "jane" },
    });
    expect(chooseContexts(selection, loaded)).toEqual({
      names: ["a", "c"],
      notes: ['the context "b" is left out: it is the same cluster and user as "a"'],
    });
  });

  test("are both read with different users, which a note says", () => {
    const loaded = kubeconfig({ a: { server, user: "jane" }, b: { server, user: "admin" } });
    expect(chooseContexts(selection, loaded)).toEqual({
      names: ["a", "b"],
      notes: [
        'the contexts "a" and "b" are the same cluster with different users, so its workloads may count twice',
      ],
    });
  });

  test("are different clusters with different authorities", () => {
    const { files, config } = kubeconfig({
      a: { server, user: "jane" },
      b: { server, user: "jane" },
    });
    const authority = Buffer.from("-----BEGIN CERTIFICATE-----").toString("base64");
    const b = { name: "b", folder: "/", server, "certificate-authority-data": authority };
    const loaded = {
      files,
      config: { ...config, clusters: new Map(config.clusters).set("b", b) },
    };
    expect(chooseContexts(selection, loaded)).toEqual({ names: ["a", "b"], notes: [] });
  });

  test("stay in the list without a usable cluster: their report is the error", () => {
    const { files, config } = separate("a", "b");
    const loaded = { files, config: { ...config, clusters: new Map() } };
    expect(chooseContexts(selection, loaded)).toEqual({ names: ["a", "b"], notes: [] });
  });
});

test.each<[contexts: readonly string[], excludes: readonly string[], name: string | undefined]>([
  [["a,b"], [], "a,b"],
  [["x*"], [], "x*"],
  [["prod-*"], [], undefined],
  [["a,b", "test"], [], undefined],
  [["a,b"], ["test"], undefined],
  [[], [], undefined],
])("--context %j without %j is one context: %s", (contexts, excludes, name) => {
  expect(onlyContext({ contexts, excludes }, FLEET)).toBe(name);
});
