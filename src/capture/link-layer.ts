/** What stands in front of a captured packet: https://www.tcpdump.org/linktypes.html. */
import type { CaptureRecord } from './capture-file.js';

export const ETHERTYPE_IPV6 = 0x86dd;

/** LINKTYPE_ numbers; raw IP has three. */
const RAW: readonly number[] = [12, 101, 229];
const VLAN_TAGS: readonly number[] = [0x8100, 0x88a8];
const TAG_LENGTH = 4;
/** Tags that are followed. */
const MOST_TAGS = 2;

/** Where each kind of link header has its EtherType, and where it ends. */
const HEADERS: ReadonlyMap<number, { readonly etherType: number; readonly length: number }> = new Map([
  [1, { etherType: 12, length: 14 }],
  [113, { etherType: 14, length: 16 }],
  [276, { etherType: 0, length: 20 }],
]);

/** The packet behind a link header. */
export interface LinkPayload {
  /** Behind VLAN tags; 0 when the frame is too short to have one. */
  readonly etherType: number;
  readonly tags: number;
  readonly bytes: Uint8Array;
}

/** Takes the link header off; undefined for a link type that is not known here. */
export function linkPayload({ linkType, bytes }: CaptureRecord): LinkPayload | undefined {
  if (RAW.includes(linkType)) return { etherType: ETHERTYPE_IPV6, tags: 0, bytes };
  const header = HEADERS.get(linkType);
  if (header === undefined) return undefined;
  let etherType = bytes.length < header.length ? 0 : bytes.readUInt16BE(header.etherType);
  let at = header.length;
  let tags = 0;
  for (; VLAN_TAGS.includes(etherType) && tags < MOST_TAGS; tags++) {
    etherType = at + TAG_LENGTH > bytes.length ? 0 : bytes.readUInt16BE(at + 2);
    at += TAG_LENGTH;
  }
  return { etherType, tags, bytes: bytes.subarray(Math.min(at, bytes.length)) };
}
