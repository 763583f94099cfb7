/** Puts a case to the real programs and to the reference, and tells where they differ. */

import { formatIpv6 } from '../../../../src/libbpf-ts/index.js';
import { decide } from '../../../../src/policy/index.js';
import { Next } from '../../../support/packet.js';
import { type HookName, isXdpProgram, type ProgramName, TestDatapath, type World } from '../test-datapath.js';
import { INTERFACES } from '../world-writer.js';
import { mobileRow, mobileWorld } from '../worlds.js';
import { careOf, endingOf, FirstFragments, type Foreseen, foresee, type Reference } from './answer.js';
import { describeRecipe, describeRouter, type OracleCase } from './oracle-case.js';
import { bytesOf, type Hook, type PacketRecipe, pieceOf, wholeSize } from './packet-recipe.js';
import { SenderCgroups } from './sender-cgroups.js';

type Role = OracleCase['role'];

/** One difference between the reference and the programs. */
export interface Mismatch {
  /** The packet that was answered wrongly; undefined when only the counters are wrong. */
  readonly packet: PacketRecipe | undefined;
  readonly text: string;
}

/** What a packet was foreseen to be, for those who count what was tried. */
export type Observer = (packet: PacketRecipe, foreseen: Foreseen) => void;

const LINK_HEADER = 14;
/** Bytes, see CX_FURTHEST_HEADER in bpf/ctx_xdp.h. */
const XDP_LOOKS_AT = 1024;
const OUTER_SOURCE = LINK_HEADER + 8;

const PROGRAMS: Readonly<Record<Role, Readonly<Record<Hook, ProgramName>>>> = {
  MOBILE_ROUTER: {
    ingress: 'coax_ingress',
    xdp: 'coax_ingress',
    'ingress-l3': 'coax_ingress_l3',
    home: 'coax_home',
  },
  HOME_AGENT: {
    ingress: 'coax_transit',
    xdp: 'coax_transit',
    'ingress-l3': 'coax_transit_l3',
    home: 'coax_home',
  },
};

/** The maps of a case: the whole address space is home and ours, so that only the policies decide. */
export function worldOf({ role, routers }: OracleCase): World {
  const networks = routers.flatMap(({ routerId, prefixes }) =>
    (role === 'MOBILE_ROUTER' ? ['::/0'] : prefixes).map((prefix) => ({ prefix, router: routerId })),
  );
  return mobileWorld({
    routes: networks,
    prefixes: networks,
    bindings: routers.flatMap(({ routerId, bindings, usable }) =>
      bindings.map(({ bid }) => ({
        router: routerId,
        bid,
        row: usable.includes(bid) ? mobileRow('A', { outerSource: careOf(routerId, bid) }) : undefined,
      })),
    ),
    routers,
    tunnels: [],
  });
}

/** The programs for both roles, and cgroups for the packets. */
export class OracleMachine implements AsyncDisposable {
  readonly #datapaths: Readonly<Record<Role, TestDatapath>>;
  readonly #cgroups: SenderCgroups;
  /** Packets that XDP programs have left to TC. */
  #left = 0;
  /** Packets of which fragments were sent. */
  readonly #pieces = new Set<string>();

  private constructor(datapaths: Record<Role, TestDatapath>, cgroups: SenderCgroups) {
    this.#datapaths = datapaths;
    this.#cgroups = cgroups;
  }

  static async start(): Promise<OracleMachine> {
    const [MOBILE_ROUTER, HOME_AGENT] = await Promise.all([
      TestDatapath.load('MOBILE_ROUTER'),
      TestDatapath.load('HOME_AGENT'),
    ]);
    await Promise.all([MOBILE_ROUTER.loadXdp(), HOME_AGENT.loadXdp()]);
    return new OracleMachine({ MOBILE_ROUTER, HOME_AGENT }, SenderCgroups.create());
  }

  datapath(role: Role): TestDatapath {
    return this.#datapaths[role];
  }

  /** What the programs do with a packet now: the source it left with, `pass` or `drop`. */
  answer(role: Role, packet: PacketRecipe, bytes = bytesOf(packet)): string {
    if (packet.cgroup !== undefined) this.#cgroups.enter(packet.cgroup);
    const context = {
      mark: packet.mark,
      ...(packet.interface !== undefined && { ingressIfindex: INTERFACES.get(packet.interface) ?? 0 }),
    };
    const datapath = this.#datapaths[role];
    const program = PROGRAMS[role][packet.hook];
    let outcome =
      packet.hook === 'xdp' && isXdpProgram(program) ? datapath.sendXdp(program, bytes) : undefined;
    if (outcome === undefined || outcome.action === 'pass') {
      if (outcome) this.#left++;
      outcome = datapath.send(program, outcome?.data ?? bytes, context);
    }
    const { action, data } = outcome;
    return action === 'redirect' ? formatIpv6(data.subarray(OUTER_SOURCE, OUTER_SOURCE + 16)) : action;
  }

