import { BpfObject } from '../libbpf-ts/index.js';
import { MacAddress } from '../net/index.js';
import { objectFile } from './object-file.js';

/**
 * The MAC address that home interfaces and external tunnel devices of ours have, as the programs know it.
 * @throws DatapathError OBJECT_MISSING
 */
export function readHomeMac(): MacAddress {
  using object = BpfObject.open(objectFile('tc.bpf.o'));
  return homeMacOf(object);
}

export function homeMacOf(object: BpfObject): MacAddress {
  return MacAddress.parse(String(object.rodata.get('cx_home_mac')));
}
