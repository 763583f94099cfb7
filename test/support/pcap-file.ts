/** A classic pcap file, little-endian with microseconds, as tcpdump writes it. */
export function pcapFile(
  linkType: number,
  packets: readonly Uint8Array[],
  options: { big?: boolean } = {},
): Buffer {
  const words = (...values: number[]): Buffer => {
    const bytes = Buffer.alloc(values.length * 4);
    for (const [at, value] of values.entries()) {
      if (options.big === true) bytes.writeUInt32BE(value, at * 4);
      else bytes.writeUInt32LE(value, at * 4);
    }
    return bytes;
  };
  const version = options.big === true ? 0x0002_0004 : 0x0004_0002;
  const header = words(0xa1b2c3d4, version, 0, 0, 262_144, linkType);
  const records = packets.flatMap((bytes) => [words(1, 0, bytes.length, bytes.length), bytes]);
  return Buffer.concat([header, ...records]);
}
