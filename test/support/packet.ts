/** Packets for tests, written layer by layer; lengths, next headers and checksums are right unless said otherwise. */
import { Address, MacAddress } from '../../src/net/index.js';

/** Numbers of headers as they follow one another. */
export const Next = {
  HOP_BY_HOP: 0,
  IPV4: 4,
  TCP: 6,
  UDP: 17,
  DCCP: 33,
  IPV6: 41,
  ROUTING: 43,
  FRAGMENT: 44,
  GRE: 47,
  ESP: 50,
  AUTHENTICATION: 51,
  ICMPV6: 58,
  NONE: 59,
  DESTINATION_OPTIONS: 60,
  SCTP: 132,
  UDPLITE: 136,
} as const;

const ETHERTYPE_IPV6 = 0x86dd;
const ETHERNET_SIZE = 14;
const IPV6_SIZE = 40;

export interface EthernetFields {
  source?: string;
  destination?: string;
  type?: number;
}

export interface Ipv6Fields {
  source: string;
  destination: string;
  hopLimit?: number;
  trafficClass?: number;
  /** `any` in an expected packet: whatever the actual one has, but not 0. */
  flowLabel?: number | 'any';
  payloadLength?: number;
  nextHeader?: number;
  version?: number;
}

/** An extension header of options; `size` is a multiple of 8. */
export interface OptionFields {
  size?: number;
  nextHeader?: number;
  /** The length field, when it is to be wrong. */
  lengthField?: number;
}

export interface RoutingFields extends OptionFields {
  segmentsLeft?: number;
}

export interface FragmentFields {
  /** In units of 8 bytes. */
  offset?: number;
  more?: boolean;
  id?: number;
  nextHeader?: number;
}

export interface PortFields {
  sourcePort?: number;
  destinationPort?: number;
}

/** What a layer has to know when it is written. */
interface Surroundings {
  /** Number of the header that follows. */
  next: number;
  /** Everything behind this layer. */
  rest: Uint8Array;
  /** The nearest IPv6 header in front, for the pseudo header. */
  ipv6: Ipv6Fields | undefined;
}

interface Layer {
  /** Its own number in the next header field in front of it. */
  readonly protocol: number | undefined;
  readonly ipv6?: Ipv6Fields;
  write(surroundings: Surroundings): Uint8Array;
}

/** A packet under construction; every method answers a new one. */
export class Packet {
  readonly #layers: readonly Layer[];
  readonly #cut: number | undefined;
  readonly #padding: number;

  constructor(layers: readonly Layer[] = [], cut?: number, padding = 0) {
    this.#layers = layers;
    this.#cut = cut;
    this.#padding = padding;
  }

