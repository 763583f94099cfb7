import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Address } from '../../../src/net/index.js';
import type { RouterRecord } from '../../../src/registration/index.js';
import { Journal, writtenRegistrations } from '../../../src/signalling/index.js';
import { SignallingError } from '../../../src/signalling/signalling-error.js';
import { temporaryFolder } from '../../support/temporary.js';

/** Which one it is shows its sequence number. */
function record(sequence: number): RouterRecord {
  const nothing = { mobileRouter: false, prefixes: [], implicit: false, bindings: [], flows: [] };
  return { homeAddress: '2001:db8:77::1', at: '0', sequence, ...nothing };
}

function numbers(path: string): unknown[] {
  using journal = new Journal(path);
  return (journal.read()?.routers ?? []).map((one) => (one as RouterRecord).sequence);
}

function write(path: string, routers: RouterRecord[]): void {
  using journal = new Journal(path);
  journal.rewrite({ version: 1, routers });
}

function withFile(body: (path: string) => void): void {
  const folder = temporaryFolder();
  try {
    body(join(folder.path, 'state', 'journal'));
  } finally {
    folder.remove();
  }
}

test('what was written and appended is read again', (t) => {
  withFile((path) => {
    using journal = new Journal(path);
    t.is(journal.read(), undefined);
    journal.rewrite({ version: 1, routers: [record(1)] });
    t.false(journal.append([record(2), record(3)]));
    t.deepEqual(numbers(path), [1, 2, 3]);
    t.is(statSync(path).mode & 0o777, 0o640);
  });
});

test('a last line that was cut is not read, and nothing goes behind it', (t) => {
  withFile((path) => {
    write(path, [record(1)]);
    appendFileSync(path, JSON.stringify(record(2)).slice(0, 20));
    using journal = new Journal(path);
    t.is(journal.read()?.routers.length, 1);
    const before = readFileSync(path);
    t.true(journal.append([record(3)]), 'it wants to be written anew');
    t.deepEqual(readFileSync(path), before);
    journal.rewrite({ version: 1, routers: [record(3)] });
    t.false(journal.append([record(4)]));
    t.deepEqual(numbers(path), [3, 4]);
  });
});

test('a line in the middle that is no record is said with its number', (t) => {
  withFile((path) => {
    write(path, [record(1)]);
    appendFileSync(path, `{"homeAddr${JSON.stringify(record(2))}\n`);
    const error = t.throws(() => new Journal(path).read(), { instanceOf: SignallingError });
    t.is(error?.code, 'JOURNAL_UNREADABLE');
    t.regex(error?.message ?? '', /line 3 is no record/);
    t.is(new Journal(path).putAside(), `${path}.unusable`);
    t.is(new Journal(path).putAside(), undefined);
  });
});

test('a file of which not even the first line is whole is no journal', (t) => {
  withFile((path) => {
    write(path, []);
    for (const text of ['', '{"version"', '[]\n', '{"version":"1"}\n']) {
      writeFileSync(path, text);
      t.is(
        t.throws(() => new Journal(path).read(), { instanceOf: SignallingError })?.code,
        'JOURNAL_UNREADABLE',
      );
    }
    writeFileSync(path, '{"version":1}');
    using journal = new Journal(path);
    t.deepEqual(journal.read(), { version: 1, routers: [] });
    t.true(journal.append([record(1)]));
  });
});

test('what cannot be written is an error with a code, and leaves what was there', (t) => {
  withFile((path) => {
    using journal = new Journal(path);
    journal.rewrite({ version: 1, routers: [record(1)] });
    // A file is no folder, not even for root.
    using other = new Journal(join(path, 'below'));
    const error = t.throws(() => other.rewrite({ version: 1, routers: [] }), { instanceOf: SignallingError });
    t.is(error?.code, 'JOURNAL_NOT_WRITTEN');
    t.deepEqual(numbers(path), [1]);
  });
});

test('who only looks is told what holds, by the last record of each router', (t) => {
  withFile((path) => {
    t.is(writtenRegistrations(path).size, 0);
    const binding = (bid: number, left: number) => ({
      ...{ bid, careOf: `2001:db8:a::${bid}`, priority: 7, lifetime: 60, left },
    });
    const at = (BigInt(Date.now()) * 1_000_000n).toString();
    const long = 262_140_000;
    write(path, [{ ...record(1), at, bindings: [{ ...binding(1, long), lifetime: 262_140 }] }]);
    appendFileSync(
      path,
      `${JSON.stringify({ ...record(2), at, bindings: [{ ...binding(2, long), lifetime: 262_140 }, binding(3, 0)] })}\n`,
    );
    const before = readFileSync(path);
    const registration = writtenRegistrations(path).get(Address.parse('2001:db8:77::1').key);
    t.deepEqual(
      registration?.bindings.map(({ bid, priority }) => [bid, priority]),
      [[2, 7]],
    );
    t.deepEqual(readFileSync(path), before);
    writeFileSync(path, 'nothing of the kind\n');
    t.throws(() => writtenRegistrations(path), { instanceOf: SignallingError, code: 'JOURNAL_UNREADABLE' });
  });
});
