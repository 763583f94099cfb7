import { AF, TCA } from './constants.js';
import { Attributes, Reader, Writer } from './wire.js';

/** A queueing discipline of a link; those of several queues stand below one of kind `mq`. */
export interface Qdisc {
  ifindex: number;
  /** Such as `noqueue`, `fq_codel`, `clsact`. */
  kind: string;
  handle: number;
  parent: number;
}

/** The body of RTM_GETQDISC: struct tcmsg. */
export function qdiscDumpBody(): Uint8Array {
  return new Writer().u8(AF.UNSPEC).u8(0).u16(0).u32(0).u32(0).u32(0).u32(0).finish();
}

/** Decodes the body of RTM_NEWQDISC. @throws NetlinkDecodeError */
export function decodeQdisc(body: Uint8Array): Qdisc | undefined {
  const header = new Reader(body);
  const kind = new Attributes(body.subarray(20)).string(TCA.KIND);
  if (kind === undefined) return undefined;
  return { ifindex: header.i32(4), kind, handle: header.u32(8), parent: header.u32(12) };
}
