import { AF, TC_PARENT, TCA, TCA_BPF } from './constants.js';
import { Attributes, Reader, Writer } from './wire.js';

/** A traffic-control filter at the clsact hooks of a link. */
export interface Filter {
  /** Such as `bpf`, `u32`, `flower`. */
  kind: string;
  handle: number;
  priority: number;
  /** Of a filter of kind `bpf`: what whoever attached it called it. */
  name: string | undefined;
}

/** The body of RTM_GETTFILTER: struct tcmsg. */
export function filterDumpBody(ifindex: number, direction: keyof typeof TC_PARENT): Uint8Array {
  return new Writer()
    .u8(AF.UNSPEC)
    .u8(0)
    .u16(0)
    .u32(ifindex)
    .u32(0)
    .u32(TC_PARENT[direction])
    .u32(0)
    .finish();
}

/**
 * Decodes the body of RTM_NEWTFILTER; undefined for the messages without a handle that stand before the filters
 * of one priority.
 * @throws NetlinkDecodeError
 */
export function decodeFilter(body: Uint8Array): Filter | undefined {
  const header = new Reader(body);
  const handle = header.u32(8);
  const attributes = new Attributes(body.subarray(20));
  const kind = attributes.string(TCA.KIND);
  if (handle === 0 || kind === undefined) return undefined;
  const options = kind === 'bpf' ? attributes.nested(TCA.OPTIONS) : undefined;
  return { kind, handle, priority: header.u32(16) >>> 16, name: options?.string(TCA_BPF.NAME) };
}
