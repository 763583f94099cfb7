// What XDP programs know of interfaces: rows, devices, and the order in which both change.
import test from 'ava';
import { CX_PORT_ROWS, CxPortSize, decodeCxPort } from '../../../src/datapath/index.js';
import { PortTable } from '../../../src/datapath/port-table.js';
import { decodeWord, encodeWord } from '../../../src/datapath/word.js';
import { BpfMap } from '../../../src/libbpf-ts/index.js';
import { MacAddress } from '../../../src/net/index.js';

/** The loopback interface: the kernel takes only devices that there are. */
const LO = 1;
const MAC = MacAddress.parse('02:00:00:00:00:01');
const OTHER_MAC = MacAddress.parse('02:00:00:00:00:02');

interface Maps extends Disposable {
  readonly ports: BpfMap;
  readonly devices: BpfMap;
}

function maps(): Maps {
  const shape = { keySize: 4, maxEntries: CX_PORT_ROWS } as const;
  const ports = BpfMap.create({ ...shape, type: 'array', valueSize: CxPortSize });
  const devices = BpfMap.create({ ...shape, type: 'devmap', valueSize: 4 });
  return {
    ports,
    devices,
    [Symbol.dispose]() {
      ports.close();
      devices.close();
    },
  };
}

function rowOf({ ports }: Maps, row: number): unknown {
  return decodeCxPort(ports.get(encodeWord(row)) ?? new Uint8Array());
}

function deviceOf({ devices }: Maps, row: number): number | undefined {
  const value = devices.get(encodeWord(row));
  return value && decodeWord(value);
}

test.serial('an interface that is sent to has a device, one that is not has none', async (t) => {
  using each = maps();
  const table = new PortTable(each.ports, each.devices);
  t.is(
    await table.sync([
      { ifindex: LO, mac: MAC, transmits: true },
      { ifindex: 7, mac: OTHER_MAC, transmits: false },
    ]),
    3,
  );
  t.deepEqual(rowOf(each, LO), { mac: MAC.toString(), flags: 1, tag: 1 });
  t.deepEqual(rowOf(each, 7), { mac: OTHER_MAC.toString(), flags: 0, tag: 1 });
  t.is(deviceOf(each, LO), LO);
  t.is(deviceOf(each, 7), undefined);
});

test.serial('what is right already is not written again', async (t) => {
  using each = maps();
  const ports = [{ ifindex: LO, mac: MAC, transmits: true }];
  await new PortTable(each.ports, each.devices).sync(ports);
  t.is(await new PortTable(each.ports, each.devices).sync(ports), 0);
});

test.serial(
  'what is not wanted any more goes, also of a table that another process has filled',
  async (t) => {
    using each = maps();
    await new PortTable(each.ports, each.devices).sync([{ ifindex: LO, mac: MAC, transmits: true }]);
    const table = new PortTable(each.ports, each.devices);
    await table.sync([{ ifindex: LO, mac: OTHER_MAC, transmits: false }]);
    t.deepEqual(rowOf(each, LO), { mac: OTHER_MAC.toString(), flags: 0, tag: 1 });
    t.is(deviceOf(each, LO), undefined);
    await table.sync([]);
    t.deepEqual(rowOf(each, LO), { mac: '00:00:00:00:00:00', flags: 0, tag: 0 });
  },
);

test.serial('of two interfaces that share a row one has it, and each can tell', async (t) => {
  using each = maps();
  const table = new PortTable(each.ports, each.devices);
  const [first, second] = [LO, LO + CX_PORT_ROWS];
  await table.sync([
    { ifindex: first, mac: MAC, transmits: true },
    { ifindex: second, mac: OTHER_MAC, transmits: false },
  ]);
  t.deepEqual(rowOf(each, LO), { mac: MAC.toString(), flags: 1, tag: 1 });
  await table.sync([{ ifindex: second, mac: OTHER_MAC, transmits: false }]);
  t.deepEqual(rowOf(each, LO), { mac: OTHER_MAC.toString(), flags: 0, tag: 2 });
  t.is(deviceOf(each, LO), undefined, 'the device was that of the first');
});

test.serial('an interface with a number that no row can tell is left to TC', async (t) => {
  using each = maps();
  t.is(
    await new PortTable(each.ports, each.devices).sync([{ ifindex: 300_000, mac: MAC, transmits: true }]),
    0,
  );
});

test.serial('a device that the kernel took out comes back', async (t) => {
  using each = maps();
  const table = new PortTable(each.ports, each.devices);
  const ports = [{ ifindex: LO, mac: MAC, transmits: true }];
  await table.sync(ports);
  each.devices.delete(encodeWord(LO));
  t.is(await table.sync(ports), 1);
  t.is(deviceOf(each, LO), LO);
});
