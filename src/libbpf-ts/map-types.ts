import { Btf } from './btf/btf.js';
import { BtfError } from './errors.js';
import type { BpfMap, MapOrigin } from './map.js';

export interface TypedMapOptions {
  /** Where types are looked up; otherwise the object's or the loaded map's. */
  btf?: Btf;
  /** Name or id of the key's BTF type, where the map does not say. */
  key?: string | number;
  value?: string | number;
}

export interface MapTypes {
  btf: Btf;
  keyTypeId: number;
  valueTypeId: number;
}

/** The BTF a map was loaded with. Needs CAP_SYS_ADMIN. */
export function mapBtf(map: BpfMap): Btf | undefined {
  const { btfId } = map.info;
  return btfId === 0 ? undefined : Btf.fromId(btfId);
}

/** Decides which types a map's keys and values have. */
export function typesOf(map: BpfMap, origin: MapOrigin | undefined, options: TypedMapOptions): MapTypes {
  const btf = options.btf ?? origin?.btf ?? mapBtf(map);
  if (btf === undefined) {
    throw new BtfError(`Map '${map.name}' has no type information; pass {btf, key, value}`);
  }
  // Ids belong to one BTF: those of the map say nothing in another.
  let ids = { key: 0, value: 0 };
  if (options.btf === undefined || options.btf === origin?.btf) {
    if (origin?.btf !== undefined) ids = { key: origin.keyTypeId, value: origin.valueTypeId };
    else ids = { key: map.info.btfKeyTypeId, value: map.info.btfValueTypeId };
  }
  if (map.name.startsWith('.') && ids.key === 0) {
    // A section of variables: one element, whose type is the section.
    ids = { key: unsignedWord(btf), value: btf.find(map.name, 'datasec')?.id ?? 0 };
  }
  return {
    btf,
    keyTypeId: pick(map, btf, 'key', options.key ?? ids.key, map.keySize),
    valueTypeId: pick(map, btf, 'value', options.value ?? ids.value, map.valueSize),
  };
}

function unsignedWord(btf: Btf): number {
  return btf.types().find((type) => type.kind === 'int' && type.size === 4 && !type.signed)?.id ?? 0;
}

function pick(map: BpfMap, btf: Btf, role: 'key' | 'value', type: string | number, size: number): number {
  if (type === 0)
    throw new BtfError(`Map '${map.name}' does not say its ${role} type; pass {${role}: 'type name'}`);
  const id = btf.id(type);
  if (btf.sizeof(id) !== size) {
    throw new BtfError(
      `The ${role} of map '${map.name}' has ${size} bytes, but ${btf.typeName(id)} has ${btf.sizeof(id)}`,
    );
  }
  return id;
}
