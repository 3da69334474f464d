import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { freePorts } from "../../testbed/ports.ts";

const RANGE = "/proc/sys/net/ipv4/ip_local_port_range";

test("no program gets a port of the test bed unless it names the port", async (context) => {
  if (process.platform !== "linux") context.skip("only Linux tells which ports it gives");
  const [first = 0] = readFileSync(RANGE, "utf8").trim().split(/\s+/).map(Number);
  const ports = await freePorts(100);
  expect(Math.max(...ports)).toBeLessThan(first);
});

test("a port is given once, and only if nobody listens on it", async () => {
  const [last = 0] = await freePorts(1);
  const taken = createServer().listen(last + 1, "127.0.0.1");
  await once(taken, "listening");
  const ports = [last, ...(await freePorts(3))];
  expect(new Set(ports).size).toBe(4);
  expect(ports).not.toContain((taken.address() as AddressInfo).port);
  taken.close();
});
