import { PbfReader } from "pbf";
import type { ResponseObject } from "../request.ts";
import { eachField, Malformed, message, text, type Type, valueEnd } from "./protobuf.ts";

export const PROTOBUF = "application/vnd.kubernetes.protobuf";

const MAGIC = "k8s\0";
const BYTES = 2;

/** k8s.io/apimachinery `pkg/runtime/generated.proto`. */
const TYPE_META = message({ apiVersion: [1, text], kind: [2, text] });
const UNKNOWN = { typeMeta: 1, raw: 2 };

/** k8s.io/apimachinery `pkg/apis/meta/v1/generated.proto`. */
const LIST_META = message({ resourceVersion: [2, text], continue: [3, text] });
const STATUS = message({ metadata: [1, LIST_META], message: [3, text], reason: [4, text] });
const LIST = { metadata: 1, items: 2 };

/**
 * An answer's body in Kubernetes' envelope for protobuf, as JSON would have it. Of a list the frame
 * is checked at once, to its last byte; its items are read by `item` while they are asked for, once.
 *
 * @param item `undefined` where only a `Status` can be read.
 * @param release called when the bytes are needed no more.
 * @returns `undefined` where there is no such envelope at all, or something else in it.
 * @throws Malformed
 */
export function readProtobuf(
  bytes: Buffer,
  item: Type<object> | undefined,
  release: () => void = () => undefined,
): ResponseObject | undefined {
  return malformedOr(() => read(bytes, item, release));
}

/** What pbf says of bytes that it cannot read is no more than that. */
function malformedOr<Value>(work: () => Value): Value {
  try {
    return work();
  } catch (cause) {
    throw cause instanceof Malformed ? cause : new Malformed((cause as Error).message, { cause });
  }
}

function read(
  bytes: Buffer,
  item: Type<object> | undefined,
  release: () => void,
): ResponseObject | undefined {
  if (bytes.toString("latin1", 0, MAGIC.length) !== MAGIC) return undefined;
  const reader = new PbfReader(bytes);
  reader.pos = MAGIC.length;
  let kind: string | undefined;
  let raw: readonly [start: number, end: number] | undefined;
  eachField(reader, bytes.length, (number) => {
    if (number === UNKNOWN.typeMeta) {
      kind = TYPE_META.read(reader, valueEnd(reader, BYTES), undefined)?.kind;
    } else if (number === UNKNOWN.raw) {
      const end = valueEnd(reader, BYTES);
      raw = [reader.pos, end];
      reader.pos = end;
    }
  });
  if (kind === undefined || raw === undefined) throw new Malformed("it names no kind, or is empty");
  [reader.pos] = raw;
  const [, end] = raw;
  if (item !== undefined && kind !== "Status") {
    return { kind, ...readList(reader, end, item, release) };
  }
  const status = kind === "Status" ? STATUS.read(reader, end, undefined) : undefined;
  release();
  // Of another kind nobody asked for it: what it holds must not pass for an empty object.
  return status && { kind, ...status };
}

function readList(
  reader: PbfReader,
  end: number,
  item: Type<object>,
  release: () => void,
): Pick<ResponseObject, "metadata" | "items"> {
  const start = reader.pos;
  let metadata = {};
  eachField(reader, end, (number) => {
    if (number !== LIST.metadata && number !== LIST.items) return;
    const valueEnds = valueEnd(reader, BYTES);
    if (number === LIST.metadata) metadata = LIST_META.read(reader, valueEnds, undefined) ?? {};
    reader.pos = valueEnds;
  });
  return { metadata, items: readItems(reader.buf, [start, end], item, release) };
}

/** Goes through a list that is known to be whole, once more. */
function* readItems(
  bytes: Uint8Array,
  [start, end]: readonly [start: number, end: number],
  item: Type<object>,
  release: () => void,
): Generator<object | undefined> {
  try {
    const reader = new PbfReader(bytes);
    reader.pos = start;
    for (let number = reader.nextField(end); number > 0; number = reader.nextField(end)) {
      if (number !== LIST.items) continue;
      const itemEnd = valueEnd(reader, BYTES);
      yield malformedOr(() => item.read(reader, itemEnd, undefined));
      reader.pos = itemEnd;
    }
  } finally {
    release();
  }
}
