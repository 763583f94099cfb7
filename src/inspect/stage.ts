/** One packet through one of our programs. */
import {
  type AttachedProgram,
  CxHook,
  CxReason,
  cxHookName,
  cxReasonName,
  type Explained,
  readable,
} from '../datapath/index.js';
import { BpfError } from '../libbpf-ts/index.js';
import type { Packet } from '../policy/index.js';
import { agreement } from './agreement.js';
import { candidates } from './candidates.js';
import { departure } from './departure.js';
import type { ProgramStage } from './explanation.js';
import { InspectError } from './inspect-error.js';
import { ETHERNET_HEADER, ETHERTYPE_IPV6, Next } from './ipv6.js';
import { matteringBits } from './mattering-bits.js';
import { parsePacket } from './packet-parser.js';
import { reasonText } from './reason-text.js';
import { policyVerdicts } from './verdicts.js';
import type { LiveRouter, World } from './world.js';

/** A packet at one of our hooks. */
export interface Arrival {
  /** The IPv6 packet. */
  readonly packet: Uint8Array;
  readonly ifindex: number;
  /** MAC of the interface, zero where it has none. */
  readonly mac: Uint8Array;
  /** By which it came to this machine; undefined when it is made here. */
  readonly ingress: { readonly ifindex: number; readonly name: string } | undefined;
  /** Undefined where netfilter has not run. */
  readonly mark: number | undefined;
  readonly cgroup: { readonly path: string; readonly ids: readonly bigint[] } | undefined;
}

/** What a program said, for those who go on with it. */
export interface StageResult {
  readonly stage: ProgramStage;
  readonly reason: CxReason;
  /** What speaks against believing it. */
  readonly doubts: readonly string[];
}

/** The same of a program for links without a header: a test run gives every packet one. */
const WITHOUT_LINK_HEADER = /_l3$/;

/** How often a question is put again when the state has changed under it. */
const ATTEMPTS = 5;

/** Asks an attached program. @throws InspectError PACKET_TOO_LONG */
export async function askProgram(
  world: World,
  name: string,
  attached: AttachedProgram | undefined,
  arrival: Arrival,
): Promise<StageResult> {
  const { explained, router } = await runSteadily(world, programToRun(name), arrival);
  const known = router && classified(explained, arrival, router);
  const stage: ProgramStage = {
    kind: 'program',
    program: name,
    interface: world.interfaceName(arrival.ifindex),
    tag: await world.explainer.tag(name),
    attachedTag: attached?.tag ?? null,
    hook: readable(cxHookName(explained.hook)),
    reason: readable(cxReasonName(explained.reason)),
    text: reasonText(explained.reason),
    router: router === undefined ? null : (router.configured?.name ?? null),
    markKnown: explained.router?.markKnown ?? null,
    ...policyViews(world, router, known),
    mattered: matteringBits(explained.nodes, explained.key ?? [], (ifindex) => world.interfaceName(ifindex)),
    bindings: router === undefined ? [] : candidates(world, router, explained),
    ...departure(world, router, explained),
    agreement: router && known ? agreement(explained, router, known.packet, known.state) : null,
  };
  return { stage, reason: explained.reason, doubts: doubtsOf(stage, explained, arrival) };
}

/** The program that stands for another in a test run. */
function programToRun(name: string): string {
  return name.replace(WITHOUT_LINK_HEADER, '');
}

/** Runs until nothing that matters has changed between the beginning and the end. */
async function runSteadily(
  world: World,
  program: string,
  arrival: Arrival,
): Promise<{ explained: Explained; router: LiveRouter | undefined }> {
  for (let attempt = 1; ; attempt++) {
    const generation = world.explainer.generations.activeId;
    const explained = await run(world, program, arrival);
    const router = explained.router && world.router(explained.router.id);
    const looked = [...explained.policies.flatMap(({ bindings }) => bindings), ...(explained.fallback ?? [])];
    const steady =
      generation === world.explainer.generations.activeId &&
      looked.every(({ index, row }) => (row !== 0) === isUsable(router, index));
    if (steady || attempt === ATTEMPTS) return { explained, router };
  }
}

