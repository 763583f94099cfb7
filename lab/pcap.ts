// Reads a pcap stream as it grows.

/** One record of a capture file. */
export interface PcapRecord {
  /** CLOCK_REALTIME, nanoseconds. */
  readonly time: bigint;
  /** Length on the wire; `bytes` may be shorter. */
  readonly length: number;
  readonly bytes: Uint8Array;
}

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const NANOSECONDS = 0xa1b23c4d;
const MICROSECONDS = 0xa1b2c3d4;
const ETHERNET = 1;

/** Takes chunks of any size, gives the records that are complete. */
export class PcapStream {
  #rest: Buffer = Buffer.alloc(0);
  #littleEndian = true;
  #unit = 0n;

  /** @throws Error when the stream is no pcap of an Ethernet link */
  push(chunk: Uint8Array): PcapRecord[] {
    this.#rest = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk]);
    const records: PcapRecord[] = [];
    let at = 0;
    if (this.#unit === 0n) {
      if (this.#rest.length < FILE_HEADER) return records;
      this.#readFileHeader();
      at = FILE_HEADER;
    }
    while (this.#rest.length - at >= RECORD_HEADER) {
      const captured = this.#u32(at + 8);
      const end = at + RECORD_HEADER + captured;
      if (this.#rest.length < end) break;
      records.push({
        time: BigInt(this.#u32(at)) * 1_000_000_000n + BigInt(this.#u32(at + 4)) * this.#unit,
        length: this.#u32(at + 12),
        bytes: this.#rest.subarray(at + RECORD_HEADER, end),
      });
      at = end;
    }
    this.#rest = this.#rest.subarray(at);
    return records;
  }

  #readFileHeader(): void {
    this.#littleEndian = [NANOSECONDS, MICROSECONDS].includes(this.#rest.readUInt32LE(0));
    const magic = this.#u32(0);
    if (magic !== NANOSECONDS && magic !== MICROSECONDS) {
      throw new Error(`not a pcap stream: it starts with 0x${magic.toString(16)}`);
    }
    this.#unit = magic === NANOSECONDS ? 1n : 1000n;
    const linkType = this.#u32(20) & 0xffff;
    if (linkType !== ETHERNET)
      throw new Error(`link type ${linkType} is not Ethernet; capture on an Ethernet link`);
  }

  #u32(at: number): number {
    return this.#littleEndian ? this.#rest.readUInt32LE(at) : this.#rest.readUInt32BE(at);
  }
}
