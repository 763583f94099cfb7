import test from 'ava';
import fc from 'fast-check';
import { elfSection } from '../../../src/libbpf-ts/btf/elf.js';
import { Btf, BtfError, LibbpfTsError } from '../../../src/libbpf-ts/index.js';
import { sampleBtf, sampleFile } from './sample.js';

const raw = (): Uint8Array => {
  const section = elfSection(sampleFile(), '.BTF');
  if (section === undefined) throw new Error('the sample has no BTF');
  return section;
};

test('types of every kind are read', (t) => {
  const btf = sampleBtf();
  const kinds = new Set(btf.types().map((type) => type.kind));
  for (const kind of [
    'int',
    'ptr',
    'array',
    'struct',
    'union',
    'enum',
    'enum64',
    'typedef',
    'const',
    'volatile',
  ] as const) {
    t.true(kinds.has(kind), kind);
  }
  for (const kind of ['func', 'func_proto', 'var', 'datasec', 'decl_tag'] as const)
    t.true(kinds.has(kind), kind);
  const row = btf.find('sample_row', 'struct');
  t.is(row?.size, 144);
  t.is(row?.members[1]?.name, 'usable');
  t.is(btf.sizeof('struct sample_key'), 20);
  t.deepEqual(btf.declTags(btf.id('sample_key'), 1), ['ipv6']);
  t.is(btf.enumName('sample_reason', 7), 'SAMPLE_REASON_TOO_BIG');
  t.is(btf.enumName('sample_reason', 99), undefined);
  t.is(btf.enumName('sample_wide', 0x100000000n), 'SAMPLE_WIDE_LARGE');
});

test('types are named as in C', (t) => {
  const btf = sampleBtf();
  const member = (name: string): string => {
    const found = btf.find('sample_row', 'struct')?.members.find((each) => each.name === name);
    return btf.typeName(found?.type ?? 0);
  };
  t.is(member('raw'), '__u8[5]');
  t.is(member('care_of'), 'struct in6_addr');
  t.is(member('pair'), 'struct sample_inner[2]');
  t.is(btf.typeName(0), 'void');
});

test('a name that is not there lists what is', (t) => {
  const error = t.throws(() => sampleBtf().sizeof('sample_rwo'), { code: 'NOT_FOUND' });
  t.regex(error.message, /sample_row/);
});

test('random bytes give the typed error', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      // Behind a good start more of the parser is reached.
      for (const input of [bytes, withHeader(bytes)]) {
        try {
          useAll(Btf.fromBytes(input));
        } catch (error) {
          if (!(error instanceof LibbpfTsError)) throw error;
        }
      }
      return true;
    }),
    { numRuns: 500 },
  );
  t.throws(() => Btf.fromBytes(new Uint8Array(3)), { instanceOf: BtfError, code: 'INVALID_BTF' });
});

test('damaged BTF gives the typed error, and never hangs', (t) => {
  const good = raw();
  const mutation = fc.record({ at: fc.nat(good.length - 1), byte: fc.nat(255) });
  fc.assert(
    fc.property(
      fc.array(mutation, { minLength: 1, maxLength: 12 }),
      fc.nat(good.length),
      (mutations, cut) => {
        const bytes = good.slice(0, cut % 4 === 0 ? cut : good.length);
        for (const { at, byte } of mutations) if (at < bytes.length) bytes[at] = byte;
        try {
          useAll(Btf.fromBytes(bytes));
        } catch (error) {
          if (!(error instanceof LibbpfTsError)) throw error;
        }
        return true;
      },
    ),
    { numRuns: 400 },
  );
  t.notThrows(() => useAll(Btf.fromBytes(good)));
});

test('damaged ELF gives the typed error', (t) => {
  const good = sampleFile();
  fc.assert(
    fc.property(fc.nat(63), fc.nat(255), (at, byte) => {
      const bytes = good.slice();
      bytes[at] = byte;
      try {
        elfSection(bytes, '.BTF');
      } catch (error) {
        if (!(error instanceof LibbpfTsError)) throw error;
      }
      return true;
    }),
  );
  t.throws(() => Btf.fromObject(new Uint8Array(100)), { code: 'INVALID_BTF', message: /ELF/ });
  t.throws(() => Btf.fromObject('/nonexistent.o'), { code: 'ENOENT' });
});

test('structs within structs without end are found', (t) => {
  // struct a { struct a x; } and a typedef of itself
  const types = [
    [1, (4 << 24) | 1, 4, /* member */ 1, 1, 0],
    [1, 8 << 24, 2],
  ].flat();
  const btf = Btf.fromBytes(assemble(types, '\0a\0'));
  t.throws(() => btf.sizeof(1), { code: 'INVALID_BTF', message: /contains itself/ });
  t.throws(() => btf.sizeof(2), { code: 'INVALID_BTF' });
});

test('unions of unions that would decode for ever are refused', (t) => {
  // 1: int; then each union holds the one before 100 times, in the same bytes.
  const types: number[] = [1, 1 << 24, 4, 32];
  for (let level = 1; level <= 12; level++) {
    types.push(1, (5 << 24) | 100, 4);
    for (let member = 0; member < 100; member++) types.push(1, level, 0);
  }
  const btf = Btf.fromBytes(assemble(types, '\0a\0'));
  t.throws(() => btf.codec(13), { code: 'INVALID_BTF', message: /too many parts/ });
});

function withHeader(types: Uint8Array): Uint8Array {
  const words = Array.from({ length: types.length >> 2 }, (_, i) =>
    new DataView(types.buffer, types.byteOffset).getUint32(i * 4, true),
  );
  return assemble(words, '\0a\0bc\0');
}

function assemble(types: readonly number[], strings: string): Uint8Array {
  const bytes = new Uint8Array(24 + types.length * 4 + strings.length);
  const view = new DataView(bytes.buffer);
  [0x0001eb9f, 24, 0, types.length * 4, types.length * 4, strings.length, ...types].forEach((word, i) => {
    view.setUint32(i * 4, word, true);
  });
  bytes.set(Buffer.from(strings), 24 + types.length * 4);
  return bytes;
}

/** Everything that walks types. */
function useAll(btf: Btf): void {
  for (const { id } of btf.types()) {
    btf.typeName(id);
    try {
      const codec = btf.codec(id);
      if (codec.size < 10_000) codec.decode(new Uint8Array(codec.size));
    } catch (error) {
      if (!(error instanceof LibbpfTsError)) throw error;
    }
  }
}
