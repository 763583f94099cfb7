/** The packet tables on the real programs: verdict, action and packet of every row. */
import test from 'ava';
import { CxReason } from '../../../src/datapath/index.js';
import { actionTables } from './action-table.js';
import { agentTables } from './agent-table.js';
import { copyTables } from './copy-table.js';
import { errorTables } from './error-table.js';
import { homeLinkTables } from './home-link-table.js';
import { homeTables } from './home-table.js';
import { ingressTables } from './ingress-table.js';
import { checkRow, expectRow, type PacketTable } from './packet-row.js';
import { selectorTables } from './selector-table.js';
import { TestDatapath } from './test-datapath.js';
import { uplinkTables } from './uplink-table.js';

const tables: PacketTable[] = [
  ...ingressTables,
  ...homeTables,
  ...uplinkTables,
  ...agentTables,
  ...errorTables,
  ...selectorTables,
  ...actionTables,
  ...copyTables,
  ...homeLinkTables,
];

/** Reasons that no packet of a test run can get, and why. */
const UNREACHABLE: Readonly<Record<string, string>> = {
  NONE: 'the start value: no exit gives it',
  TO_BE_ENCRYPTED: 'no test run has what the kernel leaves to encrypt: tunnels/esp-offload.test.ts',
  LEFT_TO_TC: 'XDP programs give it: xdp-tables.test.ts',
  TO_DAEMON: 'the tables have no mobility headers: signalling.test.ts',
  DROP_SIGNALS_FULL: 'the same',
  DROP_SIGNAL_LIMIT: 'the same',
  DROP_ANSWER_LIMIT: 'one packet in a test run is never too many: answers.test.ts takes a hundred',
};

const loaded = new Map<PacketTable['role'], TestDatapath>();

test.before(async () => {
  for (const role of ['MOBILE_ROUTER', 'HOME_AGENT'] as const) {
    loaded.set(role, await TestDatapath.load(role));
  }
});

test.after.always(() => {
  for (const datapath of loaded.values()) {
    datapath.close();
  }
});

for (const { title, role, rows } of tables) {
  for (const row of rows) {
    test.serial(`${title}: ${row.description}`, async (t) => {
      await expectRow(t, loaded.get(role) as TestDatapath, row);
    });
  }
}

test.serial('the tables produce every reason that a packet can get', (t) => {
  const produced = new Set<string>(
    tables.flatMap(({ rows }) =>
      rows.flatMap(({ reason, also }) => [reason, ...(also ? [also.reason] : [])]),
    ),
  );
  const missing = Object.keys(CxReason).filter((reason) => !produced.has(reason));
  t.deepEqual(missing.sort(), Object.keys(UNREACHABLE).sort());
});

test.serial('a wrong row is told with both packets, layer by layer', async (t) => {
  const row = ingressTables[0]?.rows[0];
  if (!row) {
    return t.fail('there is no row');
  }
  const wrong = await checkRow(loaded.get('MOBILE_ROUTER') as TestDatapath, {
    ...row,
    reason: 'HOP_LIMIT',
    expected: row.packet,
  });
  t.regex(wrong.join('\n'), /expected INGRESS HOP_LIMIT, got INGRESS ENCAPSULATED/);
  t.regex(wrong.join('\n'), /^\+ ipv6 2001:db8:a::1 > 2001:db8:ff::1 hop 64 .* next ipv6$/m);
  t.regex(wrong.join('\n'), /^- ipv6 2001:db8:100:1::10 > 2001:db8:200::1 hop 64 .* next udp$/m);
});
