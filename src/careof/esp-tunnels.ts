import { join } from 'node:path';
import type { Config } from '../config/index.js';
import type { OwnSpi } from '../datapath/index.js';
import { type EspPair, KeyError, readEspKeys, UsedPairs } from '../keys/index.js';
import { type Address, Prefix } from '../net/index.js';
import { Xfrm, type XfrmDirection, type XfrmPolicy, type XfrmState } from '../netlink/index.js';
import type { DeviceEnds } from './device-kinds.js';
import { problemOf, type ReconcileReport, runAgain } from './reconcile-report.js';

/** Packets that may arrive in another order than they were sent in: links of very different length share none. */
const REPLAY_WINDOW = 1024;

/** All IPv6 packets: which of them take the tunnel is for policies of ours to say. */
const EVERYTHING = { source: Prefix.DEFAULT, destination: Prefix.DEFAULT };

/** One binding that ESP is to protect. */
interface EspBinding {
  /** Path of the file with its keys. */
  readonly keyFile: string;
  readonly ends: DeviceEnds;
  /** Addresses of this end that packets may come to. */
  readonly locals: readonly Address[];
}

/** The kernel's states and policies as one run has found them and knows how they should be. */
interface Session {
  readonly protocol: number;
  readonly states: XfrmState[];
  /** Names of these states. */
  readonly present: ReadonlySet<string>;
  readonly policies: XfrmPolicy[];
  /** Inbound states that this run has added. */
  readonly added: { destination: Address; spi: number }[];
  readonly wantedStates: Set<string>;
  readonly wantedPolicies: Set<string>;
}

/**
 * Keeps ESP tunnels between a mobile router and its home agent, one for each binding, told apart by the interface
 * id: policies of the id lead to the one state that sends from the care-of address in use, and every pair of keys
 * that may come next is taken already. Another care-of address gets a state with the next pair of keys, then one
 * update of the policy switches to it; packets under way still find the old one.
 */
export class EspTunnels implements Disposable {
  #xfrm: Xfrm | undefined;
  #session: Session | undefined;
  /** Interface ids of bindings that carry nothing now: what they have stays as it is. */
  #kept = new Set<number>();
  /** Whether there may be states or policies of ours; before the first look there may. */
  #mayHaveSome = true;
  /** By path: what the files with keys said last. */
  readonly #pairs = new Map<string, readonly EspPair[]>();
  /** States that nothing is sent by any more, and when they go. */
  readonly #leaving = new Map<string, number>();

  /** The state of the kernel is to be asked again. */
  begin(): void {
    this.#session = undefined;
    this.#kept = new Set();
  }

  /** A binding that carries nothing now goes on with the same keys when it does again. */
  keep(interfaceId: number): void {
    this.#kept.add(interfaceId);
  }

  /**
   * Makes states and policies of a binding as they should be.
   * @throws KeyError, NetlinkError
   */
  async settle(config: Config, binding: EspBinding, report: ReconcileReport): Promise<void> {
    const session = await this.#open(config.routing.protocol);
    const pairs = this.#read(binding.keyFile, report);
    const isMobileRouter = config.role === 'mobile-router';
    await this.#receive(session, binding, pairs, (pair) => (isMobileRouter ? pair.down : pair.up));
    const used = new UsedPairs(join(config.state, `${config.instance}-keys.json`));
    await this.#send(session, binding, pairs, used, (pair) => (isMobileRouter ? pair.up : pair.down));
  }