  /**
   * Runs all packets of a case through the programs; answers where these differ from the reference.
   * @throws PolicyError POLICY_LIMIT when the policies do not fit
   */
  async check(each: OracleCase, reference: Reference = decide, observe?: Observer): Promise<Mismatch[]> {
    const datapath = this.#datapaths[each.role];
    await datapath.become(worldOf(each));
    const count = new CounterCheck(datapath, each);
    const mismatches: Mismatch[] = [];
    // Changing the group of a process is slow.
    const group = ({ cgroup = '' }: PacketRecipe): string => cgroup;
    const inGroups = each.packets.toSorted((a, b) => group(a).localeCompare(group(b)));
    this.#forgetFragments(each);
    const firsts = new FirstFragments();
    const { verdicts } = datapath.counting(() => {
      for (const packet of inGroups) {
        const foreseen = foresee(each, packet, reference, firsts);
        observe?.(packet, foreseen);
        count.expect(packet, foreseen);
        const left = this.#left;
        const answer = this.answer(each.role, packet);
        if (this.#left > left && isForXdp(packet, foreseen)) {
          mismatches.push(describe(packet, foreseen, 'left to TC by XDP'));
        }
        if (!foreseen.answers.includes(answer)) mismatches.push(describe(packet, foreseen, answer));
      }
    });
    const counted = count.difference(
      verdicts
        // TC counts these again.
        .filter(({ reason }) => reason !== 'LEFT_TO_TC')
        .map(({ hook, reason, packets }) => [`${placeOf(hook)} ${endingOf(reason)}`, packets] as const),
    );
    // One wrong answer makes several counters wrong, which says nothing more.
    if (mismatches.length === 0 && counted.length > 0) {
      mismatches.push({ packet: undefined, text: ['counters differ', ...counted].join('\n') });
    }
    return mismatches;
  }

  /** A case that is tried again must not find what it has left in the table of fragments. */
  #forgetFragments({ role, packets }: OracleCase): void {
    const pieces = packets.flatMap((packet) => pieceOf(packet)?.packet ?? []);
    if (pieces.some((piece) => this.#pieces.has(piece))) {
      const table = this.#datapaths[role].object.maps.get('cx_fragments');
      for (const [row, content] of [...table.readAll()]) {
        if (content.some((byte) => byte !== 0)) table.set(row, new Uint8Array(content.length));
      }
      this.#pieces.clear();
    }
    for (const piece of pieces) this.#pieces.add(piece);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const datapath of Object.values(this.#datapaths)) datapath.close();
    await this.#cgroups[Symbol.asyncDispose]();
  }
}

/** A packet that XDP has no reason to leave to TC: it is sent once, its headers are where XDP looks, and it is no
 * error that may be about a tunnel of ours. */
function isForXdp(packet: PacketRecipe, { ending, alone, decision }: Foreseen): boolean {
  const { protocol, icmpType, headers } = packet;
  if (alone || wholeSize(packet) >= XDP_LOOKS_AT || decision?.kind === 'copy') return false;
  if (protocol === Next.ICMPV6 && headers.length === 0 && icmpType >= 1 && icmpType <= 4) return false;
  return ending === 'sent' || ending === 'dropped';
}

/** An interface of a home agent is uplink and ingress at once; which one a broken packet counts for does not matter. */
function placeOf(hook: HookName): string {
  return hook === 'HOME' ? 'behind the stack' : 'at ingress';
}

function describe(packet: PacketRecipe, { answers, decision }: Foreseen, answer: string): Mismatch {
  const because = decision === undefined ? 'it is not whole' : JSON.stringify(decision);
  const text = [`program: ${answer}`, `reference: ${answers.join(' or ')} (${because})`];
  return { packet, text: [...text, ...describeRecipe(packet)].join('\n') };
}

/** What went wrong with a case, for people. */
export function describeMismatches(each: OracleCase, mismatches: readonly Mismatch[]): string {
  const [first] = mismatches;
  return [...each.routers.flatMap(describeRouter), first?.text ?? 'no mismatch'].join('\n');
}

/** The counters of policies and reasons before and after the packets of a case. */
class CounterCheck {
  readonly #datapath: TestDatapath;
  readonly #before: ReadonlyMap<string, number>;
  readonly #case: OracleCase;
  readonly #hits = new Map<string, number>();
  readonly #endings = new Map<string, number>();

  constructor(datapath: TestDatapath, each: OracleCase) {
    this.#datapath = datapath;
    this.#case = each;
    this.#before = this.#policyHits();
  }

  #policyHits(): Map<string, number> {
    return new Map(
      this.#case.routers.flatMap(({ routerId, policies }) =>
        policies.map(({ fid }) => [`${routerId}/${fid}`, this.#datapath.policyHits(routerId, fid)] as const),
      ),
    );
  }

  expect({ hook }: PacketRecipe, { ending, copies, alone, counted }: Foreseen): void {
    const add = (map: Map<string, number>, key: string, times = 1): unknown =>
      map.set(key, (map.get(key) ?? 0) + times);
    const place = hook === 'home' ? 'behind the stack' : 'at ingress';
    add(this.#endings, `${place} ${ending}`);
    if (copies > 0) add(this.#endings, `${place} copies`, copies);
    if (alone) add(this.#endings, `${place} alone`);
    if (counted) add(this.#hits, `${counted.routerId}/${counted.fid}`);
  }

  /** Lines about counters that are not as expected. */
  difference(verdicts: readonly (readonly [string, number])[]): string[] {
    const seen = new Map<string, number>();
    for (const [ending, packets] of verdicts) seen.set(ending, (seen.get(ending) ?? 0) + packets);
    const lines: string[] = [];
    const compare = (what: string, is: number, expected: number): void => {
      if (is !== expected) lines.push(`${what}: counted ${is}, reference ${expected}`);
    };
    for (const ending of new Set([...seen.keys(), ...this.#endings.keys()])) {
      compare(ending, seen.get(ending) ?? 0, this.#endings.get(ending) ?? 0);
    }
    for (const [policy, hits] of this.#policyHits()) {
      compare(`policy ${policy}`, hits - (this.#before.get(policy) ?? 0), this.#hits.get(policy) ?? 0);
    }
    return lines;
  }
}
