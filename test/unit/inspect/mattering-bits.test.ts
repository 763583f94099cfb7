import test from 'ava';
import fc from 'fast-check';
import {
  CX_FIELDS,
  CX_NODE_FIELD_SHIFT,
  CX_NODE_STEP_SHIFT,
  CxField,
  type CxNode,
  CxNodeKind,
} from '../../../src/datapath/index.js';
import { matteringBits, matteringWords } from '../../../src/inspect/mattering-bits.js';
import { Address } from '../../../src/net/index.js';

const u32 = fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.integer({ min: 0, max: 300 }));

function node(kind: number, field: number, low: number, extent: number, step: number): CxNode {
  return {
    operation: kind + (field << CX_NODE_FIELD_SHIFT) + step * 2 ** CX_NODE_STEP_SHIFT,
    low,
    extent,
    target: 0,
  };
}

const nodes = fc.array(
  fc.oneof(
    fc
      .tuple(fc.nat(CX_FIELDS - 1), u32, u32)
      .map(([field, a, b]) => node(CxNodeKind.RANGE, field, Math.min(a, b), Math.abs(a - b), 1)),
    fc
      .tuple(fc.nat(CX_FIELDS - 1), u32, fc.integer({ min: 1, max: 64 }), fc.nat(25))
      // The compiler makes no window that reaches beyond the last number.
      .map(([field, low, pieces, step]) => {
        const most = Math.floor((0x1_0000_0000 - low) / 2 ** step);
        return node(CxNodeKind.CUT, field, low, Math.min(pieces, most), step);
      })
      .filter(({ extent }) => extent > 0),
    fc
      .tuple(fc.nat(CX_FIELDS - 1), u32, u32)
      .map(([field, low, mask]) => node(CxNodeKind.MASK, field, low, mask, 1)),
    fc
      .tuple(fc.nat(CX_FIELDS - 1), fc.constantFrom(1, 3, 7, 15), fc.nat(28))
      .map(([field, mask, step]) => node(CxNodeKind.BITS, field, 0, mask, step)),
  ),
  { maxLength: 12 },
);

/** Which way a node goes, as bpf/coax.h says. */
function way({ operation, low, extent }: CxNode, key: readonly number[]): number {
  const value = key[(operation >>> CX_NODE_FIELD_SHIFT) & 31] ?? 0;
  const step = operation >>> CX_NODE_STEP_SHIFT;
  const difference = (value - low) >>> 0;
  switch (operation & 7) {
    case CxNodeKind.RANGE:
      return difference <= extent ? 1 : 0;
    case CxNodeKind.CUT:
      return Math.min(difference >>> step, extent);
    case CxNodeKind.MASK:
      return (value & extent) >>> 0 === low ? 1 : 0;
    default:
      return (value >>> step) & extent;
  }
}

test('every packet that agrees in what mattered goes the same way through all nodes', (t) => {
  const key = fc.array(u32, { minLength: CX_FIELDS, maxLength: CX_FIELDS });
  let changed = 0;
  fc.assert(
    fc.property(nodes, key, key, fc.gen(), (visited, one, noise, draw) => {
      const known = matteringWords(visited, one);
      const other = one.map((value, field) => {
        const { low, high, mask } = known.get(field) ?? { low: 0, high: 0xffff_ffff, mask: 0 };
        const wish = (((noise[field] ?? 0) & ~mask) | (value & mask)) >>> 0;
        const near = draw(fc.integer, { min: low, max: high });
        const candidates = [wish, ((near & ~mask) | (value & mask)) >>> 0];
        return candidates.find((each) => each >= low && each <= high) ?? value;
      });
      if (other.some((value, field) => value !== one[field])) changed++;
      return visited.every((each) => way(each, one) === way(each, other));
    }),
    { numRuns: 2000 },
  );
  t.true(changed > 1000, `${changed} other packets`);
});

const words = (text: string): number[] => {
  const value = Address.parse(text).toBigInt();
  return [96n, 64n, 32n, 0n].map((shift) => Number((value >> shift) & 0xffff_ffffn));
};

test('what mattered is written as selectors are', (t) => {
  const key = [
    ...words('2001:db8:1::2'),
    ...words('2001:db8:99::2'),
    17,
    4000,
    5061,
    46,
    0,
    0,
    0x100,
    0x100,
    7,
    0,
    0x110,
  ];
  const visited = [
    node(CxNodeKind.RANGE, CxField.DESTINATION, 0x20010db8, 0, 1),
    node(CxNodeKind.RANGE, CxField.DESTINATION + 1, 0x0099_0000, 0xffff, 1),
    node(CxNodeKind.RANGE, CxField.PROTOCOL, 17, 0, 1),
    node(CxNodeKind.RANGE, CxField.DESTINATION_PORT, 5060, 20, 1),
    node(CxNodeKind.RANGE, CxField.DESTINATION_PORT, 5070, 0, 1),
    node(CxNodeKind.RANGE, CxField.ICMP_TYPE, 128, 0, 1),
    node(CxNodeKind.RANGE, CxField.INTERFACE, 7, 0, 1),
    node(CxNodeKind.MASK, CxField.MARK, 0x10, 0xff, 1),
    node(CxNodeKind.MATCH, 0, 0, 0, 0),
  ];
  t.deepEqual(
    matteringBits(visited, key, (ifindex) => `eth${ifindex}`).map(
      ({ field, values }) => `${field} ${values}`,
    ),
    [
      'destination 2001:db8:99::/48',
      'protocol udp',
      'destination-port 5060-5069',
      'icmp-type none',
      'interface eth7',
      'mark 0x10/0xff',
    ],
  );
  t.deepEqual(matteringBits([], key, String), []);
});
