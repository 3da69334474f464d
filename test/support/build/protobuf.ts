import type { V1Container, V1ObjectMeta, V1Pod, V1SecurityContext } from "@kubernetes/client-node";
import { PbfWriter } from "pbf";

/**
 * Lists in the API server's protobuf encoding. The field numbers come from `generated.proto`, not
 * from the code under test. As in Go, unset fields are encoded as zero values, and fields that the
 * program ignores are in between.
 */

/** pbf's writer encodes characters beyond the Basic Multilingual Plane incorrectly. */
function writeText(writer: PbfWriter, tag: number, text: string): void {
  writer.writeBytesField(tag, Buffer.from(text));
}

type Write<Value> = (value: Value, writer: PbfWriter) => void;

function each<Value>(
  writer: PbfWriter,
  tag: number,
  values: readonly Value[] = [],
  write: Write<Value>,
) {
  for (const value of values) writer.writeMessage(tag, write, value);
}

function writeMap(
  writer: PbfWriter,
  tag: number,
  map: Readonly<Record<string, string>> = {},
): void {
  each(writer, tag, Object.entries(map), ([key, value], entry) => {
    writeText(entry, 1, key);
    writeText(entry, 2, value);
  });
}

const writeMeta: Write<V1ObjectMeta> = (meta, writer) => {
  writeText(writer, 1, meta.name ?? "");
  writeText(writer, 2, meta.generateName ?? "");
  writeText(writer, 3, meta.namespace ?? "");
  writeText(writer, 4, "");
  writeText(writer, 5, meta.uid ?? "");
  writeText(writer, 6, meta.resourceVersion ?? "");
  writer.writeVarintField(7, meta.generation ?? 0);
  if (meta.creationTimestamp !== undefined) {
    const seconds = Date.parse(String(meta.creationTimestamp)) / 1000;
    writer.writeMessage(8, (value, time) => time.writeVarintField(1, value), seconds);
  }
  if (meta.deletionTimestamp !== undefined) {
    writer.writeMessage(9, (seconds, time) => time.writeVarintField(1, seconds), 1_764_000_000);
  }
  writeMap(writer, 11, meta.labels);
  writeMap(writer, 12, meta.annotations);
  each(writer, 13, meta.ownerReferences, (owner, reference) => {
    writeText(reference, 1, owner.kind);
    writeText(reference, 3, owner.name);
    writeText(reference, 4, owner.uid);
    writeText(reference, 5, owner.apiVersion);
    if (owner.controller !== undefined) reference.writeBooleanField(6, owner.controller);
    if (owner.blockOwnerDeletion !== undefined) {
      reference.writeBooleanField(7, owner.blockOwnerDeletion);
    }
  });
  writeText(writer, 14, "finalizers.example/one");
  writer.writeBytesField(17, new TextEncoder().encode("managed fields"));
};

const writeSecurity: Write<V1SecurityContext> = (context, writer) => {
  if (context.privileged !== undefined) writer.writeBooleanField(2, context.privileged);
  if (context.allowPrivilegeEscalation !== undefined) {
    writer.writeBooleanField(7, context.allowPrivilegeEscalation);
  }
};

const writeContainer: Write<V1Container> = (container, writer) => {
  writeText(writer, 1, container.name);
  writeText(writer, 2, container.image ?? "");
  for (const argument of container.args ?? []) writeText(writer, 4, argument);
  writeText(writer, 5, "");
  if (container.readinessProbe !== undefined) {
    writer.writeMessage(11, (port, probe) => probe.writeVarintField(2, port), 80);
  }
  writeText(writer, 14, "IfNotPresent");
  if (container.securityContext !== undefined) {
    writer.writeMessage(15, writeSecurity, container.securityContext);
  }
  writer.writeBooleanField(16, false);
  if (container.restartPolicy !== undefined) writeText(writer, 24, container.restartPolicy);
};

export const writePod: Write<V1Pod> = (pod, writer) => {
  writer.writeMessage(1, writeMeta, pod.metadata ?? {});
  writer.writeMessage(
    2,
    (spec, out) => {
      out.writeBytesField(1, new Uint8Array([10, 1, 97]));
      each(out, 2, spec.containers, writeContainer);
      writeText(out, 3, "Always");
      out.writeVarintField(4, 30);
      out.writeBooleanField(11, spec.hostNetwork ?? false);
      each(out, 20, spec.initContainers, writeContainer);
    },
    pod.spec ?? { containers: [] },
  );
  writer.writeMessage(
    3,
    (status, out) => {
      writeText(out, 1, status.phase ?? "");
      each(out, 2, status.conditions, (condition, one) => {
        writeText(one, 1, condition.type);
        writeText(one, 2, condition.status);
        writeText(one, 5, condition.reason ?? "");
        writeText(one, 6, condition.message ?? "");
      });
      for (const [tag, statuses] of [
        [8, status.containerStatuses],
        [10, status.initContainerStatuses],
      ] as const) {
        each(out, tag, statuses, ({ name, state }, one) => {
          writeText(one, 1, name);
          one.writeMessage(
            2,
            (waiting, holder) => {
              if (waiting === undefined) return;
              holder.writeMessage(
                1,
                (found, inner) => {
                  writeText(inner, 1, found.reason ?? "");
                  writeText(inner, 2, found.message ?? "");
                },
                waiting,
              );
            },
            state?.waiting,
          );
          one.writeBooleanField(4, false);
        });
      }
    },
    pod.status ?? {},
  );
};

export interface ProtobufList<Item> {
  readonly kind: string;
  readonly continueToken?: string;
  readonly items: readonly Item[];
}

/** Returns the body of a list: the magic bytes, the envelope and the list. */
export function protobufList<Item>(
  { kind, continueToken, items }: ProtobufList<Item>,
  write: Write<Item>,
): Buffer {
  return protobufBody(kind, (writer) => {
    writer.writeMessage(
      1,
      (token, meta) => {
        writeText(meta, 2, "1000");
        writeText(meta, 3, token);
      },
      continueToken ?? "",
    );
    each(writer, 2, items, write);
  });
}

export function protobufBody(kind: string, write: (writer: PbfWriter) => void): Buffer {
  const writer = new PbfWriter();
  writer.writeMessage(
    1,
    (name, type) => {
      writeText(type, 1, "v1");
      writeText(type, 2, name);
    },
    kind,
  );
  writer.writeMessage(2, (_, raw) => write(raw), undefined);
  writeText(writer, 3, "");
  writeText(writer, 4, "");
  return Buffer.concat([Buffer.from("k8s\0"), writer.finish()]);
}
