import type { BpfObject } from '../libbpf-ts/index.js';
import { CX_GENERATIONS } from './generated.js';

const SIZES = [
  ['cx_blocks_per_generation', 'cx_blocks'],
  ['cx_policies_per_generation', 'cx_policies'],
  ['cx_policy_sets_per_generation', 'cx_policy_sets'],
  ['cx_routers_per_generation', 'cx_routers'],
] as const;

/** Tells programs that are not loaded yet how large a slot of each table is, from the sizes of its maps. */
export function setGenerationSizes(object: Pick<BpfObject, 'maps' | 'rodata'>): void {
  for (const [variable, map] of SIZES) {
    object.rodata.set(variable, object.maps.get(map).maxEntries / CX_GENERATIONS);
  }
}
