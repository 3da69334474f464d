import type { PbfReader } from "pbf";
import { readText } from "./protobuf-text.ts";

/** An error for bytes that are not a valid message. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}

/** A type of field values. */
export interface Type<Value> {
  readonly wire: number;
  /**
   * Reads one value.
   *
   * @param end the position at which the value ends.
   * @param before the result so far, for a field that occurs several times.
   */
  read(reader: PbfReader, end: number, before: Value | undefined): Value | undefined;
}

/** The value that a type reads: `Decoded<typeof POD>` is a pod with the fields of the table `POD`. */
export type Decoded<Of> = Of extends Type<infer Value> ? Value : never;

// oxlint-disable-next-line typescript/no-explicit-any -- a table holds types of every value
type Fields = Readonly<Record<string, readonly [number: number, type: Type<any>]>>;
type Message<Of extends Fields> = Type<{ readonly [Name in keyof Of]?: Decoded<Of[Name][1]> }>;

const VARINT = 0;
const BYTES = 2;

/**
 * Creates a message type from a table of fields: their names in the API's JSON, with their numbers and
 * types. The result has the shape of the JSON, but only the fields of the table; other fields are
 * skipped by length. No code can use a field that the table does not have.
 */
export function message<const Of extends Fields>(table: Of): Message<Of> {
  const fields: ({ readonly name: string; readonly type: Type<unknown> } | undefined)[] = [];
  for (const [name, [number, type]] of Object.entries(table)) fields[number] = { name, type };
  // Objects that start with all fields are faster than objects that grow.
  const blank = Object.fromEntries(Object.keys(table).map((name) => [name, undefined]));
  return {
    wire: BYTES,
    read: (reader, end) => {
      const object: Record<string, unknown> = { ...blank };
      // A callback for each field would be slow: a pod has a hundred messages.
      for (let number = reader.nextField(end); number > 0; number = reader.nextField(end)) {
        const field = fields[number];
        if (field === undefined) continue;
        const { name, type } = field;
        const value = type.read(reader, valueEnd(reader, type.wire), object[name]);
        if (value !== undefined) object[name] = value;
      }
      requireEnd(reader, end);
      return object as Decoded<Message<Of>>;
    },
  };
}

/**
 * Creates the type of a message around a struct that Go embeds: the API's JSON has the fields of the
 * struct instead of the message. The other fields of the message are skipped.
 *
 * @param number the field of the struct.
 */
export function embedded<Value>(number: number, type: Type<Value>): Type<Value> {
  const holder = message({ held: [number, type] });
  return {
    wire: BYTES,
    read: (reader, end) => (holder.read(reader, end, undefined) as { held?: Value }).held,
  };
}

/** Creates the type of a repeated field. */
export function repeated<Value>(type: Type<Value>): Type<readonly Value[]> {
  return {
    wire: type.wire,
    read: (reader, end, before) => {
      const all = (before ?? []) as Value[];
      const value = type.read(reader, end, undefined);
      if (value !== undefined) all.push(value);
      return all;
    },
  };
}

/** A text that is absent if it is empty, as in the API's JSON. */
export const text: Type<string> = {
  wire: BYTES,
  read: (reader, end) => readText(reader, end) || undefined,
};

/** A text that rarely repeats, such as a UID, and bypasses the cache of recent texts. */
export const ownText: Type<string> = {
  wire: BYTES,
  read: (reader, end) => {
    const start = reader.pos;
    reader.pos = end;
    return (reader.buf as Buffer).toString("utf8", start, end) || undefined;
  },
};

/** A text that may be empty, such as an argument of a command. */
export const anyText: Type<string> = { wire: BYTES, read: readText };

export const integer: Type<number> = {
  wire: VARINT,
  read: (reader) => reader.readVarint(true),
};

export const bool: Type<boolean> = {
  wire: VARINT,
  read: (reader) => reader.readVarint() !== 0,
};

const INT_OR_STRING = message({ type: [1, integer], number: [2, integer], text: [3, anyText] });

/** An `IntOrString`. Source: k8s.io/apimachinery `pkg/util/intstr/generated.proto`. */
export const numberOrText: Type<number | string> = {
  wire: BYTES,
  read: (reader, end) => {
    const { type = 0, ...values } = INT_OR_STRING.read(reader, end, undefined) ?? {};
    return type === 0 ? (values.number ?? 0) : (values.text ?? "");
  },
};

const TIME = message({ seconds: [1, integer] });

/**
 * A `Time`, as RFC 3339 in whole seconds, as in the API's JSON. The types of client-node say
 * `Date`, but the values are texts. Source:
 * k8s.io/apimachinery `pkg/apis/meta/v1/generated.proto`.
 */
export const time: Type<string | Date> = {
  wire: BYTES,
  read: (reader, end) => {
    const { seconds = 0 } = TIME.read(reader, end, undefined) ?? {};
    return seconds === 0 ? undefined : timeText(seconds);
  },
};

let lastTime = { seconds: 0, text: "" };

/** Pods that one rollout created often have the same time. */
function timeText(seconds: number): string {
  if (lastTime.seconds === seconds) return lastTime.text;
  // Larger values are no dates.
  if (Math.abs(seconds) > 8.64e12) throw new Malformed(`${seconds} seconds are no time`);
  const formatted = new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");
  lastTime = { seconds, text: formatted };
  return formatted;
}

/** A field whose presence matters, but not its value. */
export const present: Type<unknown> = {
  wire: BYTES,
  read: (reader, end) => {
    reader.pos = end;
    return {};
  },
};

/**
 * Creates the type of a `map<string, string>`. Each entry is a message with its key in field 1 and its
 * value in field 2.
 *
 * @param isKept decides by the key whether the result has the entry.
 */
export function textMap(
  isKept: (key: string) => boolean = () => true,
): Type<Readonly<Record<string, string>>> {
  return {
    wire: BYTES,
    read: (reader, end, before: Record<string, string> = {}) => {
      let key = "";
      let from = end;
      let to = end;
      for (let number = reader.nextField(end); number > 0; number = reader.nextField(end)) {
        if (number !== 1 && number !== 2) continue;
        const valueEnds = valueEnd(reader, BYTES);
        if (number === 1) {
          key = readText(reader, valueEnds);
        } else {
          from = reader.pos;
          to = valueEnds;
        }
        reader.pos = valueEnds;
      }
      requireEnd(reader, end);
      if (!isKept(key)) return before;
      reader.pos = from;
      before[key] = readText(reader, to);
      reader.pos = end;
      return before;
    },
  };
}

/**
 * Calls `visit` for each field of a message, with the reader at the field's value. A value that the
 * callback does not read is skipped.
 *
 * @throws Malformed if the last field does not end with the message.
 */
export function eachField(reader: PbfReader, end: number, visit: (number: number) => void): void {
  for (let number = reader.nextField(end); number > 0; number = reader.nextField(end)) {
    visit(number);
  }
  requireEnd(reader, end);
}

function requireEnd(reader: PbfReader, end: number): void {
  if (reader.pos !== end) throw new Malformed("a message does not end where it should");
}

/**
 * Returns the position at which the value at the reader ends, after the reader has read its length.
 *
 * @throws Malformed if the wire type is wrong or the value exceeds the message.
 */
export function valueEnd(reader: PbfReader, wire: number): number {
  if (reader.type !== wire) throw new Malformed(`wire type ${reader.type} instead of ${wire}`);
  if (wire !== BYTES) return reader.pos;
  const length = reader.readVarint();
  const end = reader.pos + length;
  if (end > reader.length) throw new Malformed("a value is longer than what holds it");
  return end;
}
