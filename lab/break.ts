// Damages one thing in the running datapath of a mobile router, to prove that the demo would notice.
import { fileURLToPath } from 'node:url';
import { setGenerationSizes } from '../src/datapath/generation-sizes.js';
import {
  CX_GENERATIONS,
  type CxBinding,
  CxNodeKind,
  CxSetting,
  decodeCxBinding,
  decodeCxBlock,
  encodeCxBinding,
  encodeCxBlock,
  Instance,
} from '../src/datapath/index.js';
import { MAP_NAMES } from '../src/datapath/map-catalogue.js';
import { BpfLink, BpfMap, BpfObject } from '../src/libbpf-ts/index.js';
import type { LabDaemon } from './daemon.js';

export const damages = ['source', 'link', 'decap', 'mark', 'hoplimit', 'mtu'] as const;

/** What can be damaged. */
export type Damage = (typeof damages)[number];

export function isDamage(word: string): word is Damage {
  return damages.some((damage) => damage === word);
}

/** There was nothing to damage. */
class DamageError extends Error {
  readonly code = 'DAMAGE_FAILED';
}

/** Programs that do not decrement the hop limit, compiled from the same source with CX_BREAK_HOPLIMIT. */
const HOPLIMIT_OBJECT = fileURLToPath(new URL('../../bpf/test/tc-break-hoplimit.bpf.o', import.meta.url));

/** An MTU above that of every link. */
const TOO_LARGE = 9_000;

/**
 * Halts the daemon, which would repair it, and damages its datapath through the pinned maps and links.
 * Says in words what was done. @throws DamageError when there was nothing to damage
 */
export async function damage(daemon: LabDaemon, what: Damage): Promise<string> {
  await daemon.kill('SIGSTOP');
  const instance = new Instance(daemon.instance, daemon.bpffs);
  switch (what) {
    case 'source':
      return swapBindings(instance, (row, from) => ({ ...row, outerSource: from.outerSource }));
    case 'link':
      return swapBindings(instance, (row, { ifindex, uplinkIfindex, nextHop, nextHopMac, ownMac }) => ({
        ...row,
        ...{ ifindex, uplinkIfindex, nextHop, nextHopMac, ownMac },
      }));
    case 'mtu':
      return swapBindings(instance, (row) => ({ ...row, mtu: TOO_LARGE }));
    case 'decap':
      return detachUplinks(instance);
    case 'mark':
      return changeMarks(instance);
    case 'hoplimit':
      return replaceIngress(instance);
  }
}

const word = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);

function readWord(bytes: Uint8Array | undefined): number {
  return bytes === undefined ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, LITTLE_ENDIAN);
}

const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Rewrites every row in use, given the next one in use, under the packets. */
function swapBindings(instance: Instance, change: (row: CxBinding, next: CxBinding) => CxBinding): string {
  using slots = BpfMap.fromPin(instance.mapPin('cx_binding_slot'));
  using rows = BpfMap.fromPin(instance.mapPin('cx_binding_rows'));
  const used: { at: number; row: CxBinding }[] = [];
  for (let index = 0; index < slots.maxEntries; index++) {
    const at = readWord(slots.get(word(index)));
    const bytes = at === 0 ? undefined : rows.get(word(at));
    if (bytes !== undefined) used.push({ at, row: decodeCxBinding(bytes) });
  }
  if (used.length < 2) throw new DamageError(`${used.length} bindings are in use, two are needed`);
  for (const [i, { at, row }] of used.entries()) {
    const next = used[(i + 1) % used.length];
    if (next !== undefined) rows.set(word(at), encodeCxBinding(change(row, next.row)));
  }
  return `${used.length} binding rows rewritten`;
}

function detachUplinks(instance: Instance): string {
  const pins = instance.linkPins().filter((pin) => pin.startsWith('uplink-'));
  if (pins.length === 0) throw new DamageError('no program is attached to an uplink');
  for (const pin of pins) {
    using link = BpfLink.fromPin(instance.linkPin(pin));
    link.detach();
  }
  return `detached ${pins.join(', ')}`;
}

/** Policies of the active generation look for another mark. */
function changeMarks(instance: Instance): string {
  using settings = BpfMap.fromPin(instance.mapPin('cx_settings'));
  using blocks = BpfMap.fromPin(instance.mapPin('cx_blocks'));
  const size = blocks.maxEntries / CX_GENERATIONS;
  const first = readWord(settings.get(word(CxSetting.GENERATION))) * size;
  let changed = 0;
  for (let at = first; at < first + size; at++) {
    const block = decodeCxBlock(blocks.get(word(at)) ?? new Uint8Array());
    const asking = block.nodes.filter(({ operation }) => (operation & 0xff) === CxNodeKind.MASK);
    if (asking.length === 0) continue;
    for (const node of asking) node.low = (node.low ^ node.extent) >>> 0;
    blocks.set(word(at), encodeCxBlock(block));
    changed += asking.length;
  }
  if (changed === 0) throw new DamageError('no policy looks at the mark');
  return `${changed} comparisons look for another mark`;
}

/** The ingress programs are replaced, over the same maps, by some that keep the hop limit. */
async function replaceIngress(instance: Instance): Promise<string> {
  const pins = instance.linkPins().filter((pin) => pin.startsWith('ingress-'));
  if (pins.length === 0) throw new DamageError('no program is attached to an ingress interface');
  const object = BpfObject.open(HOPLIMIT_OBJECT);
  const shared: BpfMap[] = [];
  try {
    for (const name of MAP_NAMES) {
      const spec = object.maps.get(name);
      const live = BpfMap.fromPin(instance.mapPin(name));
      shared.push(live);
      spec.maxEntries = live.maxEntries;
      spec.reuse(live);
    }
    object.rodata.set('cx_role', 0);
    setGenerationSizes(object);
    using live = await object.load();
    for (const pin of pins) {
      using link = BpfLink.fromPin(instance.linkPin(pin));
      link.update(live.programs.get('coax_ingress'));
    }
    return `replaced ${pins.join(', ')}`;
  } finally {
    object.close();
    for (const map of shared) map.close();
  }
}