  /** A file that was good once and is not any more is said, and stops nothing that works. */
  #read(path: string, report: ReconcileReport): readonly EspPair[] {
    try {
      const pairs = readEspKeys(path);
      this.#pairs.set(path, pairs);
      return pairs;
    } catch (error) {
      const known = this.#pairs.get(path);
      if (!(error instanceof KeyError) || known === undefined) throw error;
      report.problems.push(problemOf(error));
      return known;
    }
  }

  /** Where packets come to that are protected for bindings, also for those that carry nothing now. */
  async arrivals({ routing }: Config): Promise<OwnSpi[]> {
    if (this.#session === undefined && !this.#mayHaveSome) return [];
    const { states, added } = await this.#open(routing.protocol);
    const inbound = states.filter(({ source }) => source.isUnspecified);
    return [...inbound, ...added].map(({ destination, spi }) => ({ local: destination.toString(), spi }));
  }

  /** Removes what is ours and belongs to no binding any more: old states when the grace time is over. */
  async sweep(config: Config, report: ReconcileReport): Promise<void> {
    if (this.#session === undefined && !this.#mayHaveSome) return;
    const { states, policies, wantedStates, wantedPolicies } = await this.#open(config.routing.protocol);
    const isKept = ({ ifId }: { ifId?: number | undefined }): boolean => this.#kept.has(ifId ?? 0);
    for (const policy of policies.filter((one) => !isKept(one) && !wantedPolicies.has(policyName(one)))) {
      await this.#need().deletePolicy(policy);
    }
    this.#mayHaveSome = states.length + policies.length + wantedStates.size > 0;
    const now = performance.now();
    for (const state of states.filter((one) => !isKept(one))) {
      const name = stateName(state);
      if (wantedStates.has(name)) {
        this.#leaving.delete(name);
        continue;
      }
      const deadline = this.#leaving.get(name) ?? now + config.graceTimeMs;
      if (deadline > now) {
        this.#leaving.set(name, deadline);
        runAgain(report, deadline - now);
      } else {
        await this.#need().deleteState(state);
        this.#leaving.delete(name);
      }
    }
  }

  async #receive(
    session: Session,
    { ends, locals }: EspBinding,
    pairs: readonly EspPair[],
    keyOf: (pair: EspPair) => Uint8Array,
  ): Promise<void> {
    const { interfaceId } = ends;
    for (const direction of ['in', 'fwd'] as const) {
      // Without addresses: the state that a packet has come by has the source of nobody.
      await this.#put(session, direction, { reqid: interfaceId, mode: 'tunnel' }, interfaceId);
    }
    for (const destination of locals) {
      for (const pair of pairs) {
        const state = { destination, spi: pair.spi };
        session.wantedStates.add(stateName(state));
        if (session.present.has(stateName(state))) continue;
        await this.#add({ ...state, key: keyOf(pair) }, interfaceId);
        session.added.push(state);
      }
    }
  }

  async #send(
    session: Session,
    { keyFile, ends }: EspBinding,
    pairs: readonly EspPair[],
    used: UsedPairs,
    keyOf: (pair: EspPair) => Uint8Array,
  ): Promise<void> {
    const { local, remote, interfaceId } = ends;
    const sending = session.states.filter(
      (state) => state.ifId === interfaceId && !state.source.isUnspecified,
    );
    let spi = sending.find((state) => state.source.equals(local) && state.destination.equals(remote))?.spi;
    if (spi === undefined) {
      const pair = pairs.find((one) => !used.has(one.spi) && !sending.some((state) => state.spi === one.spi));
      if (pair === undefined) {
        throw new KeyError('KEYS_SPENT', `all ${pairs.length} pairs of keys of ${keyFile} were used`);
      }
      used.add(pair.spi);
      await this.#add({ source: local, destination: remote, spi: pair.spi, key: keyOf(pair) }, interfaceId);
      spi = pair.spi;
    }
    session.wantedStates.add(stateName({ destination: remote, spi }));
    const template = { source: local, destination: remote, reqid: interfaceId, mode: 'tunnel' } as const;
    await this.#put(session, 'out', template, interfaceId);
  }

  async #add(
    state: { source?: Address; destination: Address; spi: number; key: Uint8Array },
    interfaceId: number,
  ): Promise<void> {
    await this.#need().addState({
      ...state,
      ...{ mode: 'tunnel', reqid: interfaceId, ifId: interfaceId, replayWindow: REPLAY_WINDOW, esn: true },
    });
  }

  async #put(
    session: Session,
    direction: XfrmDirection,
    template: { source?: Address; destination?: Address; reqid: number; mode: 'tunnel' },
    interfaceId: number,
  ): Promise<void> {
    const wanted = { direction, selector: EVERYTHING, ifId: interfaceId };
    const name = policyName(wanted);
    session.wantedPolicies.add(name);
    const known = session.policies.find((policy) => policyName(policy) === name);
    const [first] = known?.templates ?? [];
    const same = (one: Address | undefined, other: Address | undefined): boolean =>
      one === undefined || one.isUnspecified ? other === undefined : other?.equals(one) === true;
    if (first && same(first.source, template.source) && same(first.destination, template.destination)) return;
    await this.#need().putPolicy({ ...wanted, action: 'allow', templates: [template] });
  }

  async #open(protocol: number): Promise<Session> {
    if (this.#session?.protocol === protocol) return this.#session;
    const isOurs = ({ ifId }: { ifId: number | undefined }): boolean =>
      ifId !== undefined && ifId >>> 24 === protocol;
    const xfrm = this.#need();
    const states = (await xfrm.dumpStates()).filter(isOurs);
    this.#session = {
      protocol,
      states,
      present: new Set(states.map(stateName)),
      policies: (await xfrm.dumpPolicies()).filter(isOurs),
      added: [],
      wantedStates: new Set(),
      wantedPolicies: new Set(),
    };
    return this.#session;
  }

  #need(): Xfrm {
    this.#xfrm ??= Xfrm.open();
    return this.#xfrm;
  }

  [Symbol.dispose](): void {
    this.#xfrm?.close();
  }
}

function stateName({ destination, spi }: { destination: Address; spi: number }): string {
  return `${destination} ${spi}`;
}

function policyName({ direction, ifId }: { direction: string; ifId?: number | undefined }): string {
  return `${direction} ${ifId}`;
}

/**
 * Removes the states and policies of all bindings of an instance. Returns how many there were.
 * @param protocol its rtnetlink protocol number
 */
export async function removeEsp(protocol: number): Promise<{ states: number; policies: number }> {
  using xfrm = Xfrm.open();
  const isOurs = ({ ifId }: { ifId: number | undefined }): boolean =>
    ifId !== undefined && ifId >>> 24 === protocol;
  const policies = (await xfrm.dumpPolicies()).filter(isOurs);
  for (const policy of policies) await xfrm.deletePolicy(policy);
  const states = (await xfrm.dumpStates()).filter(isOurs);
  for (const state of states) await xfrm.deleteState(state);
  return { states: states.length, policies: policies.length };
}
