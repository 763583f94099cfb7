/** Capture files: pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng). */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { CaptureError } from './capture-error.js';
import { ETHERTYPE_IPV6, linkPayload } from './link-layer.js';

/** Largest file that is read. */
export const MOST_BYTES = 64 * 1024 * 1024;
/** LINKTYPE_ number of a simple block whose interface is not described. */
const ETHERNET = 1;
const PCAP_HEADER = 24;
const PCAP_RECORD = 16;
const PCAP_MAGIC: readonly number[] = [0xa1b2c3d4, 0xa1b23c4d];
const SECTION = 0x0a0d0d0a;
const BYTE_ORDER = 0x1a2b3c4d;
const Block = { INTERFACE: 1, SIMPLE: 3, ENHANCED: 6 } as const;

/** A packet as it was captured. */
export interface CaptureRecord {
  /** LINKTYPE_ number. */
  readonly linkType: number;
  readonly bytes: Buffer;
  /** Bytes on the wire. */
  readonly length: number;
}

/**
 * The IPv6 packet with a number, the first one is 1, without its link header.
 * @throws CaptureError CAPTURE_UNREADABLE
 */
export async function readCapturedPacket(path: string, number: number): Promise<Uint8Array> {
  return capturedPacket(await readCaptureFile(path), number, path);
}

/** The same from the content of a file. @throws CaptureError CAPTURE_UNREADABLE */
export function capturedPacket(content: Uint8Array, number: number, name: string): Uint8Array {
  let count = 0;
  for (const record of captureRecords(content, name)) {
    count += 1;
    if (count === number) return ipv6Of(record, `packet ${number} of ${name}`);
  }
  throw unreadable(
    `${name} has ${count === 0 ? 'no packets' : `${count} packet${count === 1 ? '' : 's'}, not ${number}`}`,
    count === 0 ? 'capture some with `tcpdump -w FILE`' : `give a number from 1 to ${count}`,
  );
}

/** Whether a content starts as a pcap or pcapng file does. */
export function isCapture(content: Uint8Array): boolean {
  if (content.length < 4) return false;
  const data = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const magic = data.readUInt32LE(0);
  return magic === SECTION || PCAP_MAGIC.includes(magic) || PCAP_MAGIC.includes(data.readUInt32BE(0));
}

/** The packets of a capture in their order. @throws CaptureError CAPTURE_UNREADABLE, also while it is walked */
export function captureRecords(content: Uint8Array, name: string): Generator<CaptureRecord> {
  const data = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const magic = data.length < 4 ? 0 : data.readUInt32LE(0);
  if (magic === SECTION) return pcapngRecords(data, name);
  if (PCAP_MAGIC.includes(magic)) return pcapRecords(data, true, name);
  if (data.length >= 4 && PCAP_MAGIC.includes(data.readUInt32BE(0))) return pcapRecords(data, false, name);
  throw unreadable(`${name} is neither pcap nor pcapng`, 'write one with `tcpdump -w FILE`');
}

function* pcapRecords(data: Buffer, little: boolean, name: string): Generator<CaptureRecord> {
  const u32 = reader(data, little);
  if (data.length < PCAP_HEADER) throw cutOff(name);
  const linkType = u32(20) & 0xffff;
  for (let at = PCAP_HEADER; at < data.length; ) {
    if (at + PCAP_RECORD > data.length) throw cutOff(name);
    const captured = u32(at + 8);
    const length = u32(at + 12);
    const end = at + PCAP_RECORD + captured;
    if (end > data.length) throw cutOff(name);
    yield { linkType, length, bytes: data.subarray(at + PCAP_RECORD, end) };
    at = end;
  }
}

function* pcapngRecords(data: Buffer, name: string): Generator<CaptureRecord> {
  let little = true;
  let linkTypes: number[] = [];
  for (let at = 0; at < data.length; ) {
    if (at + 12 > data.length) throw cutOff(name);
    const isSection = data.readUInt32LE(at) === SECTION;
    if (isSection) {
      little = data.readUInt32LE(at + 8) === BYTE_ORDER;
      if (!little && data.readUInt32BE(at + 8) !== BYTE_ORDER) {
        throw unreadable(`${name} is damaged: a section has no byte order`, 'capture again');
      }
      linkTypes = [];
    }
    const u32 = reader(data, little);
    const size = u32(at + 4);
    if (size < 12 || size % 4 !== 0 || at + size > data.length) throw cutOff(name);
    const body = at + 8;
    const bodyEnd = at + size - 4;
    const type = u32(at);
    if (type === Block.INTERFACE && size >= 20)
      linkTypes.push(little ? data.readUInt16LE(body) : data.readUInt16BE(body));
    if (type === Block.ENHANCED && size >= 32) {
      const captured = u32(body + 12);
      if (body + 20 + captured > bodyEnd) throw cutOff(name);
      const linkType = linkTypes[u32(body)];
      if (linkType === undefined)
        throw unreadable(`${name} is damaged: a packet has no interface`, 'capture again');
      yield { linkType, length: u32(body + 16), bytes: data.subarray(body + 20, body + 20 + captured) };
    }
    if (type === Block.SIMPLE && size >= 16) {
      const length = u32(body);
      yield {
        linkType: linkTypes[0] ?? ETHERNET,
        length,
        bytes: data.subarray(body + 4, Math.min(body + 4 + length, bodyEnd)),
      };
    }
    at += size;
  }
}

function reader(data: Buffer, little: boolean): (at: number) => number {
  return (at) => (little ? data.readUInt32LE(at) : data.readUInt32BE(at));
}

function ipv6Of(record: CaptureRecord, what: string): Uint8Array {
  const { bytes, length, linkType } = record;
  if (bytes.length < length) {
    throw unreadable(
      `${what} was cut to ${bytes.length} of ${length} bytes`,
      'capture whole packets: `tcpdump -s 0 -w FILE`',
    );
  }
  const payload = linkPayload(record);
  if (payload === undefined) {
    throw unreadable(
      `${what} has link type ${linkType}`,
      'only Ethernet (1), Linux cooked (113, 276) and raw IP (101) are read',
    );
  }
  const { etherType, tags } = payload;
  if (etherType === ETHERTYPE_IPV6 && tags === 0) return payload.bytes;
  const kind = tags > 0 ? 'is tagged for a VLAN' : `has EtherType 0x${etherType.toString(16)}`;
  throw unreadable(`${what} is not IPv6: it ${kind}`, 'give the number of another packet: --packet N');
}

/** The content of a file of at most 64 MiB. @throws CaptureError CAPTURE_UNREADABLE */
export async function readCaptureFile(path: string): Promise<Buffer> {
  let file: Awaited<ReturnType<typeof open>> | undefined;
  try {
    // Without O_NONBLOCK opening a pipe would wait for a writer.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = await file.stat();
    if (!stat.isFile()) throw unreadable(`${path} is not a file`, 'name a capture file');
    if (stat.size > MOST_BYTES) {
      throw unreadable(
        `${path} is larger than ${MOST_BYTES / 1024 / 1024} MiB`,
        'capture fewer packets: `tcpdump -c`',
      );
    }
    return await file.readFile();
  } catch (error) {
    if (error instanceof CaptureError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : message;
    throw unreadable(`${path} cannot be read: ${why}`, 'name a capture file', error);
  } finally {
    await file?.close();
  }
}

function cutOff(name: string): CaptureError {
  return unreadable(
    `${name} ends within a packet, or is damaged`,
    'capture again, and stop tcpdump before you copy',
  );
}

function unreadable(message: string, hint: string, cause?: unknown): CaptureError {
  return new CaptureError(message, hint, { cause });
}
