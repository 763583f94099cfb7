/** The packet tables with the XDP programs in front: what they decide is what TC would, the rest TC still gets. */
import test from 'ava';
import { CxReason } from '../../../src/datapath/index.js';
import { packetDifference } from '../../support/packet-text.js';
import { actionTables } from './action-table.js';
import { agentTables } from './agent-table.js';
import { copyTables } from './copy-table.js';
import { errorTables } from './error-table.js';
import { homeLinkTables } from './home-link-table.js';
import { ingressTables } from './ingress-table.js';
import { actionOf, checkRow, type PacketRow, type PacketTable, verdictText } from './packet-row.js';
import { selectorTables } from './selector-table.js';
import { isXdpProgram, type ReasonName, TestDatapath, type XdpProgramName } from './test-datapath.js';
import { uplinkTables } from './uplink-table.js';

const tables: PacketTable[] = [
  ...ingressTables,
  ...uplinkTables,
  ...agentTables,
  ...errorTables,
  ...selectorTables,
  ...actionTables,
  ...copyTables,
  ...homeLinkTables,
];

/** With these an XDP program ends a packet's way itself; a packet with another reason is TC's. */
const DECIDED: ReadonlySet<ReasonName> = new Set<ReasonName>([
  'ENCAPSULATED',
  'DECAPSULATED',
  'RELAYED',
  'TO_HOME_LINK',
  'DROP_BROKEN_STATE',
  'DROP_BY_POLICY',
  'DROP_DESTINATION',
  'DROP_ECN',
  'DROP_HEADER_CHAIN',
  'DROP_LINK_SCOPE',
  'DROP_LOOP',
  'DROP_NOT_IPV6',
  'DROP_OUTER_SOURCE',
  'DROP_SOURCE',
]);

/** Packets with such a reason that are TC's all the same. */
const LEFT_ALL_THE_SAME = new Set([
  'copy: one that is not usable', // `copy` is TC's
  'copy: the smallest MTU is the packet itself',
  'copy: whatever the order',
  'ingress, extension headers: ports behind the longest destination options', // further behind than XDP looks
  'ingress, way out: an uplink without a link header',
  'home link, mobile router: a home link without a link header',
  'uplink: no home interface', // the way into the stack is TC's
  'home agent, from tunnel to tunnel: outer extension headers are removed', // not the room of one header
  'home agent, from tunnel to tunnel: outer extension headers of more than the header',
]);

const loaded = new Map<PacketTable['role'], TestDatapath>();

test.before(async () => {
  for (const role of ['MOBILE_ROUTER', 'HOME_AGENT'] as const) {
    const datapath = await TestDatapath.load(role);
    loaded.set(role, datapath);
    await datapath.loadXdp();
  }
});

test.after.always(() => {
  for (const datapath of loaded.values()) {
    datapath.close();
  }
});

interface XdpRow extends PacketRow {
  readonly program: XdpProgramName;
}

function isForXdp(row: PacketRow): row is XdpRow {
  // What is to be segmented comes from this machine itself, and XDP is no place for it.
  return isXdpProgram(row.program) && row.context?.gsoSize === undefined;
}

/** Does an XDP program end the way of this packet? */
function isDecided(title: string, { reason, also, description }: PacketRow): boolean {
  return DECIDED.has(reason) && !also && !LEFT_ALL_THE_SAME.has(`${title}: ${description}`);
}

for (const { title, role, rows } of tables) {
  for (const row of rows.filter(isForXdp)) {
    test.serial(`${title}: ${row.description}`, async (t) => {
      const datapath = loaded.get(role) as TestDatapath;
      await datapath.become(row.world);
      const packet = row.packet.bytes();
      const hits = row.policy && datapath.policyHits(...row.policy);
      const { result, verdicts } = datapath.counting(() => datapath.sendXdp(row.program, packet));
      t.is(verdicts.length, 1, 'every exit counts one reason');
      t.is(verdicts[0]?.bytes, packet.length);
      if (!isDecided(title, row)) {
        t.is(verdictText({ verdicts }), `XDP_${row.hook} LEFT_TO_TC`);
        t.is(result.action, 'pass');
        if (row.policy && hits !== undefined) t.is(datapath.policyHits(...row.policy), hits, 'TC counts it');
        const behind = { ...row, packet: { bytes: () => result.data } as PacketRow['packet'] };
        t.deepEqual(await checkRow(datapath, { ...behind, expected: row.expected ?? row.packet }), []);
        return;
      }
      t.is(verdictText({ verdicts }), `XDP_${row.hook} ${row.reason}`);
      t.is(result.action, actionOf(row.reason));
      const expected = row.expected?.bytes(result.data);
      if (expected) t.is(packetDifference(expected, result.data, true), '');
      if (row.policy && hits !== undefined) t.is(datapath.policyHits(...row.policy), hits + 1);
    });
  }
}

test.serial('every reason that XDP decides by is in the tables', (t) => {
  const decided = tables.flatMap(({ title, rows }) =>
    rows.filter((row) => isForXdp(row) && isDecided(title, row)).map(({ reason }) => reason),
  );
  t.deepEqual([...new Set(decided)].sort(), [...DECIDED].sort());
  t.true(decided.length > 100);
  const names = tables.flatMap(({ title, rows }) =>
    rows.map(({ description }) => `${title}: ${description}`),
  );
  t.deepEqual(
    [...LEFT_ALL_THE_SAME].filter((name) => !names.includes(name)),
    [],
  );
  t.true([...DECIDED].every((reason) => reason in CxReason));
});
