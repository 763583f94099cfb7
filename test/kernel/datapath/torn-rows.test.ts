/** A care-of address change under traffic: no packet sees half of a row, or another binding's. */
import test from 'ava';
import { Address, MacAddress } from '../../../src/net/index.js';
import { tries } from '../../support/work.js';
import { withBpffs } from '../libbpf-ts/support.js';
import { TestDatapath } from './test-datapath.js';
import { ROWS } from './torn-rows-world.js';
import { shareMaps, Updater } from './updater.js';
import { BID, mobileWorld, policies, up } from './worlds.js';

/** TORN_PACKETS asks for more. */
const PACKETS = Number(process.env.TORN_PACKETS ?? tries(200_000));
const LEAST_SWITCHES = 100;
const PORT = { A: 2000, B: 2001 } as const;
const UPLINKS = ['A', 'B'] as const;
/** Ethernet header and the IPv6 header to the end of its source. */
const TELLING = 38;

/** Both MACs and the outer source of a packet that left. */
function wayOf(data: Uint8Array): string {
  const [nextHop, own] = [data.subarray(0, 6), data.subarray(6, 12)].map((mac) => MacAddress.fromBytes(mac));
  return `${Address.fromBytes(data.subarray(22, TELLING))} from ${own} to ${nextHop}`;
}

test.serial('two bindings that are switched under traffic never lend each other an address', async (t) => {
  using datapath = await TestDatapath.load('MOBILE_ROUTER');
  await datapath.become(
    mobileWorld({
      policies: policies(
        { match: { destinationPort: { low: PORT.A, high: PORT.A } }, use: [BID.A] },
        { match: { destinationPort: { low: PORT.B, high: PORT.B } }, use: [BID.B] },
      ),
      rows: { A: ROWS.A[0], B: ROWS.B[0] },
    }),
  );
  await withBpffs(async (folder) => {
    shareMaps(datapath, folder, [
      'cx_binding_slot',
      'cx_binding_rows',
      'cx_binding_keys',
      'cx_binding_count',
    ]);
    await using updater = await Updater.start('./torn-rows-worker.js', [folder]);
    // Keys are bytes, for speed: they become text below.
    const seen = { A: new Map<string, number>(), B: new Map<string, number>() };
    const packets = UPLINKS.map((uplink) => ({
      ways: seen[uplink],
      bytes: up().udp({ destinationPort: PORT[uplink] }).payload(32).onEthernet().bytes(),
    }));
    for (let sent = 0; sent < PACKETS; sent += packets.length) {
      for (const { ways, bytes } of packets) {
        const { action, data } = datapath.send('coax_ingress', bytes);
        const way = action === 'redirect' ? Buffer.from(data).toString('latin1', 0, TELLING) : action;
        ways.set(way, (ways.get(way) ?? 0) + 1);
      }
    }
    const switches = await updater.stop();
    t.log(`${PACKETS} packets, ${switches} switches`);
    t.true(switches > LEAST_SWITCHES, `only ${switches} switches`);
    for (const uplink of UPLINKS) {
      const ways = [...seen[uplink].keys()].map((way) =>
        way.length === TELLING ? wayOf(Buffer.from(way, 'latin1')) : way,
      );
      const rows = ROWS[uplink].map((row) => `${row.outerSource} from ${row.ownMac} to ${row.nextHopMac}`);
      t.deepEqual([...new Set(ways)].sort(), rows.sort(), `ways of binding ${uplink}`);
    }
  });
});
