import { BpfObject, type LoadedObject, type OpenOptions } from '../libbpf-ts/index.js';
import type { CxRole } from './generated.js';
import { setGenerationSizes } from './generation-sizes.js';
import { MAP_NAMES } from './map-catalogue.js';
import { objectFile } from './object-file.js';

/** What the XDP programs must have in common with the TC programs behind them, beside the maps. */
export interface SharedConstants {
  readonly role: CxRole;
  /** Four random words, see bpf/fragment.h. */
  readonly fragmentSecret: readonly number[];
}

/**
 * Loads the XDP programs over the maps of loaded TC programs.
 * @throws BpfError and VerifierError of the load
 */
export async function loadXdpObject(
  tc: LoadedObject,
  { role, fragmentSecret }: SharedConstants,
  options: OpenOptions = {},
): Promise<LoadedObject> {
  const object = BpfObject.open(objectFile('xdp.bpf.o'), options);
  try {
    for (const spec of object.maps) {
      const shared = MAP_NAMES.find((name) => name === spec.name);
      if (shared === undefined) continue;
      const map = tc.maps.get(shared);
      spec.maxEntries = map.maxEntries;
      spec.reuse(map);
    }
    object.rodata.set('cx_role', role);
    object.rodata.set('cx_fragment_secret', [...fragmentSecret]);
    setGenerationSizes(object);
    return await object.load();
  } finally {
    object.close();
  }
}
