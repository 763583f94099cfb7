// What stands where our pins are or should be.
import { existsSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { CxRole, CxSetting, Datapath, encodeCxNeighbour, Instance } from '../../../src/datapath/index.js';
import { LAYOUT_PIN } from '../../../src/datapath/layout.js';
import { MAP_NAMES } from '../../../src/datapath/map-catalogue.js';
import { BpfMap } from '../../../src/libbpf-ts/index.js';
import { at } from '../../support/kernel-objects.js';
import { anyPolicy, rowsOf } from '../../support/policies.js';
import { withBpffs } from '../../support/private-bpffs.js';

const LEAST = { bindings: 1, routers: 1, policies: 1, prefixes: 1, routes: 1, neighbours: 1 };

const open = (instance: Instance): Promise<Datapath> =>
  Datapath.open({ instance, role: CxRole.MOBILE_ROUTER, limits: LEAST });

const neighbour = (mac: string): readonly [Uint8Array, Uint8Array] => {
  const address = '2001:db8:1::2';
  const ownMac = '02:00:00:00:00:01';
  return [at(address).toBytes(), encodeCxNeighbour({ address, ifindex: 2, mac, ownMac, mtu: 1500 })];
};

test.serial('the least limits there are do what they promise, also when a row changes', async (t) => {
  await withBpffs(async (bpffs) => {
    using datapath = await open(new Instance('least', bpffs));
    const { neighbours } = datapath;
    t.deepEqual(await neighbours.sync([neighbour('02:00:00:00:00:02')]), {
      added: 1,
      changed: 0,
      removed: 0,
    });
    for (const mac of ['02:00:00:00:00:03', '02:00:00:00:00:04']) {
      t.deepEqual(await neighbours.sync([neighbour(mac)]), { added: 0, changed: 1, removed: 0 });
      t.deepEqual(neighbours.rows(), [neighbour(mac)[1]]);
    }
    t.is(await datapath.generations.activate(rowsOf([anyPolicy])), 1);
    t.is(await datapath.generations.activate(rowsOf([anyPolicy])), 2);
  });
});

test.serial('words, accepted addresses and the generation are those of before the restart', async (t) => {
  await withBpffs(async (bpffs) => {
    const instance = new Instance('again', bpffs);
    const generation = rowsOf([{ ...anyPolicy, fid: 77 }]);
    const end = [new Uint8Array(32).fill(1), new Uint8Array(40).fill(2)] as const;
    {
      using datapath = await open(instance);
      datapath.settings.set(CxSetting.HOME_IFINDEX, 9);
      datapath.settings.set(CxSetting.ROUTE_PROTOCOL, 191);
      await datapath.tunnelEnds.sync([end]);
      await datapath.generations.activate(generation);
    }
    using datapath = await open(instance);
    t.true(datapath.adopted);
    t.is(datapath.settings.get(CxSetting.HOME_IFINDEX), 9);
    t.is(datapath.settings.get(CxSetting.ROUTE_PROTOCOL), 191);
    t.is(datapath.settings.get(CxSetting.ROLE), CxRole.MOBILE_ROUTER + 1);
    t.true(await datapath.generations.isActive(generation));
    t.is(datapath.generations.activeId, 1);
    t.deepEqual(await datapath.tunnelEnds.sync([end]), { added: 0, changed: 0, removed: 0 });
    t.deepEqual(
      datapath.maps().map(({ name }) => name),
      [...MAP_NAMES],
    );
  });
});

test.serial('a map of another kind with the same sizes is no map of ours', async (t) => {
  await withBpffs(async (bpffs) => {
    const instance = new Instance('kind', bpffs);
    let entries = 0;
    {
      using datapath = await open(instance);
      entries = datapath.maps().find(({ name }) => name === 'cx_settings')?.maxEntries ?? 0;
    }
    unlinkSync(instance.mapPin('cx_settings'));
    {
      using other = BpfMap.create({ type: 'hash', keySize: 4, valueSize: 4, maxEntries: entries });
      other.pin(instance.mapPin('cx_settings'));
    }
    await t.throwsAsync(open(instance), { code: 'PINNED_STATE_UNREADABLE', message: /cx_settings/ });
    t.true(
      MAP_NAMES.every((name) => existsSync(instance.mapPin(name))),
      'nothing was removed',
    );
  });
});

test.serial('pins that are not ours stay where they are, ours beside them go', async (t) => {
  await withBpffs(async (bpffs) => {
    const instance = new Instance('mine', bpffs);
    const neighbourInstance = new Instance('other', bpffs);
    (await open(instance)).close();
    (await open(neighbourInstance)).close();
    const foreign = join(instance.directory, 'maps', 'somebody');
    {
      using map = BpfMap.create({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 1 });
      map.pin(foreign);
    }
    const ours = [...MAP_NAMES, LAYOUT_PIN].map((name) => instance.mapPin(name));
    t.deepEqual(instance.remove().sort(), ours.sort());
    t.true(existsSync(foreign));
    t.true(MAP_NAMES.every((name) => existsSync(neighbourInstance.mapPin(name))));
    t.false(existsSync(join(instance.directory, 'links')));
    // The rest of somebody else is no state of ours.
    using datapath = await open(instance);
    t.false(datapath.adopted);
  });
});
