import type { V1Pod } from "@kubernetes/client-node";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  DAEMON_SET,
  DEPLOYMENT,
  METADATA,
  POD,
  STATEFUL_SET,
} from "../../src/cluster/api-objects.ts";
import { Malformed, type Type } from "../../src/http/protobuf/protobuf.ts";
import { readProtobuf } from "../../src/http/protobuf/protobuf-body.ts";
import { addPod } from "../../src/cluster/pods-by-owner.ts";
import { protobufBody, protobufList, writePod } from "../support/build/protobuf.ts";
import { mutated, RUNS } from "./mutations.ts";

const pod: V1Pod = {
  metadata: {
    name: "web-1",
    namespace: "shop",
    uid: "u1",
    labels: { app: "web" },
    annotations: { "istio.io/rev": "asm-1-27", "sidecar.istio.io/status": '{"revision":"a"}' },
    ownerReferences: [
      { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid: "r", controller: true },
    ],
  },
  spec: {
    containers: [{ name: "istio-proxy", image: "proxyv2:1", args: ["proxy", "sidecar"] }],
    initContainers: [{ name: "istio-init", image: "proxyv2:1" }],
  },
  status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
};
const SEEDS = [
  protobufList({ kind: "PodList", continueToken: "more", items: [pod, pod, pod] }, writePod),
  protobufList({ kind: "PodList", items: [] }, writePod),
  protobufBody("Status", (writer) => {
    writer.writeStringField(3, "too old");
    writer.writeStringField(4, "Expired");
  }),
];
const TYPES: readonly (readonly [name: string, type: Type<object>])[] = [
  ["POD", POD],
  ["METADATA", METADATA],
  ["DEPLOYMENT", DEPLOYMENT],
  ["STATEFUL_SET", STATEFUL_SET],
  ["DAEMON_SET", DAEMON_SET],
];

/** The bytes around a body in memory, which must not be read. */
const AROUND = Buffer.from("beyond the end ".repeat(20));

/** Returns a body as it comes from the network: a part of a larger buffer. */
function inMemory(bytes: Buffer): Buffer {
  return Buffer.concat([AROUND, bytes, AROUND]).subarray(
    AROUND.length,
    AROUND.length + bytes.length,
  );
}

/** Returns a decoded body with all its items, or the error that decoding throws. */
function readAll(bytes: Buffer, type: Type<object>): unknown {
  try {
    const body = readProtobuf(inMemory(bytes), type);
    return body && { ...body, items: [...((body["items"] ?? []) as Iterable<object>)] };
  } catch (error) {
    return error;
  }
}

describe.each(TYPES)("bytes that are decoded as a list of %s", (_name, type) => {
  test("are decoded or rejected as malformed, without reading beyond them", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          mutated(SEEDS),
          fc.uint8Array().map((bytes) => Buffer.from(bytes)),
        ),
        (bytes) => {
          const read = readAll(bytes, type);
          expect(read instanceof Error && !(read instanceof Malformed)).toBe(false);
          expect(JSON.stringify(read) ?? "").not.toContain("beyond");
          // Each item has at least two bytes, so that no item is invented.
          const { items = [] } = (read ?? {}) as { items?: unknown[] };
          expect(items.length).toBeLessThanOrEqual(bytes.length / 2);
        },
      ),
      RUNS,
    );
  });
});

test("pods that are decoded from any bytes can be counted", () => {
  fc.assert(
    fc.property(mutated(SEEDS), (bytes) => {
      const read = readAll(bytes, POD);
      const { items = [] } = (read instanceof Error ? {} : (read ?? {})) as { items?: object[] };
      const tallies = new Map();
      for (const item of items) addPod(tallies, item);
      expect(tallies.size).toBeLessThanOrEqual(items.length);
    }),
    RUNS,
  );
});

test("deeply nested messages are skipped", () => {
  let nested: Buffer = Buffer.alloc(0);
  for (let depth = 0; depth < 2000; depth += 1) {
    const length: number[] = [];
    for (let rest = nested.length; ; rest >>>= 7) {
      length.push(rest > 127 ? (rest & 127) | 128 : rest);
      if (rest <= 127) break;
    }
    nested = Buffer.concat([Buffer.from([depth % 2 === 0 ? 0x0a : 0x12, ...length]), nested]);
  }
  const body = protobufBody("PodList", (writer) => writer.writeBytesField(2, nested));
  expect(readAll(body, POD)).toMatchObject({ kind: "PodList", items: [expect.anything()] });
});

test("groups are rejected, because Kubernetes does not send them", () => {
  const body = protobufBody("PodList", (writer) =>
    writer.writeBytesField(2, Buffer.from([0x0b, 0x0c])),
  );
  expect(readAll(body, POD)).toBeInstanceOf(Malformed);
});

test("a map key named __proto__ changes no prototype", () => {
  const labels = { ["__proto__"]: "polluted", constructor: "polluted" };
  const body = protobufList({ kind: "PodList", items: [{ metadata: { labels } }] }, writePod);
  const { items } = readAll(body, POD) as { items: { metadata: { labels: object } }[] };
  expect(Object.getPrototypeOf(items[0]?.metadata.labels)).toBe(Object.prototype);
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});
