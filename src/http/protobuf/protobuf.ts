import type { PbfReader } from "pbf";
import { readText } from "./protobuf-text.ts";

/** Bytes that are not the message that they should be. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}

/** How a field's value is read: it ends at `end`, and `before` is what the field gave so far. */
export interface Type<Value> {
  readonly wire: number;
  read(reader: PbfReader, end: number, before: Value | undefined): Value | undefined;
}

/** What a type reads: `Decoded<typeof POD>` is a pod as far as it is looked at. */
export type Decoded<Of> = Of extends Type<infer Value> ? Value : never;

// oxlint-disable-next-line typescript/no-explicit-any -- a table holds types of every value
type Fields = Readonly<Record<string, readonly [number: number, type: Type<any>]>>;
type Message<Of extends Fields> = Type<{ readonly [Name in keyof Of]?: Decoded<Of[Name][1]> }>;

const VARINT = 0;
const BYTES = 2;

/**
 * A message as a table: the names that the API's JSON has, with their numbers and types. Reading
 * gives what JSON would, but only the fields named here; the rest is skipped by its length. So the
 * type of what is read is also all that a record can look at.
 */
export function message<const Of extends Fields>(table: Of): Message<Of> {
  const fields: ({ readonly name: string; readonly type: Type<unknown> } | undefined)[] = [];
  for (const [name, [number, type]] of Object.entries(table)) fields[number] = { name, type };
  // With room for every field at once: objects that grow are moved each time.
  const blank = Object.fromEntries(Object.keys(table).map((name) => [name, undefined]));
  return {
    wire: BYTES,
    read: (reader, end) => {
      const object: Record<string, unknown> = { ...blank };
      // No callback here: there are a hundred messages in a pod.
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

/** Several values, each of them a field of its own. */
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

/** A text that counts as absent where it is empty, as the API's JSON has it. */
export const text: Type<string> = {
  wire: BYTES,
  read: (reader, end) => readText(reader, end) || undefined,
};

/** A text that no other object has: it is not looked for among those that were read before. */
export const ownText: Type<string> = {
  wire: BYTES,
  read: (reader, end) => {
    const start = reader.pos;
    reader.pos = end;
    return (reader.buf as Buffer).toString("utf8", start, end) || undefined;
  },
};

/** A text that may be empty, such as an argument. */
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

/** k8s.io/apimachinery `pkg/util/intstr/generated.proto`. */
export const numberOrText: Type<number | string> = {
  wire: BYTES,
  read: (reader, end) => {
    const { type = 0, ...values } = INT_OR_STRING.read(reader, end, undefined) ?? {};
    return type === 0 ? (values.number ?? 0) : (values.text ?? "");
  },
};

/** Something that is looked at only for being there. */
export const present: Type<unknown> = {
  wire: BYTES,
  read: (reader, end) => {
    reader.pos = end;
    return {};
  },
};

/**
 * `map<string, string>`: each entry is a message, its key in field 1, its value in field 2.
 *
 * @param isKept whether an entry is of interest.
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
 * Calls back for every field of a message, with the reader at its value. What the callback does not
 * read is skipped.
 *
 * @throws Malformed where the fields do not end where the message does.
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

/** Where the value at the reader ends, past its length. @throws Malformed */
export function valueEnd(reader: PbfReader, wire: number): number {
  if (reader.type !== wire) throw new Malformed(`wire type ${reader.type} where ${wire} should be`);
  if (wire !== BYTES) return reader.pos;
  const length = reader.readVarint();
  const end = reader.pos + length;
  if (end > reader.length) throw new Malformed("a value is longer than what holds it");
  return end;
}
