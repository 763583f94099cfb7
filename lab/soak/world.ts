// The lab of a soak: both daemons, the traffic, and what every event needs to know of them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CX_SCHEMA } from '../../src/datapath/index.js';
import type { DaemonConfig, LabDaemon, StartOptions } from '../daemon.js';
import { homeAgentConfig, mobileRouterConfig, ROUTER } from '../demo/config.js';
import type { Lab, Uplink } from '../lab.js';
import type { Random } from '../random.js';
import { Releases } from '../release.js';
import { addresses } from '../topology.js';
import { until } from '../wait.js';
import { Account } from './account.js';

/** Old care-of addresses stay accepted this long; an old address is removed after it. */
const GRACE = '2s';

/** Conditions on a busy machine take their time, milliseconds. */
const PATIENCE = 20_000;

/** The BIDs of the uplinks. */
export const BID: Readonly<Record<Uplink, number>> = { a: 1, b: 2 };

interface Binding {
  readonly bid: number;
  readonly state: string;
  readonly careOf: string | null;
  readonly nextHopMac: string | null;
}

export class World {
  readonly lab: Lab;
  readonly mr: LabDaemon;
  readonly ha: LabDaemon;
  readonly random: Random;
  readonly account: Account;
  readonly #releases: Releases;
  readonly #careOf: Record<Uplink, string> = { a: addresses.careOfA, b: addresses.careOfB };
  #nextAddress = 0x100;

  private constructor(lab: Lab, mr: LabDaemon, ha: LabDaemon, account: Account, random: Random) {
    this.lab = lab;
    this.mr = mr;
    this.ha = ha;
    this.account = account;
    this.#releases = new Releases(join(lab.directory, 'releases'));
    this.random = random;
  }

  /** Starts the daemons, then the traffic; resolves when all of it flows. */
  static async start(lab: Lab, random: Random, options: (node: string) => StartOptions): Promise<World> {
    const [mr, ha] = await Promise.all([
      lab.startDaemon('mr', { ...mobileRouterConfig('bpf'), 'grace-time': GRACE }, options('mr')),
      lab.startDaemon(
        'ha',
        {
          ...homeAgentConfig('bpf', { a: addresses.careOfA, b: addresses.careOfB }),
          'grace-time': GRACE,
        },
        options('ha'),
      ),
    ]);
    for (const daemon of [mr, ha]) await usable(daemon);
    return new World(lab, mr, ha, await Account.start(lab), random);
  }

  get daemons(): readonly LabDaemon[] {
    return [this.mr, this.ha];
  }

