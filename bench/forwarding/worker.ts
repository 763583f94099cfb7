// The part of the benchmark that has the daemon's capabilities and no others: loads the programs and sends.
//
//   worker.js serve                       requests on standard input, see worker-protocol.ts
//   worker.js attach-tc PROGRAM IFINDEX LINK   attaches a pinned program in the network namespace it runs in
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  attachClsact,
  attachTcx,
  BpfObject,
  BpfProgram,
  features,
  type LoadedObject,
  parseIpv6,
  TestRunFlags,
} from '../../src/libbpf-ts/index.js';
import type { Expected, RunAnswer, RunRequest, WorkerAnswer, WorkerRequest } from './worker-protocol.js';

const OBJECT = fileURLToPath(new URL('../../../bpf/test/forwarding-bench.bpf.o', import.meta.url));
const ALL_BITS = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';
const ROW = new Uint8Array(4);
/** BENCH_SHIFT of the object, and the room of an outer header. */
const SHIFT = 64;
const OUTER = 40;
/** Frames that are made before the packets of them are handled. */
const BATCH = 64;
/** The least that a frame takes, ns: so that one call into the kernel is long enough for the wanted time. */
const LEAST_NS = { asFastAsItGoes: 120, withRate: 60 };

type ProgramName = 'bench_generate' | 'bench_redirect_xdp' | 'bench_redirect_tc' | 'bench_sink';

function open(programs: readonly ProgramName[], flows = 1): BpfObject {
  const object = BpfObject.open(OBJECT);
  for (const program of object.programs) program.autoload = programs.includes(program.name as ProgramName);
  object.maps.get('bench_flows').maxEntries = flows;
  return object;
}

async function loadSink(path: string, expected: Expected, stamping: boolean): Promise<void> {
  const object = open(['bench_sink']);
  const words = (address: string): number[] => [...new Uint32Array(parseIpv6(address).slice().buffer)];
  object.rodata.set('bench_expected', {
    source: words(expected.source),
    sourceMask: words(expected.sourceMask ?? ALL_BITS),
    destination: words(expected.destination),
    destinationMask: words(expected.destinationMask ?? ALL_BITS),
    nextHeader: expected.nextHeader,
  });
  object.rodata.set('bench_stamping', stamping ? 1 : 0);
  using live = await object.load();
  live.programs.get('bench_sink').pin(path);
  live.maps.get('bench_stamps').pin(`${path}-stamps`);
  live.maps.get('bench_received').pin(`${path}-count`);
}

async function loadRedirect(path: string, ifindex: number): Promise<void> {
  const object = open(['bench_redirect_xdp', 'bench_redirect_tc']);
  object.rodata.set('bench_out_ifindex', ifindex);
  using live = await object.load();
  live.programs.get('bench_redirect_xdp').pin(`${path}-xdp`);
  live.programs.get('bench_redirect_tc').pin(`${path}-tc`);
  live.maps.get('bench_out').pin(`${path}-out`);
}

/** The generating end. */
class Generator {
  readonly #object: LoadedObject;

  constructor(object: LoadedObject) {
    this.#object = object;
  }

  pinLanes(path: string): void {
    this.#object.maps.get('bench_lanes').pin(path);
  }

  writeFlows(first: number, file: string): void {
    this.#object.maps.get('bench_flows').setRange(first, readFileSync(file));
  }

  run(request: RunRequest): RunAnswer {
    const { btf, maps, programs } = this.#object;
    if (btf === undefined) throw new Error('the object has no type information');
    const tunnelled = request.outerDestination !== undefined;
    const none = { packets: 0n, begin: 0n, last: 0n, done: 0n };
    maps.get('bench_sent').set(ROW, btf.encode('bench_sent', none));
    const nanoseconds = Math.round(request.seconds * 1e9);
    const run = {
      duration: BigInt(nanoseconds),
      interval: BigInt(request.rate === undefined ? 0 : Math.round((1e9 * 1024) / request.rate)),
      ...{ lane: request.lane, first: request.first, mask: request.flows - 1 },
      tunnelled: tunnelled ? 1 : 0,
      outerDestination: request.outerDestination ?? '::',
      destinationMac: request.destinationMac,
      sourceMac: request.sourceMac,
    };
    maps.get('bench_runs').set(ROW, btf.encode('bench_run', run));
    const least = request.rate === undefined ? LEAST_NS.asFastAsItGoes : LEAST_NS.withRate;
    programs.get('bench_generate').testRun({
      data: new Uint8Array(request.size + SHIFT + (tunnelled ? OUTER : 0)),
      repeat: Math.ceil(nanoseconds / least),
      flags: TestRunFlags.XDP_LIVE_FRAMES,
      batchSize: BATCH,
    });
    const sent = btf.decode('bench_sent', maps.get('bench_sent').get(ROW) ?? new Uint8Array(32)) as Record<
      keyof typeof none,
      bigint
    >;
    return { sent: Number(sent.packets), seconds: Number(sent.last - sent.begin) / 1e9 };
  }
}

/** By TCX where the kernel has it, as the daemon does. */
function attachTc(attached: BpfProgram, index: number, link: string): void {
  if (features.tcx().supported) attachTcx(attached, index, 'ingress').pin(link);
  else attachClsact(attached, index, 'ingress');
}

async function serve(): Promise<void> {
  let generator: Generator | undefined;
  const handle = async (request: WorkerRequest): Promise<RunAnswer | undefined> => {
    switch (request.do) {
      case 'open':
        generator = new Generator(await open(['bench_generate'], request.flows).load());
        return undefined;
      case 'load-sink':
        return void (await loadSink(request.path, request.expected, request.stamping));
      case 'load-redirect':
        return void (await loadRedirect(request.path, request.ifindex));
      default:
        break;
    }
    if (generator === undefined) throw new Error(`'${request.do}' before 'open'`);
    if (request.do === 'pin-lanes') return void generator.pinLanes(request.path);
    if (request.do === 'write-flows') return void generator.writeFlows(request.first, request.file);
    return generator.run(request);
  };
  for await (const line of createInterface({ input: process.stdin })) {
    let answer: WorkerAnswer;
    try {
      answer = { ok: await handle(JSON.parse(line) as WorkerRequest) };
    } catch (error) {
      answer = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}

const [command, program = '', ifindex = '', path = ''] = process.argv.slice(2);
if (command === 'serve') await serve();
else if (command === 'attach-tc') attachTc(BpfProgram.fromPin(program), Number(ifindex), path);
else throw new Error('usage: worker.js serve | attach-tc PROGRAM IFINDEX LINK');
