import { Prefix } from '../net/index.js';
import { NetlinkError } from './errors.js';
import { decodePrefix } from './route.js';
import { Reader, type Writer } from './wire.js';
import { anyPrefix, familyNumber, familyOf, readAddress, writeAddress } from './xfrm-common.js';

/** struct xfrm_selector (linux/xfrm.h). */
export const SELECTOR_LENGTH = 56;

/** The bits of `mask` of a port are `value`. */
export interface XfrmPort {
  value: number;
  mask: number;
}

/** Which packets a policy is about. */
export interface XfrmSelector {
  source: Prefix;
  destination: Prefix;
  /** IPPROTO_*, 0 for any */
  protocol: number;
  /** Of ICMPv6 the type. */
  sourcePort: XfrmPort | undefined;
  /** Of ICMPv6 the code. */
  destinationPort: XfrmPort | undefined;
  /** The interface that packets leave by. */
  ifindex: number | undefined;
}

/** What is left out matches anything. */
export interface XfrmSelectorSpec {
  source?: Prefix | string | undefined;
  destination?: Prefix | string | undefined;
  protocol?: number | undefined;
  sourcePort?: number | XfrmPort | undefined;
  destinationPort?: number | XfrmPort | undefined;
  ifindex?: number | undefined;
}

/** Both prefixes of a selector, which are of one family: that of the one that is given, else IPv6. */
export function selectedPrefixes(spec: XfrmSelectorSpec): { source: Prefix; destination: Prefix } {
  const source = spec.source === undefined ? undefined : Prefix.from(spec.source);
  const destination = spec.destination === undefined ? undefined : Prefix.from(spec.destination);
  const any = anyPrefix(source?.family ?? destination?.family ?? 6);
  return { source: source ?? any, destination: destination ?? any };
}

/** @throws NetlinkError NETLINK_ARGUMENT when the prefixes are of two families */
export function writeSelector(writer: Writer, spec: XfrmSelectorSpec, attempted: string): void {
  const { source, destination } = selectedPrefixes(spec);
  if (source.family !== destination.family) {
    const message = `Cannot ${attempted}: ${source} and ${destination} are of different families`;
    throw new NetlinkError('NETLINK_ARGUMENT', message, { attempted });
  }
  writeAddress(writer, destination.address);
  writeAddress(writer, source.address);
  for (const port of [spec.destinationPort, spec.sourcePort]) {
    const { value, mask } = typeof port === 'number' ? { value: port, mask: 0xffff } : (port ?? NO_PORT);
    writer.be16(value).be16(mask);
  }
  writer
    .u16(familyNumber(source.family))
    .u8(destination.length)
    .u8(source.length)
    .u8(spec.protocol ?? 0)
    .zeros(3)
    .u32(spec.ifindex ?? 0)
    .u32(0);
}

const NO_PORT: XfrmPort = { value: 0, mask: 0 };

/** @throws NetlinkDecodeError */
export function decodeSelector(bytes: Uint8Array): XfrmSelector {
  const reader = new Reader(bytes);
  const family = familyOf(reader.u16(40));
  const port = (offset: number): XfrmPort | undefined => {
    const mask = reader.be16(offset + 2);
    return mask === 0 ? undefined : { value: reader.be16(offset), mask };
  };
  return {
    source: decodePrefix(reader.u16(40), readAddress(bytes, 16, family), reader.u8(43)),
    destination: decodePrefix(reader.u16(40), readAddress(bytes, 0, family), reader.u8(42)),
    protocol: reader.u8(44),
    sourcePort: port(36),
    destinationPort: port(32),
    ifindex: reader.u32(48) || undefined,
  };
}

/** `src A dst B proto 17 sport 53`, in the words of iproute2. */
export function formatSelector(spec: XfrmSelectorSpec): string {
  const { source, destination } = selectedPrefixes(spec);
  const port = (name: string, one: number | XfrmPort | undefined): string[] =>
    one === undefined ? [] : [`${name} ${typeof one === 'number' ? one : formatPort(one)}`];
  return [
    `src ${source} dst ${destination}`,
    ...(spec.protocol ? [`proto ${spec.protocol}`] : []),
    ...port('sport', spec.sourcePort),
    ...port('dport', spec.destinationPort),
    ...(spec.ifindex === undefined ? [] : [`ifindex ${spec.ifindex}`]),
  ].join(' ');
}

function formatPort({ value, mask }: XfrmPort): string {
  return mask === 0xffff ? String(value) : `${value}/0x${mask.toString(16)}`;
}
