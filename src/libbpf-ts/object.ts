import { addon, type NativeObject, type NativeObjectSettings } from '../native/addon.js';
import { Btf } from './btf/btf.js';
import { ArgumentError, ClosedError, fromNative, native, StateError } from './errors.js';
import { LoadedObject } from './loaded-object.js';
import { NamedTable } from './named-table.js';
import { MapSpec, ProgramSpec } from './object-spec.js';
import { VariableSection } from './variable-section.js';

export interface OpenOptions {
  /** The object's name; default: the file's. */
  name?: string;
  /** Verifier log of every program: 1, 2, 4 or sums. 0, the default: only of one that fails. */
  logLevel?: number;
  /** Room for a log in bytes; 16 MiB unless told, of which only what is written takes memory. */
  logSize?: number;
  /** Folder in a bpffs for maps that ask for pinning by name. */
  pinRoot?: string;
}

type State = 'open' | 'loading' | 'loaded' | 'failed' | 'closed';

/**
 * An object file, parsed but not in the kernel: the blueprint. Adjust maps, programs and variables, then `load()`, which
 * answers the live objects.
 */
export class BpfObject {
  /** Undefined when it was compiled without -g. */
  readonly btf: Btf | undefined;
  readonly maps: NamedTable<MapSpec>;
  readonly programs: NamedTable<ProgramSpec>;
  readonly rodata: VariableSection;
  readonly data: VariableSection;
  readonly bss: VariableSection;
  readonly #native: NativeObject;
  #state: State = 'open';

  private constructor(handle: NativeObject) {
    this.#native = handle;
    const opened = (): NativeObject => this.#opened();
    const raw = native(() => handle.btf());
    this.btf = raw === undefined ? undefined : Btf.fromBytes(raw);
    const maps = native(() => handle.maps());
    this.maps = new NamedTable(
      'map',
      maps.map((map) => {
        const name = map.internal ? publicName(map.name) : map.name;
        return [name, new MapSpec(name, map, opened)] as const;
      }),
    );
    const programs = native(() => handle.programs());
    this.programs = new NamedTable(
      'program',
      programs.map((program) => [program.name, new ProgramSpec(program, opened)] as const),
    );
    const section = (name: string): VariableSection => {
      const map = maps.find((each) => each.internal && publicName(each.name) === name);
      return new VariableSection(name, map?.name, this.btf, opened);
    };
    this.rodata = section('.rodata');
    this.data = section('.data');
    this.bss = section('.bss');
  }

  /**
   * Parses an object file. Needs no privilege.
   * @throws BpfError ENOENT without the file, EINVAL or ELIBBPF codes when it is no BPF object
   */
  static open(pathOrBytes: string | Uint8Array, options: OpenOptions = {}): BpfObject {
    if (typeof pathOrBytes !== 'string' && !(pathOrBytes instanceof Uint8Array)) {
      throw new ArgumentError('pathOrBytes', 'a path or a Uint8Array', pathOrBytes);
    }
    const settings: NativeObjectSettings = { ...options };
    const what = typeof pathOrBytes === 'string' ? pathOrBytes : `an object of ${pathOrBytes.length} bytes`;
    const BpfObjectClass = addon().BpfObject;
    return new BpfObject(
      native(() => new BpfObjectClass(pathOrBytes, settings), { operation: `open ${what}` }),
    );
  }

  get closed(): boolean {
    return this.#state === 'closed' || this.#state === 'loaded' || this.#state === 'failed';
  }

  /**
   * Makes the maps and loads the programs, off the event loop. Works once; afterwards this blueprint is closed.
   * @throws VerifierError when a program is refused, BpfError for everything else
   */
  async load(): Promise<LoadedObject> {
    const handle = this.#opened();
    this.#state = 'loading';
    try {
      const loaded = await handle.load();
      this.#state = 'loaded';
      return new LoadedObject(
        loaded,
        { btf: this.btf, maps: this.maps, programs: this.programs },
        publicName,
      );
    } catch (error) {
      this.#state = 'failed';
      throw fromNative(error);
    } finally {
      handle.close();
    }
  }

  /** Only needed for an object that is not loaded. */
  close(): void {
    if (this.#state === 'loading')
      throw new StateError('The object is being loaded; close what load() answers');
    this.#native.close();
    if (this.#state === 'open') this.#state = 'closed';
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #opened(): NativeObject {
    if (this.#state === 'closed') throw new ClosedError('object');
    if (this.#state !== 'open') throw new StateError(`The object is ${this.#state}; open the file again`);
    return this.#native;
  }
}

/** libbpf puts the object's name before the section's: `coax_tc.rodata`. */
function publicName(rawName: string): string {
  const dot = rawName.indexOf('.');
  return dot < 0 ? rawName : rawName.slice(dot);
}
