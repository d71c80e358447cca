/** Messages of Protocol Buffers: the fields of one, in their order (protobuf.dev/programming-guides/encoding). */
import { words } from "../errors.ts";
import { refuseFile } from "../files/checks.ts";

/** A field: a number where it is one of 32 bits (varint, low 32 of them; or fixed, as its bytes), else its bytes. */
export interface Field {
  readonly number: number;
  readonly value: number | Uint8Array<ArrayBuffer>;
}

/** @param name of the file @throws RangeError for bytes that are no message */
export function* fieldsOf(bytes: Uint8Array<ArrayBuffer>, name: string): Generator<Field> {
  let at = 0;
  const no = (got: string): never => refuseFile(`${name} must be a message of Protocol Buffers`, words(got));
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= bytes.length) no("one that ends early");
      const byte = bytes[at++];
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return no("a number without end");
  };
  const take = (length: number) => {
    if (length < 0 || length > bytes.length - at) no("one that ends early");
    return bytes.subarray(at, at += length);
  };
  while (at < bytes.length) {
    const key = varint(), number = key >>> 3;
    if (number === 0) no("a field without a number");
    const kind = key & 7;
    if (kind === 0) yield { number, value: varint() };
    else if (kind === 2) yield { number, value: take(varint()) };
    else if (kind === 1 || kind === 5) yield { number, value: take(kind === 1 ? 8 : 4) };
    else no(`a field of kind ${kind}`);
  }
}