const isUsable = (router: LiveRouter | undefined, index: number): boolean =>
  router?.bindings.some((binding) => binding.index === index && binding.row !== undefined) ?? false;

async function run(world: World, program: string, arrival: Arrival): Promise<Explained> {
  try {
    return await world.explainer.run(program, {
      bytes: framed(arrival),
      ifindex: arrival.ifindex,
      ingressIfindex: arrival.ingress?.ifindex ?? 0,
      mark: arrival.mark ?? 0,
      cgroups: arrival.cgroup?.ids ?? [],
    });
  } catch (error) {
    if (error instanceof BpfError && error.code === 'EINVAL') {
      throw new InspectError(
        'PACKET_TOO_LONG',
        `the kernel takes no packet of ${arrival.packet.length} bytes for a test run`,
        'describe a shorter one, 3000 bytes for example',
        { cause: error },
      );
    }
    throw error;
  }
}

function framed({ packet, mac }: Arrival): Uint8Array {
  const frame = Buffer.alloc(ETHERNET_HEADER + packet.length);
  frame.set(mac, 0);
  frame.writeUInt16BE(ETHERTYPE_IPV6, 12);
  frame.set(packet, ETHERNET_HEADER);
  return frame;
}

interface Classified {
  readonly packet: Packet;
  readonly state: { readonly markKnown: boolean; usable(bid: number): boolean };
}

/** What was classified: the packet itself, or on its way into another tunnel the one inside. */
function classified(explained: Explained, arrival: Arrival, router: LiveRouter): Classified | undefined {
  let parsed = parsePacket(arrival.packet);
  if (
    explained.hook === CxHook.UPLINK &&
    typeof parsed !== 'string' &&
    parsed.headers.protocol === Next.IPV6
  ) {
    parsed = parsePacket(arrival.packet.subarray(parsed.upper));
  }
  if (typeof parsed === 'string' || parsed.problem !== undefined) return undefined;
  return {
    packet: {
      ...parsed.headers,
      interface: arrival.ingress?.name,
      cgroup: arrival.cgroup?.path,
      mark: arrival.mark,
    },
    state: {
      markKnown: arrival.mark !== undefined,
      usable: (bid) => router.bindings.some((binding) => binding.bid === bid && binding.row !== undefined),
    },
  };
}

function policyViews(
  world: World,
  router: LiveRouter | undefined,
  known: Classified | undefined,
): Pick<ProgramStage, 'policies' | 'notAsked'> {
  const configured = router?.configured;
  if (configured === undefined || known === undefined) return { policies: [], notAsked: 0 };
  const policies = policyVerdicts(world, configured, known.packet, known.state);
  return { policies, notAsked: configured.policies.length - policies.length };
}

/** Reasons of packets that cannot be read. */
const UNREADABLE: readonly CxReason[] = [CxReason.DROP_TRUNCATED, CxReason.DROP_HEADER_CHAIN];

function doubtsOf(
  stage: ProgramStage,
  { lost, reason, hook, router }: Explained,
  { packet }: Arrival,
): string[] {
  const { program, interface: name, tag, attachedTag, agreement: both } = stage;
  const doubts: string[] = [];
  if (attachedTag !== null && attachedTag !== tag) {
    doubts.push(
      `the program attached to ${name} is another build of ${program} (tag ${attachedTag}, this one has ${tag}): restart its daemon`,
    );
  }
  if (lost > 0) doubts.push(`${lost} steps found no room and are not shown`);
  const parsed = parsePacket(packet);
  const problem = typeof parsed === 'string' ? parsed : parsed.problem;
  if (UNREADABLE.includes(reason) && hook !== CxHook.UPLINK && problem === undefined) {
    doubts.push(`${program} cannot read a packet that is right by the specifications`);
  }
  if (router !== undefined && both === null) {
    doubts.push(
      `${program} asks the policies about a packet that cannot be read${problem === undefined ? '' : `: ${problem}`}`,
    );
  }
  if (both !== null && !both.agrees) {
    doubts.push(
      `${program} says "${both.live}", the reference classifier over the file "${both.reference}"`,
      ...both.differences,
    );
  }
  return doubts;
}
