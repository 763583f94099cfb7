// Which TC programs are in the kernel, and over which maps.
import test from 'ava';
import { CxRole } from '../../../src/datapath/index.js';
import { type MapName, mapSizes } from '../../../src/datapath/map-catalogue.js';
import { objectFile } from '../../../src/datapath/object-file.js';
import { TcPrograms } from '../../../src/datapath/tc-programs.js';
import { BpfObject, NotFoundError } from '../../../src/libbpf-ts/index.js';

const LIMITS = { bindings: 2, routers: 2, policies: 4, prefixes: 4, routes: 4, neighbours: 2 };

/** The programs of a role over maps that nobody has pinned. */
async function load(role: CxRole): Promise<TcPrograms> {
  const path = objectFile('tc.bpf.o');
  const object = BpfObject.open(path);
  try {
    for (const [name, size] of Object.entries(mapSizes(LIMITS))) object.maps.get(name).maxEntries = size;
    return await TcPrograms.load(object, path, { role, fragmentSecret: [1, 2, 3, 4], networkNamespace: 1n });
  } finally {
    object.close();
  }
}

/** Of the maps that a program and its like use, those named. */
function mapsOf(programs: TcPrograms, program: string, names: readonly MapName[]): MapName[] {
  const used = new Set(programs.get(program).info.mapIds);
  return names.filter((name) => used.has(programs.object.maps.get(name).info.id));
}

for (const [role, usual, other] of [
  ['MOBILE_ROUTER', 'coax_uplink', 'coax_transit'],
  ['HOME_AGENT', 'coax_transit', 'coax_uplink'],
] as const) {
  test.serial(`${role}: what every instance has is loaded, another program when it is needed`, async (t) => {
    const programs = await load(CxRole[role]);
    try {
      const shared: MapName[] = ['cx_binding_slot', 'cx_binding_rows', 'cx_settings', 'cx_reasons'];
      t.deepEqual(mapsOf(programs, usual, shared), shared);
      t.throws(() => programs.get(other), { instanceOf: NotFoundError });
      const before = programs.get(usual).info.id;
      await programs.need([usual, other, `${other}_l3`]);
      t.is(programs.get(usual).info.id, before, 'it is not loaded again');
      for (const name of [other, `${other}_l3`]) t.deepEqual(mapsOf(programs, name, shared), shared, name);
      const loaded = programs.get(other).info.id;
      await programs.need([other]);
      t.is(programs.get(other).info.id, loaded);
      t.throws(() => programs.get('coax_nothing'), { instanceOf: NotFoundError });
    } finally {
      programs.close();
    }
  });
}

test.serial('a program that there is not is no reason to load others', async (t) => {
  const programs = await load(CxRole.HOME_AGENT);
  try {
    await t.throwsAsync(async () => programs.need(['coax_nothing']), { instanceOf: NotFoundError });
  } finally {
    programs.close();
  }
});
