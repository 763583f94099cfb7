import { appendFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

async function withFile(body: (path: string) => void | Promise<void>): Promise<void> {
  const folder = temporaryFolder();
  try {
    await body(join(folder.path, 'state', 'journal'));
  } finally {
    folder.remove();
  }
}

test('what was written and appended is read again', async (t) => {
  await withFile((path) => {
    using journal = new Journal(path);
    t.is(journal.read(), undefined);
    journal.rewrite({ version: 1, routers: [record(1)] });
    t.false(journal.append([record(2), record(3)]));
    t.deepEqual(numbers(path), [1, 2, 3]);
    t.is(statSync(path).mode & 0o777, 0o640);
  });
});

test('a last line that was cut is not read, and nothing goes behind it', async (t) => {
  await withFile((path) => {
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

test('a line in the middle that is no record is said with its number', async (t) => {
  await withFile((path) => {
    write(path, [record(1)]);
    appendFileSync(path, `{"homeAddr${JSON.stringify(record(2))}\n`);
    const error = t.throws(() => new Journal(path).read(), { instanceOf: SignallingError });
    t.is(error?.code, 'JOURNAL_UNREADABLE');
    t.regex(error?.message ?? '', /line 3 is no record/);
    t.is(new Journal(path).putAside(), `${path}.unusable`);
    t.is(new Journal(path).putAside(), undefined);
  });
});

test('a file of which not even the first line is whole is no journal', async (t) => {
  await withFile((path) => {
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

test('what cannot be written is an error with a code, and leaves what was there', async (t) => {
  await withFile((path) => {
    using journal = new Journal(path);
    journal.rewrite({ version: 1, routers: [record(1)] });
    // A file is no folder, not even for root.
    using other = new Journal(join(path, 'below'));
    const error = t.throws(() => other.rewrite({ version: 1, routers: [] }), { instanceOf: SignallingError });
    t.is(error?.code, 'JOURNAL_NOT_WRITTEN');
    t.deepEqual(numbers(path), [1]);
  });
});

test('who only looks is told what holds, by the last record of each router', async (t) => {
  await withFile((path) => {
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

test('what is appended while the file is written anew is in it, behind what it says of the same router', async (t) => {
  await withFile(async (path) => {
    using journal = new Journal(path);
    journal.rewrite({ version: 1, routers: [record(1)] });
    t.false(journal.isLong);
    for (let sequence = 2; !journal.isLong; sequence++) t.false(journal.append([record(sequence)]));
    const before = numbers(path).length;
    t.true(before > 1000);
    let given = 0;
    const records = function* (): Generator<RouterRecord> {
      for (; given < 1000; given++) {
        // In the middle of a piece, between two, and behind the last one.
        if (given === 300 || given === 512 || given === 999) journal.append([record(70_000 + given)]);
        yield record(given);
      }
    };
    const done = journal.compact(1, records());
    journal.append([record(80_000)]);
    t.false(journal.isLong, 'once is enough');
    await done;
    const after = numbers(path);
    t.deepEqual(
      after.slice(0, 1000),
      Array.from({ length: 1000 }, (_, at) => at),
    );
    t.deepEqual(after.slice(1000), [80_000, 70_300, 70_512, 70_999]);
    journal.append([record(90_000)]);
    t.is(numbers(path).at(-1), 90_000);
    t.is(statSync(path).mode & 0o777, 0o640);
  });
});

test('a journal that is written anew at once, or closed, is not written in pieces any more', async (t) => {
  await withFile(async (path) => {
    const journal = new Journal(path);
    journal.rewrite({ version: 1, routers: [record(1)] });
    const first = journal.compact(1, [record(2)]);
    journal.rewrite({ version: 1, routers: [record(3)] });
    await first;
    t.deepEqual(numbers(path), [3]);
    const second = journal.compact(1, [record(4)]);
    journal[Symbol.dispose]();
    await second;
    t.deepEqual(numbers(path), [3]);
    t.deepEqual(readdirSync(dirname(path)), ['journal']);
  });
});

test('a journal for which there is no room in pieces stays as it is, and is not tried again at once', async (t) => {
  await withFile(async (path) => {
    using journal = new Journal(path);
    journal.rewrite({ version: 1, routers: [record(1)] });
    for (let sequence = 2; !journal.isLong; sequence++) journal.append([record(sequence)]);
    mkdirSync(`${path}.compact`);
    const error = await t.throwsAsync(async () => journal.compact(1, [record(2)]), {
      instanceOf: SignallingError,
    });
    t.is(error?.code, 'JOURNAL_NOT_WRITTEN');
    t.false(journal.isLong);
    t.false(journal.append([record(5000)]));
    t.is(numbers(path).at(-1), 5000);
  });
});
