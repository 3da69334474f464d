/** Offsets in a PE file: https://learn.microsoft.com/windows/win32/debug/pe-format */
const HEADER_OFFSET = 0x3c;
const CHECKSUM = 24 + 64;
const CERTIFICATES = 24 + 112 + 4 * 8;

/**
 * Returns a 64-bit Windows program without its signature at the end. The signature of Node does not
 * cover the script, so that Windows would call it invalid.
 */
export function withoutSignature(program: Buffer): Buffer {
  const header = program.readUInt32LE(HEADER_OFFSET);
  const start = program.readUInt32LE(header + CERTIFICATES);
  const size = program.readUInt32LE(header + CERTIFICATES + 4);
  if (start + size !== program.length) throw new Error("the signature is not at the end");
  const unsigned = Buffer.from(program.subarray(0, start));
  unsigned.fill(0, header + CERTIFICATES, header + CERTIFICATES + 8);
  unsigned.fill(0, header + CHECKSUM, header + CHECKSUM + 4);
  return unsigned;
}
