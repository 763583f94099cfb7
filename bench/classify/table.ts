// The programs of bpf/test/classify-bench.bpf.c over tables of their own.
import { fileURLToPath } from 'node:url';
import { setGenerationSizes } from '../../src/datapath/generation-sizes.js';
import type { GenerationTable } from '../../src/datapath/generation-table.js';
import { type MapName, mapSizes } from '../../src/datapath/map-catalogue.js';
import { Tables } from '../../src/datapath/tables.js';
import { encodeWord } from '../../src/datapath/word.js';
import { type BpfMap, BpfObject, type LoadedObject } from '../../src/libbpf-ts/index.js';
import type { CompiledGeneration } from '../../src/policy/index.js';
import type { Flows } from './flows.js';

const OBJECT = fileURLToPath(new URL('../../../bpf/test/classify-bench.bpf.o', import.meta.url));

/** As many as BENCH_FLOWS in the object. */
export const FLOWS = 65_536;
/** As many as the other designs look at, which are slow. */
export const FEW_FLOWS = FLOWS / 64;
const PACKET_BYTES = 64;
/** Any packet will do: the programs look at the ones in their map. */
const FRAME = new Uint8Array(64);

export type PassName = 'bench_classify' | 'bench_empty' | 'bench_hit' | 'bench_linear' | 'bench_tuple_space';

export class BenchTable implements Disposable {
  readonly object: LoadedObject;
  readonly generations: GenerationTable;

  private constructor(object: LoadedObject) {
    const map = (name: MapName): BpfMap => object.maps.get(name);
    this.object = object;
    this.generations = new Tables(map).generations;
    // Every binding is usable: bindings are told by their index.
    const slots = map('cx_binding_slot');
    for (let index = 1; index < slots.maxEntries; index++) slots.set(encodeWord(index), encodeWord(1));
  }

  static async load(limits: { policies: number; routers: number; bindings: number }): Promise<BenchTable> {
    const object = BpfObject.open(OBJECT);
    const sizes = mapSizes({ ...limits, prefixes: 64, routes: 64, neighbours: 64 });
    for (const spec of object.maps) {
      const size = sizes[spec.name as MapName];
      if (size !== undefined) spec.maxEntries = size;
    }
    setGenerationSizes(object);
    return new BenchTable(await object.load());
  }

  setFlows(flows: Flows): void {
    const bytes = new Uint8Array(flows.count * PACKET_BYTES);
    const view = new DataView(bytes.buffer);
    for (let packet = 0; packet < flows.count; packet++) {
      const at = packet * PACKET_BYTES;
      for (let word = 0; word < 4; word++) {
        view.setUint32(at + 4 * word, flows.source[4 * packet + word] as number);
        view.setUint32(at + 16 + 4 * word, flows.destination[4 * packet + word] as number);
      }
      const sourcePort = flows.sourcePort[packet] as number;
      const hasPorts = sourcePort < FLOWS;
      view.setUint32(at + 36, flows.mark[packet] as number, true);
      view.setUint32(at + 44, flows.router[packet] as number, true);
      view.setUint16(at + 48, hasPorts ? sourcePort : 0, true);
      view.setUint16(at + 50, hasPorts ? (flows.destinationPort[packet] as number) : 0, true);
      view.setUint8(at + 52, flows.protocol[packet] as number);
      view.setUint8(at + 53, (flows.dscp[packet] as number) << 2);
      view.setUint8(at + 54, hasPorts ? 1 : 0);
    }
    this.object.maps.get('bench_packets').setRange(0, bytes);
  }

  activate(generation: CompiledGeneration): Promise<number> {
    return this.generations.activate(generation);
  }

  /** One pass over all packets; nanoseconds for each. `mark` is that of the test run. */
  pass(name: PassName, packets = FLOWS, mark = 0): number {
    const context = this.object.btf?.encode('__sk_buff', { mark });
    const { durationNs } = this.object.programs
      .get(name)
      .testRun({ data: FRAME, dataOutSize: 0, ...(context && { context }) });
    return durationNs / packets;
  }

  /** Policy ids that the last pass decided by, 0 = none. */
  answers(count = FLOWS): Uint32Array {
    const bytes = this.object.maps.get('bench_answers').getRange(0, count);
    return new Uint32Array(bytes.buffer, bytes.byteOffset, count);
  }

  close(): void {
    this.object.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
