/** Packets and decisions in words, as docs/policies.md and the tests write them. */
import { Address } from '../../src/net/index.js';
import {
  type Decision,
  type Packet,
  parseMark,
  parseRange,
  RANGE_FIELDS,
  RANGE_KEYS,
} from '../../src/policy/index.js';

/** A packet, and whether its mark is known where it is classified. */
export interface WordedPacket {
  readonly packet: Packet;
  readonly markKnown: boolean;
}

/** What packets are as far as nothing else is said: UDP from the mobile network to a correspondent. */
export const USUAL: Packet = {
  source: Address.parse('2001:db8:1::10'),
  destination: Address.parse('2001:db8:99::2'),
  protocol: 17,
  sourcePort: 40000,
  destinationPort: 50000,
  dscp: 0,
  flowLabel: 0,
  spi: undefined,
  icmpType: undefined,
  icmpCode: undefined,
  interface: undefined,
  cgroup: undefined,
  mark: undefined,
};

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/**
 * Reads pairs of words such as `interface lan0 protocol tcp destination-port 443`. A packet that came in by an
 * interface is looked at there, where its mark is not known, unless it is said with `mark`. `later-fragment`
 * is a word alone.
 */
export function packetOf(words: string): WordedPacket {
  const packet: Writable<Packet> = { ...USUAL };
  const given = new Set<string>();
  let laterFragment = false;
  const list = words.split(/\s+/).filter((word) => word !== '' && word !== 'any');
  while (list.length > 0) {
    const key = list.shift() ?? '';
    given.add(key);
    if (key === 'later-fragment') {
      laterFragment = true;
      continue;
    }
    const value = list.shift();
    if (value === undefined) throw new Error(`${key} has no value in: ${words}`);
    setField(packet, key, value, words);
  }
  completeHeaders(packet, given, laterFragment);
  return { packet, markKnown: packet.interface === undefined || given.has('mark') };
}

function setField(packet: Writable<Packet>, key: string, value: string, words: string): void {
  const range = RANGE_KEYS.find((one) => RANGE_FIELDS[one].word === key);
  if (range !== undefined) {
    const { low, high } = parseRange(range, value);
    if (low !== high) throw new Error(`a packet has one ${key}: ${words}`);
    packet[range] = low;
  } else if (key === 'source' || key === 'destination') packet[key] = Address.parse(value);
  else if (key === 'interface' || key === 'cgroup') packet[key] = value;
  else if (key === 'mark') packet.mark = parseMark(value).value;
  else throw new Error(`a packet has no ${key}: ${words}`);
}

const WITH_PORTS = [6, 17, 33, 132, 136];
const ICMPV6 = 58;
const ESP = 50;

/** A packet has the fields of its protocol, and a later fragment has none of them. */
function completeHeaders(packet: Writable<Packet>, given: ReadonlySet<string>, laterFragment: boolean): void {
  if (laterFragment || !WITH_PORTS.includes(packet.protocol)) {
    packet.sourcePort = undefined;
    packet.destinationPort = undefined;
  }
  if (packet.protocol === ICMPV6 && !laterFragment) {
    packet.icmpType ??= 128;
    packet.icmpCode ??= 0;
  }
  if (packet.protocol === ESP && !laterFragment && !given.has('spi')) packet.spi = 0x1000;
}

/** The answer in words: `use lte (voice)`, `balance lte:3 wifi:1 (spread)`, `default lte`, `drop (block)`. */
export function decisionText(
  decision: Decision,
  names: { binding(bid: number): string; policy(fid: number): string },
): string {
  const by = (fid: number): string => `(${names.policy(fid)})`;
  switch (decision.kind) {
    case 'binding': {
      const binding = names.binding(decision.bid);
      return decision.fid === null ? `default ${binding}` : `use ${binding} ${by(decision.fid)}`;
    }
    case 'balance': {
      const shares = decision.bindings.map(({ bid, weight }) => `${names.binding(bid)}:${weight}`);
      return `balance ${shares.join(' ')} ${by(decision.fid)}`;
    }
    case 'copy':
      return `copy ${decision.bindings.map(names.binding).join(', ')} ${by(decision.fid)}`;
    case 'drop':
    case 'bypass':
      return `${decision.kind} ${by(decision.fid)}`;
    case 'mark-decides':
      return `mark decides ${by(decision.fid)}`;
    case 'none':
      return 'no binding';
  }
}
