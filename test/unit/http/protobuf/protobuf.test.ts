import type { V1Pod } from "@kubernetes/client-node";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ApiPod, POD } from "../../../../src/cluster/api-objects.ts";
import { readProtobuf } from "../../../../src/http/protobuf/protobuf-body.ts";
import { type PodsByOwner, addPod } from "../../../../src/cluster/pods-by-owner.ts";
import { protobufBody, protobufList, writePod } from "../../../support/build/protobuf.ts";

const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.constantFrom("istio-proxy", "istio.io/rev", "constructor", "größe 日本 ✓", "Ã©", "é"),
);
/** A text for a field that Go omits from JSON if it is empty. */
const filled = text.filter((value) => value !== "");
// A key begins with a letter or a digit, so that none can be `__proto__`.
const key = text.filter((name) => name !== "__proto__");
const map = fc.dictionary(key, text, { maxKeys: 5 });
const optional = <Value>(of: fc.Arbitrary<Value>) => fc.option(of, { nil: undefined });

const container = fc.record(
  {
    name: fc.oneof(fc.constant("istio-proxy"), text),
    image: filled,
    args: fc.array(text, { maxLength: 3 }),
    readinessProbe: fc.constant({ periodSeconds: 1 }),
    securityContext: fc.record(
      { allowPrivilegeEscalation: fc.boolean(), privileged: fc.boolean() },
      { requiredKeys: [] },
    ),
    restartPolicy: fc.constant("Always"),
  },
  { requiredKeys: ["name"] },
);

const status = fc.record({
  name: text,
  state: fc.record(
    {
      waiting: fc.record({
        reason: fc.constantFrom("ErrImagePull", "CrashLoopBackOff", "PodInitializing"),
        message: text,
      }),
    },
    { requiredKeys: [] },
  ),
});

const arbitraryPod = fc
  .record({
    metadata: fc.record(
      {
        name: text,
        namespace: filled,
        uid: text,
        labels: map,
        annotations: fc
          .tuple(map, optional(text), optional(text))
          .map(([others, revision, injected]) => ({
            ...others,
            ...(revision !== undefined && { "istio.io/rev": revision }),
            ...(injected !== undefined && { "sidecar.istio.io/status": injected }),
          })),
        creationTimestamp: fc.constantFrom("2026-11-22T19:00:00Z", "2026-11-22T19:30:01Z"),
        deletionTimestamp: fc.constant("2026-11-22T20:00:00Z"),
        ownerReferences: fc.array(
          fc.record({
            apiVersion: fc.constant("apps/v1"),
            kind: text,
            name: text,
            uid: text,
            controller: fc.boolean(),
          }),
          { maxLength: 2 },
        ),
      },
      { requiredKeys: ["name", "uid"] },
    ),
    spec: fc.record(
      {
        containers: fc.array(container, { maxLength: 3 }),
        initContainers: fc.array(container, { maxLength: 2 }),
        hostNetwork: fc.boolean(),
      },
      { requiredKeys: ["containers"] },
    ),
    status: fc.record(
      {
        phase: fc.constantFrom("Running", "Pending", "Succeeded", "Failed"),
        conditions: fc.array(
          fc.record({
            type: fc.constantFrom("Ready", "PodScheduled"),
            status: fc.constantFrom("True", "False"),
          }),
          { maxLength: 2 },
        ),
        containerStatuses: fc.array(status, { maxLength: 2 }),
        initContainerStatuses: fc.array(status, { maxLength: 2 }),
      },
      { requiredKeys: [] },
    ),
  })
  .map((pod) => pod as unknown as V1Pod);

function tallied(pods: Iterable<ApiPod>): Map<string, PodsByOwner> {
  const tallies = new Map<string, PodsByOwner>();
  for (const pod of pods) addPod(tallies, pod);
  return tallies;
}

function itemsOf(body: Buffer): ApiPod[] {
  return [...((readProtobuf(body, POD) ?? { items: [] })["items"] as Iterable<ApiPod>)];
}

test("pods are counted alike from protobuf and from JSON", () => {
  fc.assert(
    fc.property(fc.array(arbitraryPod, { maxLength: 4 }), (pods) => {
      const fromJson = (JSON.parse(JSON.stringify({ items: pods })) as { items: ApiPod[] }).items;
      const fromProtobuf = itemsOf(protobufList({ kind: "PodList", items: pods }, writePod));
      expect(tallied(fromProtobuf)).toEqual(tallied(fromJson));
    }),
    { numRuns: 300 },
  );
});

describe("a body", () => {
  const pod: V1Pod = {
    metadata: { name: "web-1", namespace: "shop", uid: "u1", annotations: { "istio.io/rev": "a" } },
    spec: { containers: [{ name: "istio-proxy", image: "proxyv2:1" }] },
  };
  const list = protobufList(
    { kind: "PodList", continueToken: "more", items: [pod, pod] },
    writePod,
  );

  test("has its kind and its continue token before an item is read", () => {
    expect(readProtobuf(list, POD)).toMatchObject({
      kind: "PodList",
      metadata: { continue: "more" },
    });
  });

  test("has no items and no token if the list is empty", () => {
    const empty = protobufList({ kind: "PodList", items: [] }, writePod);
    expect(readProtobuf(empty, POD)?.["metadata"]).toEqual({ resourceVersion: "1000" });
    expect(itemsOf(empty)).toEqual([]);
  });

  test("is an error wherever it is truncated, never a shorter list", () => {
    for (let length = 4; length < list.length - 4; length += 1) {
      expect(() => readProtobuf(list.subarray(0, length), POD)).toThrow(
        /it names no kind|holds it|where it should|varint/,
      );
    }
  });

  test("is not decoded without the magic bytes", () => {
    expect(readProtobuf(Buffer.from("<html>"), POD)).toBeUndefined();
    expect(readProtobuf(Buffer.alloc(0), POD)).toBeUndefined();
    expect(readProtobuf(list.subarray(1), POD)).toBeUndefined();
  });

  test("is malformed without a kind", () => {
    expect(() => readProtobuf(Buffer.from("k8s\0"), POD)).toThrow("names no kind");
  });

  test("with random changes is an error or has no additional items", () => {
    fc.assert(
      fc.property(
        fc.nat({ max: list.length - 1 }),
        fc.uint8Array({ minLength: 1, maxLength: 8 }),
        (at, bytes) => {
          const spoilt = Buffer.from(list);
          spoilt.set(bytes.subarray(0, spoilt.length - at), at);
          let read: ApiPod[] | undefined;
          try {
            read = itemsOf(spoilt);
          } catch {
            read = undefined;
          }
          // Changed field numbers are possible; a crash or an endless loop is not.
          expect(read === undefined || read.length <= 2).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("of a Status has the reason and the message", () => {
    const gone = protobufBody("Status", (writer) => {
      writer.writeMessage(1, (token, meta) => meta.writeStringField(3, token), "fresh");
      writer.writeStringField(2, "Failure");
      writer.writeStringField(3, "The provided continue parameter is too old");
      writer.writeStringField(4, "Expired");
      writer.writeVarintField(6, 410);
    });
    expect(readProtobuf(gone, POD)).toEqual({
      kind: "Status",
      metadata: { continue: "fresh" },
      message: "The provided continue parameter is too old",
      reason: "Expired",
    });
  });
});
