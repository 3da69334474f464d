import { PbfReader } from "pbf";
import type { ResponseObject } from "../request.ts";
import { eachField, Malformed, message, text, type Type, valueEnd } from "./protobuf.ts";

export const PROTOBUF = "application/vnd.kubernetes.protobuf";

const MAGIC = "k8s\0";
const BYTES = 2;

/** Source: k8s.io/apimachinery `pkg/runtime/generated.proto`. */
const TYPE_META = message({ apiVersion: [1, text], kind: [2, text] });
const UNKNOWN = { typeMeta: 1, raw: 2 };

/** Source: k8s.io/apimachinery `pkg/apis/meta/v1/generated.proto`. */
const LIST_META = message({ resourceVersion: [2, text], continue: [3, text] });
const STATUS = message({ metadata: [1, LIST_META], message: [3, text], reason: [4, text] });
const LIST = { metadata: 1, items: 2 };

/**
 * Decodes a body in the protobuf envelope of Kubernetes into the shape that JSON would have. The frame
 * of a list is checked at once, to the last byte. Its items can be iterated once and are decoded on
 * the way.
 *
 * @param item the type of the list's items; without it only a `Status` can be decoded.
 * @param release called when the bytes are no longer needed.
 * @returns `undefined` if the body has no such envelope, or an object that was not requested.
 * @throws Malformed if the bytes are not valid.
 */
export function readProtobuf(
  bytes: Buffer,
  item: Type<object> | undefined,
  release: () => void = () => undefined,
): ResponseObject | undefined {
  return orMalformed(() => read(bytes, item, release));
}

/** Turns the errors of pbf into `Malformed`. */
function orMalformed<Value>(work: () => Value): Value {
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
  // An object that was not requested must not become an empty object.
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

/** Decodes the items of a list whose frame is valid. */
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
      yield orMalformed(() => item.read(reader, itemEnd, undefined));
      reader.pos = itemEnd;
    }
  } finally {
    release();
  }
}
