import * as fc from "fast-check";
import { expect, test } from "vitest";
import { openSweep } from "../../../src/cluster/sweep.ts";

const tick = () => new Promise((resolve) => setImmediate(resolve));

/** `a-b` comes before `a` as a key, since `-` comes before `/`. */
const byKey = (a: string, b: string) => (`${a}/` < `${b}/` ? -1 : 1);

const lists = fc.array(
  fc
    .uniqueArray(fc.constantFrom("a", "a-b", "b", "c", "shop", "shop-1", "z"))
    .map((names) => names.toSorted(byKey)),
  { minLength: 1, maxLength: 5 },
);

test("namespaces are closed in order, each once, after every list has left it", async () => {
  await fc.assert(
    fc.asyncProperty(lists, fc.infiniteStream(fc.nat(2)), async (all, waits) => {
      const log: string[] = [];
      const sweep = openSweep(all.length, async (namespace) => {
        for (let turns = Number(waits.next().value); turns > 0; turns -= 1) await tick();
        log.push(`close ${namespace}`);
      });
      await Promise.all(
        all.map(async (list) => {
          for (const namespace of list) {
            await sweep.enter(namespace);
            log.push(namespace);
            for (let turns = Number(waits.next().value); turns > 0; turns -= 1) await tick();
          }
          await sweep.leave();
        }),
      );
      const names = [...new Set(all.flat())].sort(byKey);
      const expected = names.flatMap((name) => [
        ...all.flatMap((list) => (list.includes(name) ? [name] : [])),
        `close ${name}`,
      ]);
      expect(log).toEqual(expected);
    }),
    { numRuns: 200 },
  );
});

test("a list that comes back to a namespace that is over cannot go on", async () => {
  const closed: string[] = [];
  const sweep = openSweep(1, async (namespace) => void closed.push(namespace));
  await sweep.enter("b");
  await expect(sweep.enter("a")).rejects.toThrow("a list came to a after b, out of order");
  await expect(sweep.enter("b")).rejects.toThrow("out of order");
  await sweep.leave();
  expect(closed).toEqual(["b"]);
});

test("what goes wrong with a namespace ends every list, those that wait too", async () => {
  const sweep = openSweep(3, async () => {
    throw new Error("it went wrong");
  });
  const walk = async (...names: readonly string[]) => {
    for (const name of names) await sweep.enter(name);
    await sweep.leave();
  };
  const ended = await Promise.allSettled([walk("a", "b"), walk("b"), walk()]);
  expect(ended.map((one) => one.status === "rejected" && String(one.reason))).toEqual([
    "Error: it went wrong",
    "Error: it went wrong",
    false,
  ]);
});

test("lists without items close nothing", async () => {
  const closed: string[] = [];
  const sweep = openSweep(2, async (namespace) => void closed.push(namespace));
  await Promise.all([sweep.leave(), sweep.leave()]);
  expect(closed).toEqual([]);
});
