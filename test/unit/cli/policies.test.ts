import test from 'ava';
import { formatPolicies } from '../../../src/cli/commands/policies.js';
import { FakeController } from '../../support/fake-controller.js';

test('what a router has registered is told from the policies of the file, and has its FID on the wire', (t) => {
  const of = new FakeController().policies()[0];
  if (of === undefined) throw new Error('there is no policy');
  const registered = { ...of, fid: 65_537, registeredFid: 1, name: 'flow-1', priority: 65_552 };
  const rows = (text: string): string[][] => text.split('\n').map((line) => line.trim().split(/ {2,}/));
  t.deepEqual(
    rows(formatPolicies([of, registered])).map((row) => row.slice(0, 5)),
    [
      ['ROUTER', 'FROM', 'FID', 'NAME', 'PRI'],
      ['mr1', 'file', '1', 'voice', '10'],
      ['mr1', 'router', '1', 'flow-1', '65552'],
    ],
  );
  t.deepEqual(rows(formatPolicies([of]))[0]?.slice(0, 3), ['ROUTER', 'FID', 'NAME']);
});