  #with(layer: Layer): Packet {
    return new Packet([...this.#layers, layer], this.#cut, this.#padding);
  }

  /** A link header in front of everything. */
  onEthernet(fields: EthernetFields = {}): Packet {
    return new Packet([ethernetLayer(fields), ...this.#layers], this.#cut, this.#padding);
  }

  ethernet(fields: EthernetFields = {}): Packet {
    return this.#with(ethernetLayer(fields));
  }

  ipv6(fields: Ipv6Fields): Packet {
    return this.#with({
      protocol: Next.IPV6,
      ipv6: fields,
      write: ({ next, rest }) => {
        const bytes = Buffer.alloc(IPV6_SIZE);
        const label = fields.flowLabel === 'any' ? 0 : (fields.flowLabel ?? 0);
        bytes.writeUInt32BE(
          (((fields.version ?? 6) << 28) | ((fields.trafficClass ?? 0) << 20) | label) >>> 0,
          0,
        );
        bytes.writeUInt16BE(fields.payloadLength ?? rest.length, 4);
        bytes.writeUInt8(fields.nextHeader ?? next, 6);
        bytes.writeUInt8(fields.hopLimit ?? 64, 7);
        Address.parse(fields.source).copyTo(bytes, 8);
        Address.parse(fields.destination).copyTo(bytes, 24);
        return bytes;
      },
    });
  }

  hopByHop(fields: OptionFields = {}): Packet {
    return this.#with(optionLayer(Next.HOP_BY_HOP, fields));
  }

  destinationOptions(fields: OptionFields = {}): Packet {
    return this.#with(optionLayer(Next.DESTINATION_OPTIONS, fields));
  }

  /** A destination options header as Linux puts it before a tunnelled packet (RFC 2473 section 4.1.1). */
  encapsulationLimit(limit = 4): Packet {
    return this.#with({
      protocol: Next.DESTINATION_OPTIONS,
      write: ({ next }) => Uint8Array.of(next, 0, 4, 1, limit, 1, 1, 0),
    });
  }

  /** Destination options with nothing but a home address (RFC 6275 section 6.3). */
  homeAddress(address: string): Packet {
    return this.#with({
      protocol: Next.DESTINATION_OPTIONS,
      write: ({ next }) => {
        const bytes = Buffer.of(next, 2, 1, 2, 0, 0, 201, 16, ...new Uint8Array(16));
        Address.parse(address).copyTo(bytes, 8);
        return bytes;
      },
    });
  }

  /** Type 0; with segments left the destination is only the next stop. */
  routing(fields: RoutingFields = {}): Packet {
    return this.#with({
      protocol: Next.ROUTING,
      write: ({ next }) => {
        const bytes = Buffer.alloc(fields.size ?? 8);
        bytes.writeUInt8(fields.nextHeader ?? next, 0);
        bytes.writeUInt8(fields.lengthField ?? bytes.length / 8 - 1, 1);
        bytes.writeUInt8(fields.segmentsLeft ?? 0, 3);
        return bytes;
      },
    });
  }

  fragment(fields: FragmentFields = {}): Packet {
    return this.#with({
      protocol: Next.FRAGMENT,
      write: ({ next }) => {
        const bytes = Buffer.alloc(8);
        bytes.writeUInt8(fields.nextHeader ?? next, 0);
        bytes.writeUInt16BE(((fields.offset ?? 0) << 3) | (fields.more ? 1 : 0), 2);
        bytes.writeUInt32BE(fields.id ?? 0x1234, 4);
        return bytes;
      },
    });
  }

  /** An authentication header with a check value of 12 bytes. */
  authentication(fields: { nextHeader?: number; lengthField?: number; spi?: number } = {}): Packet {
    return this.#with({
      protocol: Next.AUTHENTICATION,
      write: ({ next }) => {
        const bytes = Buffer.alloc(24, 0xaa);
        bytes.writeUInt8(fields.nextHeader ?? next, 0);
        bytes.writeUInt8(fields.lengthField ?? bytes.length / 4 - 2, 1);
        bytes.writeUInt16BE(0, 2);
        bytes.writeUInt32BE(fields.spi ?? 0xaaaa_aaaa, 4);
        return bytes;
      },
    });
  }

  udp({ sourcePort = 1000, destinationPort = 2000 }: PortFields = {}): Packet {
    return this.#with({
      protocol: Next.UDP,
      write: ({ rest, ipv6 }) => {
        const bytes = Buffer.alloc(8);
        bytes.writeUInt16BE(sourcePort, 0);
        bytes.writeUInt16BE(destinationPort, 2);
        bytes.writeUInt16BE((8 + rest.length) & 0xffff, 4);
        bytes.writeUInt16BE(checksum(ipv6, Next.UDP, bytes, rest) || 0xffff, 6);
        return bytes;
      },
    });
  }

  tcp({
    sourcePort = 1000,
    destinationPort = 2000,
    options = 0,
  }: PortFields & { options?: number } = {}): Packet {
    return this.#with({
      protocol: Next.TCP,
      write: ({ rest, ipv6 }) => {
        const bytes = Buffer.alloc(20 + options, 1);
        bytes.fill(0, 0, 20);
        bytes.writeUInt16BE(sourcePort, 0);
        bytes.writeUInt16BE(destinationPort, 2);
        bytes.writeUInt32BE(1, 4);
        bytes.writeUInt8((bytes.length / 4) << 4, 12);
        bytes.writeUInt8(0x10, 13);
        bytes.writeUInt16BE(0xffff, 14);
        bytes.writeUInt16BE(checksum(ipv6, Next.TCP, bytes, rest), 16);
        return bytes;
      },
    });
  }

  /** Any protocol that starts with two ports: SCTP, DCCP, UDP-Lite. */
  ports(protocol: number, { sourcePort = 1000, destinationPort = 2000 }: PortFields = {}): Packet {
    return this.#with({
      protocol,
      write: () => {
        const bytes = Buffer.alloc(12);
        bytes.writeUInt16BE(sourcePort, 0);
        bytes.writeUInt16BE(destinationPort, 2);
        return bytes;
      },
    });
  }

  icmpv6({
    type = 128,
    code = 0,
    detail = 0,
  }: {
    type?: number;
    code?: number;
    detail?: number;
  } = {}): Packet {
    return this.#with({
      protocol: Next.ICMPV6,
      write: ({ rest, ipv6 }) => {
        const bytes = Buffer.alloc(8);
        bytes.writeUInt8(type, 0);
        bytes.writeUInt8(code, 1);
        bytes.writeUInt32BE(detail, 4);
        bytes.writeUInt16BE(checksum(ipv6, Next.ICMPV6, bytes, rest), 2);
        return bytes;
      },
    });
  }

  esp({ spi = 0x1000, sequence = 1 }: { spi?: number; sequence?: number } = {}): Packet {
    return this.#with({
      protocol: Next.ESP,
      write: () => {
        const bytes = Buffer.alloc(8);
        bytes.writeUInt32BE(spi, 0);
        bytes.writeUInt32BE(sequence, 4);
        return bytes;
      },
    });
  }

  /** Bytes as they are, of the given protocol. */
  raw(bytes: Uint8Array, protocol?: number): Packet {
    return this.#with({ protocol, write: () => bytes });
  }

  /** `size` bytes that count up. */
  payload(size: number): Packet {
    return this.#with({ protocol: undefined, write: () => Uint8Array.from({ length: size }, (_, i) => i) });
  }

  /** The layers of another packet behind these: what a tunnel carries. */
  carrying(inner: Packet): Packet {
    return new Packet([...this.#layers, ...inner.#layers], inner.#cut, inner.#padding);
  }

  /** Only the first `size` bytes; the headers still promise the rest. */
  truncate(size: number): Packet {
    return new Packet(this.#layers, size, this.#padding);
  }

  /** Bytes behind the packet that no header speaks of, as Ethernet pads short frames. */
  pad(size: number): Packet {
    return new Packet(this.#layers, this.#cut, size);
  }

  /** @param actual where flow labels `any` are taken from */
  bytes(actual?: Uint8Array): Uint8Array {
    let rest: Uint8Array = new Uint8Array();
    let next: number = Next.NONE;
    const anyLabel: number[] = [];
    for (let at = this.#layers.length - 1; at >= 0; at--) {
      const layer = this.#layers[at] as Layer;
      const ipv6 = this.#layers.slice(0, at).findLast((each) => each.ipv6)?.ipv6;
      rest = Buffer.concat([layer.write({ next, rest, ipv6 }), rest]);
      next = layer.protocol ?? next;
      if (layer.ipv6?.flowLabel === 'any') {
        anyLabel.push(rest.length);
      }
    }
    for (const fromEnd of anyLabel) {
      copyLabel(rest, actual, rest.length - fromEnd);
    }
    const padded = this.#padding ? Buffer.concat([rest, new Uint8Array(this.#padding)]) : rest;
    return this.#cut === undefined ? padded : padded.subarray(0, this.#cut);
  }
}

/** A packet without a link header. */
export function ipv6(fields: Ipv6Fields): Packet {
  return new Packet().ipv6(fields);
}

/** A packet with a link header. */
export function ethernet(fields: EthernetFields = {}): Packet {
  return new Packet().ethernet(fields);
}

function ethernetLayer({ source, destination, type }: EthernetFields): Layer {
  return {
    protocol: undefined,
    write: () => {
      const bytes = Buffer.alloc(ETHERNET_SIZE);
      MacAddress.parse(destination ?? '00:00:00:00:00:00').copyTo(bytes, 0);
      MacAddress.parse(source ?? '02:00:00:00:00:99').copyTo(bytes, 6);
      bytes.writeUInt16BE(type ?? ETHERTYPE_IPV6, 12);
      return bytes;
    },
  };
}

function optionLayer(protocol: number, { size = 8, nextHeader, lengthField }: OptionFields): Layer {
  return {
    protocol,
    write: ({ next }) => {
      const bytes = Buffer.alloc(size);
      bytes.writeUInt8(nextHeader ?? next, 0);
      bytes.writeUInt8(lengthField ?? size / 8 - 1, 1);
      // One PadN option for each 257 bytes, so that a stack takes the header too.
      for (let at = 2; at < size; ) {
        const room = Math.min(size - at, 257);
        if (room >= 2) {
          bytes.writeUInt8(1, at);
          bytes.writeUInt8(room - 2, at + 1);
        }
        at += room;
      }
      return bytes;
    },
  };
}

/** RFC 8200 section 8.1. */
function checksum(
  around: Ipv6Fields | undefined,
  protocol: number,
  header: Uint8Array,
  rest: Uint8Array,
): number {
  const length = header.length + rest.length;
  const pseudo = Buffer.alloc(IPV6_SIZE);
  if (around) {
    Address.parse(around.source).copyTo(pseudo, 0);
    Address.parse(around.destination).copyTo(pseudo, 16);
  }
  pseudo.writeUInt32BE(length, 32);
  pseudo.writeUInt8(protocol, 39);
  const all = Buffer.concat([pseudo, header, rest, new Uint8Array(length % 2)]);
  let sum = 0;
  for (let at = 0; at < all.length; at += 2) {
    sum += all.readUInt16BE(at);
  }
  while (sum > 0xffff) {
    sum = (sum & 0xffff) + (sum >>> 16);
  }
  return ~sum & 0xffff;
}

function copyLabel(into: Uint8Array, actual: Uint8Array | undefined, offset: number): void {
  if (!actual || actual.length < offset + 4) {
    return;
  }
  const [, high = 0, middle = 0, low = 0] = actual.subarray(offset, offset + 4);
  const zero = !(high & 0xf) && !middle && !low;
  into[offset + 1] = ((into[offset + 1] ?? 0) & 0xf0) | (high & 0xf);
  into[offset + 2] = middle;
  into[offset + 3] = zero ? 1 : low;
}
