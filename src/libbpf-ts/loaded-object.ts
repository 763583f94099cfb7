import type { NativeLoaded } from '../native/addon.js';
import type { Btf } from './btf/btf.js';
import { BpfMap } from './map.js';
import { NamedTable } from './named-table.js';
import type { MapSpec, ProgramSpec } from './object-spec.js';
import { BpfProgram } from './program.js';

export interface Blueprint {
  btf: Btf | undefined;
  maps: NamedTable<MapSpec>;
  programs: NamedTable<ProgramSpec>;
}

/** The maps and programs of an object in the kernel. */
export class LoadedObject {
  readonly btf: Btf | undefined;
  readonly maps: NamedTable<BpfMap>;
  readonly programs: NamedTable<BpfProgram>;
  /** Verifier logs by program, where a log level asked for them. */
  readonly logs: ReadonlyMap<string, string>;

  /** @internal Use `BpfObject.load`. */
  constructor(loaded: NativeLoaded, blueprint: Blueprint, publicName: (rawName: string) => string) {
    this.btf = blueprint.btf;
    this.maps = new NamedTable(
      'map',
      Object.entries(loaded.maps).map(([rawName, handle]) => {
        const name = blueprint.maps.has(rawName) ? rawName : publicName(rawName);
        const spec = blueprint.maps.get(name);
        const origin = { btf: this.btf, keyTypeId: spec.keyTypeId, valueTypeId: spec.valueTypeId };
        return [name, new BpfMap(handle, name, origin)] as const;
      }),
    );
    this.programs = new NamedTable(
      'program',
      Object.entries(loaded.programs).map(([name, handle]) => [name, new BpfProgram(handle, name)] as const),
      (name) => (blueprint.programs.has(name) ? ' (autoload of this one is off)' : ''),
    );
    this.logs = new Map(loaded.logs.map(({ name, log }) => [name, log]));
  }

  /** Closes all maps and programs. Pins and links keep what they hold. */
  close(): void {
    for (const map of this.maps) map.close();
    for (const program of this.programs) program.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
