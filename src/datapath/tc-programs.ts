import { type BpfMap, BpfObject, type BpfProgram, type LoadedObject } from '../libbpf-ts/index.js';
import { CxRole } from './generated.js';
import { setGenerationSizes } from './generation-sizes.js';
import { MAP_NAMES, type MapName } from './map-catalogue.js';
import type { SharedConstants } from './xdp-object.js';

/** What the TC programs are loaded with, beside the maps. */
export interface TcConstants extends SharedConstants {
  /** The kernel's cookie of the network namespace. */
  readonly networkNamespace: bigint;
}

/** What every instance of a role has attached; on links with Ethernet headers, as nearly all are. */
const USUAL: Readonly<Record<CxRole, readonly string[]>> = {
  [CxRole.MOBILE_ROUTER]: ['coax_home', 'coax_peer', 'coax_ingress', 'coax_uplink'],
  [CxRole.HOME_AGENT]: ['coax_home', 'coax_peer', 'coax_transit'],
};

/**
 * The TC programs in the kernel. The verifier takes tens of milliseconds for each, on small machines hundreds, so that those
 * that not every instance has are loaded over the same maps when they are first needed.
 */
export class TcPrograms {
  /** The one whose maps are everybody's. */
  readonly object: LoadedObject;
  readonly #path: string;
  readonly #constants: TcConstants;
  readonly #programs = new Map<string, BpfProgram>();

  private constructor(path: string, constants: TcConstants, object: LoadedObject) {
    this.#path = path;
    this.#constants = constants;
    this.object = object;
    for (const program of object.programs) this.#programs.set(program.name, program);
  }

  /**
   * Loads what every instance of the role needs.
   * @param object of the path, with its maps prepared; the caller closes it
   * @throws BpfError and VerifierError of the load
   */
  static async load(object: BpfObject, path: string, constants: TcConstants): Promise<TcPrograms> {
    const usual = USUAL[constants.role];
    prepare(object, constants, (name) => usual.includes(name));
    return new TcPrograms(path, constants, await object.load());
  }

  /** A program that `need` was called for. @throws NotFoundError for another one */
  get(name: string): BpfProgram {
    return this.#programs.get(name) ?? this.object.programs.get(name);
  }

  /**
   * Loads those of these programs that are not yet.
   * @throws NotFoundError for one that there is not; BpfError and VerifierError of the load
   */
  async need(names: Iterable<string>): Promise<void> {
    const missing = new Set([...names].filter((name) => !this.#programs.has(name)));
    if (missing.size === 0) return;
    const object = BpfObject.open(this.#path);
    try {
      for (const spec of object.maps) {
        if (!isShared(spec.name)) continue;
        const map = this.object.maps.get(spec.name);
        spec.maxEntries = map.maxEntries;
        spec.reuse(map);
      }
      for (const name of missing) object.programs.get(name);
      prepare(object, this.#constants, (name) => missing.has(name));
      const loaded = await object.load();
      // Its programs hold them, and descriptors are few.
      closeAll(loaded.maps);
      for (const program of loaded.programs) this.#programs.set(program.name, program);
    } finally {
      object.close();
    }
  }

  /** Closes the handles; what is attached or pinned stays. */
  close(): void {
    for (const program of this.#programs.values()) program.close();
    closeAll(this.object.maps);
  }
}

function isShared(name: string): name is MapName {
  return MAP_NAMES.some((each) => each === name);
}

function closeAll(maps: Iterable<BpfMap>): void {
  for (const map of maps) map.close();
}

function prepare(
  object: BpfObject,
  { role, fragmentSecret, networkNamespace }: TcConstants,
  isWanted: (program: string) => boolean,
): void {
  for (const program of object.programs) program.autoload = isWanted(program.name);
  object.rodata.set('cx_role', role);
  object.rodata.set('cx_fragment_secret', [...fragmentSecret]);
  object.rodata.set('cx_network_namespace', networkNamespace);
  setGenerationSizes(object);
}
