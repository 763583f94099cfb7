/**
 * Which bits of a packet the decision trees looked at: every packet that agrees with this one in them goes the same
 * way through the nodes.
 */
import {
  CX_NODE_FIELD_SHIFT,
  CX_NODE_STEP_SHIFT,
  CxField,
  type CxNode,
  CxNodeKind,
} from '../datapath/index.js';
import { Address } from '../net/index.js';
import { formatRange, RANGE_FIELDS, type RangeKey } from '../policy/index.js';

/** With which values of a word the same would happen: between two ends, and with the same bits under a mask. */
interface Known {
  low: number;
  high: number;
  mask: number;
}

/** A field that mattered and the values with which the same would have happened. */
export interface MatteringField {
  readonly field: string;
  readonly values: string;
}

const LAST = 0xffff_ffff;
const KIND_MASK = 7;
const FIELD_MASK = 31;

const RANGES: ReadonlyMap<number, RangeKey> = new Map([
  [CxField.PROTOCOL, 'protocol'],
  [CxField.SOURCE_PORT, 'sourcePort'],
  [CxField.DESTINATION_PORT, 'destinationPort'],
  [CxField.DSCP, 'dscp'],
  [CxField.FLOW_LABEL, 'flowLabel'],
  [CxField.SPI, 'spi'],
  [CxField.ICMP_TYPE, 'icmpType'],
  [CxField.ICMP_CODE, 'icmpCode'],
]);

/** @param nameOf name of an interface by its index */
export function matteringBits(
  nodes: readonly CxNode[],
  key: readonly number[],
  nameOf: (ifindex: number) => string,
): MatteringField[] {
  const known = matteringWords(nodes, key);
  const fields: MatteringField[] = [];
  const add = (field: string, values: string | undefined): void => {
    if (values !== undefined) fields.push({ field, values });
  };
  add('source', addressText(known, key, CxField.SOURCE));
  add('destination', addressText(known, key, CxField.DESTINATION));
  for (const [field, range] of RANGES) {
    add(RANGE_FIELDS[range].word, numberText(range, known.get(field), key[field] ?? 0));
  }
  add('interface', oneOrSome(known.get(CxField.INTERFACE), key[CxField.INTERFACE], nameOf, 'none'));
  add(
    'cgroup',
    oneOrSome(known.get(CxField.CGROUP), key[CxField.CGROUP], (one) => `number ${one}`, 'none'),
  );
  add('mark', markText(known.get(CxField.MARK), key[CxField.MARK] ?? 0));
  return fields;
}

/** The same for each word of the key that was looked at, by enum cx_field. */
export function matteringWords(nodes: readonly CxNode[], key: readonly number[]): Map<number, Known> {
  const known = new Map<number, Known>();
  for (const node of nodes) {
    const field = (node.operation >>> CX_NODE_FIELD_SHIFT) & FIELD_MASK;
    const value = key[field];
    if (value === undefined || !asks(node)) continue;
    const word = known.get(field) ?? { low: 0, high: LAST, mask: 0 };
    narrow(word, node, value);
    known.set(field, word);
  }
  return known;
}

function asks({ operation }: CxNode): boolean {
  const kind = operation & KIND_MASK;
  return (
    kind === CxNodeKind.RANGE ||
    kind === CxNodeKind.CUT ||
    kind === CxNodeKind.MASK ||
    kind === CxNodeKind.BITS
  );
}

function narrow(word: Known, { operation, low, extent }: CxNode, value: number): void {
  const step = operation >>> CX_NODE_STEP_SHIFT;
  switch (operation & KIND_MASK) {
    case CxNodeKind.RANGE:
      narrowTo(word, low, low + extent, value);
      break;
    case CxNodeKind.CUT: {
      const size = 2 ** (step & 31);
      const piece = Math.floor(((value - low) >>> 0) / size);
      if (piece < extent) narrowTo(word, low + piece * size, low + (piece + 1) * size - 1, value);
      else narrowTo(word, low, low + extent * size - 1, value);
      break;
    }
    case CxNodeKind.MASK:
      word.mask = (word.mask | extent) >>> 0;
      break;
    case CxNodeKind.BITS:
      word.mask = (word.mask | (extent << (step & 31))) >>> 0;
      break;
  }
}

/** The value is within two ends, or on one side of them. */
function narrowTo(word: Known, low: number, high: number, value: number): void {
  if (value < low) word.high = Math.min(word.high, low - 1);
  else if (value > high) word.low = Math.max(word.low, high + 1);
  else {
    word.low = Math.max(word.low, low);
    word.high = Math.min(word.high, high);
  }
}

/** The largest aligned block around the value that lies between the ends: the bits above it mattered. */
function bitsOf(known: Known | undefined, value: number): number {
  if (known === undefined) return 0;
  let mask = 0;
  for (let bit = 31; bit >= 0; bit--) {
    const free = 2 ** (bit + 1) - 1;
    const start = value - (value % (free + 1));
    if (start >= known.low && start + free <= known.high) break;
    mask += 2 ** bit;
  }
  return (mask | known.mask) >>> 0;
}

function addressText(
  known: ReadonlyMap<number, Known>,
  key: readonly number[],
  field: number,
): string | undefined {
  let mask = 0n;
  let value = 0n;
  for (let word = 0; word < 4; word++) {
    const number = key[field + word] ?? 0;
    mask = (mask << 32n) | BigInt(bitsOf(known.get(field + word), number));
    value = (value << 32n) | BigInt(number);
  }
  if (mask === 0n) return undefined;
  const text = addressOf(value & mask);
  const length = mask.toString(2).replace(/0+$/, '').length;
  const prefix = ((1n << BigInt(length)) - 1n) << BigInt(128 - length);
  if (mask !== prefix) return `${text}/${addressOf(mask)}`;
  return length === 128 ? text : `${text}/${length}`;
}

function addressOf(value: bigint): string {
  return Address.fromBytes(Buffer.from(value.toString(16).padStart(32, '0'), 'hex')).toString();
}

function numberText(key: RangeKey, known: Known | undefined, value: number): string | undefined {
  if (known === undefined) return undefined;
  const { low, high } = RANGE_FIELDS[key];
  // A packet without the field has a number that no selector can ask for.
  if (value < low || value > high) return 'none';
  const ends = { low: Math.max(known.low, low), high: Math.min(known.high, high) };
  return formatRange(key, ends);
}

function oneOrSome(
  known: Known | undefined,
  value: number | undefined,
  nameOf: (value: number) => string,
  absent: string,
): string | undefined {
  if (known === undefined || value === undefined) return undefined;
  return value === 0 ? absent : nameOf(value);
}

function markText(known: Known | undefined, value: number): string | undefined {
  if (known === undefined) return undefined;
  const mask = bitsOf(known, value);
  const text = `0x${((value & mask) >>> 0).toString(16)}`;
  return mask === LAST ? text : `${text}/0x${mask.toString(16)}`;
}
