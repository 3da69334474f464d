import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  mergeByNamespace,
  newBatch,
  type NamespaceBatch,
} from "../../../src/cluster/namespace-batch.ts";

const tick = () => new Promise((resolve) => setImmediate(resolve));

/** The order of keys: `a-b` comes before `a`, since `-` comes before `/`. */
const byKey = (a: string, b: string) => (`${a}/` < `${b}/` ? -1 : 1);

/** For each list, the namespaces that it has items in. */
const lists = fc.array(
  fc
    .uniqueArray(fc.constantFrom("a", "a-b", "b", "c", "shop", "shop-1", "z"))
    .map((names) => names.toSorted(byKey)),
  { minLength: 1, maxLength: 5 },
);

/** A list whose batches name their list and namespace in place of a controller. */
async function* listOf(
  index: number,
  namespaces: readonly string[],
  wait: () => Promise<void> = () => Promise.resolve(),
): AsyncGenerator<NamespaceBatch, undefined> {
  for (const namespace of namespaces) {
    await wait();
    const batch = newBatch(namespace);
    const name = `${namespace} of ${index}`;
    batch.controllers.set(name, { apiVersion: "apps/v1", kind: "Deployment", name, uid: name });
    yield batch;
  }
  return undefined;
}

test("each namespace is yielded once, in order, with the items of every list", async () => {
  await fc.assert(
    fc.asyncProperty(lists, fc.infiniteStream(fc.nat(2)), async (all, waits) => {
      const wait = async () => {
        for (let turns = Number(waits.next().value); turns > 0; turns -= 1) await tick();
      };
      const found: [namespace: string, items: string[]][] = [];
      for await (const { namespace, controllers } of mergeByNamespace(
        all.map((namespaces, index) => listOf(index, namespaces, wait)),
      )) {
        found.push([namespace, [...controllers.keys()]]);
        await wait();
      }
      const names = [...new Set(all.flat())].sort(byKey);
      expect(found).toEqual(
        names.map((name) => [
          name,
          all.flatMap((list, index) => (list.includes(name) ? [`${name} of ${index}`] : [])),
        ]),
      );
    }),
    { numRuns: 200 },
  );
});

test("no list is read on before the consumer asks for the next namespace", async () => {
  const log: string[] = [];
  const logged = async function* (index: number, namespaces: readonly string[]) {
    for await (const batch of listOf(index, namespaces)) {
      log.push(`${index} reads ${batch.namespace}`);
      yield batch;
    }
    return undefined;
  };
  for await (const { namespace } of mergeByNamespace([
    logged(0, ["a", "b"]),
    logged(1, ["b", "c"]),
  ])) {
    await tick();
    log.push(`consumed ${namespace}`);
  }
  expect(log).toEqual([
    "0 reads a",
    "1 reads b",
    "consumed a",
    "0 reads b",
    "consumed b",
    "1 reads c",
    "consumed c",
  ]);
});

test("an error in one list ends the merge", async () => {
  const failing = async function* (): AsyncGenerator<NamespaceBatch, undefined> {
    yield newBatch("a");
    throw new Error("broken");
  };
  const seen: string[] = [];
  const read = async () => {
    for await (const { namespace } of mergeByNamespace([failing(), listOf(1, ["b"])])) {
      seen.push(namespace);
    }
  };
  await expect(read()).rejects.toThrow("broken");
  expect(seen).toEqual(["a"]);
});

test("lists without items yield no namespace", async () => {
  const { done } = await mergeByNamespace([listOf(0, []), listOf(1, [])]).next();
  expect(done).toBe(true);
});