  /** The next version takes the place of the one that runs; its rows are laid out differently. */
  async upgrade(daemon: LabDaemon): Promise<void> {
    const before = daemon.release;
    await daemon.upgrade(await this.#releases.after(before?.schema ?? CX_SCHEMA, daemon.node.name));
    before?.remove();
  }

  anyUplink(): Uplink {
    return this.random.of(['a', 'b'] as const);
  }

  /** Resolves when every binding of both daemons carries packets. */
  async ready(): Promise<void> {
    for (const daemon of this.daemons) await usable(daemon);
  }

  /** Resolves when a daemon's binding of an uplink fits. */
  async binding(daemon: LabDaemon, uplink: Uplink, fits: (binding: Binding) => boolean): Promise<void> {
    await bindings(daemon, (all) => all.some((binding) => binding.bid === BID[uplink] && fits(binding)));
  }

  /**
   * The four steps of a care-of address change, the home agent first.
   * @param unheard the mobile router's API does not answer meanwhile: what it did is read in its log
   */
  async changeCareOf(uplink: Uplink, unheard = false): Promise<void> {
    const node = this.lab.node('mr');
    const device = `w${uplink}`;
    const old = this.#careOf[uplink];
    const next = `2001:db8:${uplink}::${(this.#nextAddress++).toString(16)}`;
    await this.tellHomeAgent(uplink, { careOf: next, acceptOnly: true });
    const log = this.logOf(this.mr);
    await node.batch([
      `address change ${old}/64 dev ${device} preferred_lft 0`,
      `address add ${next}/64 dev ${device} nodad`,
    ]);
    if (unheard) await log.says(`"to":"${next}"`);
    else await this.binding(this.mr, uplink, ({ careOf }) => careOf === next);
    await this.tellHomeAgent(uplink, { careOf: next });
    await this.binding(this.ha, uplink, ({ careOf }) => careOf === next);
    // What was sent to the old address has arrived after a round trip; the access links are empty by then.
    await this.roundTrip();
    await node.ip(`address del ${old}/64 dev ${device}`);
    this.#careOf[uplink] = next;
  }

  /**
   * Resolves when the home agent reaches the care-of address of an uplink: registration would come by that way, and
   * the kernel at the other end of a link that comes back may take a second to notice.
   */
  async linked(uplink: Uplink): Promise<void> {
    const ping = ['-n', '-c', '1', '-W', '1', '-I', addresses.homeAgent, this.#careOf[uplink]];
    await until(
      async () => (await this.lab.node('ha').exec('ping', ping, { mayFail: true })).exitCode === 0,
      { what: `an answer from ${this.#careOf[uplink]}`, timeout: PATIENCE, interval: 50 },
    );
  }

  /** What registration on the wire would tell it. */
  async tellHomeAgent(uplink: Uplink, change: object): Promise<void> {
    const path = `/v1/routers/${ROUTER}/bindings/${BID[uplink]}`;
    const { status, body } = await this.ha.api('PUT', path, change);
    if (status !== 200) throw new Error(`the home agent refused ${path}: ${JSON.stringify(body)}`);
  }

  /** The mobile router's policies with one more that no traffic fits: another generation each time. */
  otherPolicies(): DaemonConfig {
    const base = mobileRouterConfig('bpf');
    const extra = {
      name: `extra-${this.random.below(1_000)}`,
      match: { protocol: 'udp', 'destination-port': 7000 },
      use: ['wifi-b'],
    };
    return { ...base, 'grace-time': GRACE, policies: [...(base.policies as object[]), extra] };
  }

  async roundTrip(): Promise<void> {
    await this.lab
      .node('lan')
      .exec('ping', ['-n', '-c', '2', '-i', '0.2', '-W', '2', addresses.correspondent]);
  }

  /** Resolves when a daemon has nothing to say any more of what was wrong. */
  async recovered(daemon: LabDaemon, code: string): Promise<void> {
    await until(
      async () => {
        const { body } = await daemon.api('GET', '/v1/status');
        return (body as { problems: { code: string }[] }).problems.every((problem) => problem.code !== code);
      },
      { what: `${daemon.node.name} to be without ${code}`, timeout: PATIENCE },
    );
  }

  /** What a daemon's log says from now on. */
  logOf(daemon: LabDaemon): { says: (words: string) => Promise<void> } {
    const text = (): string => readFileSync(daemon.logFile, 'utf8');
    const from = text().length;
    return {
      says: async (words) => {
        await until(() => text().slice(from).includes(words), {
          what: `${words} in the log of ${daemon.node.name}`,
          timeout: PATIENCE,
        });
      },
    };
  }
}

async function usable(daemon: LabDaemon): Promise<void> {
  await bindings(daemon, (all) =>
    all.every(({ state, nextHopMac }) => state === 'usable' && nextHopMac !== null),
  );
}

async function bindings(daemon: LabDaemon, fits: (bindings: Binding[]) => boolean): Promise<void> {
  await until(
    async () => {
      const { body, status } = await daemon.api('GET', '/v1/bindings');
      return status === 200 && fits(body as Binding[]);
    },
    { what: `the bindings of ${daemon.node.name}`, timeout: PATIENCE },
  );
}
