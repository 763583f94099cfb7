import test from 'ava';
import { exitCodeOf } from '../../../src/cli/exit-code.js';
import { describeFailure } from '../../../src/cli/failure.js';
import { formatBytes, formatSince, formatSpan } from '../../../src/cli/format.js';
import { formatTable } from '../../../src/cli/table.js';

test('bytes have at most four digits', (t) => {
  t.deepEqual([0, 999, 1000, 9_949, 9_950, 999_499, 999_500, 3.2e9, 5e18].map(formatBytes), [
    '0 B',
    '999 B',
    '1.0 kB',
    '9.9 kB',
    '10 kB',
    '999 kB',
    '1.0 MB',
    '3.2 GB',
    '5000 PB',
  ]);
});

test('spans have their two largest units', (t) => {
  t.deepEqual([-5, 0, 59, 60, 61, 3_600, 90_061].map(formatSpan), [
    '0 s',
    '0 s',
    '59 s',
    '1 min',
    '1 min 1 s',
    '1 h',
    '1 d 1 h',
  ]);
  t.is(formatSince('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:01:00Z')), '1 min');
  t.is(formatSince('never'), '-');
});

test('a table: numbers right, what is missing is a dash, colours do not count', (t) => {
  const rows = [
    { name: '\u001b[32mab\u001b[39m', count: 5 },
    { name: null, count: 1234 },
  ];
  const table = formatTable(
    [
      { title: 'NAME', cell: (row) => row.name },
      { title: 'N', align: 'right', cell: (row) => row.count },
    ],
    rows,
    'none',
  );
  t.deepEqual(table.split('\n'), ['NAME     N', '\u001b[32mab\u001b[39m       5', '-     1234']);
  t.is(formatTable([{ title: 'A', cell: () => 1 }], [], 'none'), 'none');
});

test('every kind of failure has its exit status', (t) => {
  const of = (code: string, more: object = {}) =>
    exitCodeOf(Object.assign(new Error('x'), { code, ...more }));
  t.is(of('CONFIG_INVALID'), 78);
  t.is(of('DAEMON_NOT_REACHABLE'), 3);
  t.is(of('EPERM'), 4);
  t.is(of('NETLINK_KERNEL', { errnoName: 'EPERM' }), 4);
  t.is(of('ATTACH_FAILED', { cause: Object.assign(new Error('y'), { code: 'EPERM' }) }), 4);
  t.is(of('USAGE'), 2);
  t.is(of('INSTANCE_RUNNING'), 1);
  t.is(exitCodeOf(new Error('x')), 1);
  t.is(exitCodeOf(undefined), 1);
});

test('what the machine ran out of comes with what to do, also where it is the cause of something else', (t) => {
  const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
  t.regex(describeFailure(full)[1] ?? '', /^hint: make room/);
  const error = Object.assign(new Error('it broke', { cause: full }), { code: 'SOMETHING' });
  t.deepEqual(describeFailure(error)[0], 'coax: error: it broke (SOMETHING)');
  t.regex(describeFailure(error)[1] ?? '', /^hint: make room/);
  t.is(describeFailure(Object.assign(new Error('x'), { code: 'ENOENT' })).length, 1);
});

test('a failure is one line with its code, then the hint', (t) => {
  const error = Object.assign(new Error('it broke'), { code: 'EPERM' });
  t.is(describeFailure(error)[0], 'coax: error: it broke (EPERM)');
  t.regex(describeFailure(error)[1] ?? '', /^hint: run it as root/);
  const remote = Object.assign(new Error('a (and 1 more)'), {
    code: 'CONFIG_INVALID',
    hint: 'h',
    details: ['a', 'b'],
  });
  t.deepEqual(describeFailure(remote), ['a', 'b', 'coax: error: a (and 1 more) (CONFIG_INVALID)', 'hint: h']);
});
