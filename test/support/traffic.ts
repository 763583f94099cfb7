// Datagrams in both directions between the mobile network and the correspondent.
import { Sink, Stream } from '../../lab/stream.js';
import { addresses } from '../../lab/topology.js';
import { PATIENCE, type Site } from './site.js';

const LAN_PORT = 6001;
const PORTS = { 'to-a': 5110, 'to-b': 5210 };

/** Traffic in both directions, counted at its ends. */
export class Traffic {
  readonly #up: Stream;
  readonly #down: Stream;
  readonly #cn: Sink;
  readonly #lan: Sink;

  private constructor(up: Stream, down: Stream, cn: Sink, lan: Sink) {
    this.#up = up;
    this.#down = down;
    this.#cn = cn;
    this.#lan = lan;
  }

  /** @param policy the policy whose binding carries it, where the home agent has it too */
  static async start(site: Site, policy: 'to-a' | 'to-b' = 'to-a'): Promise<Traffic> {
    const port = PORTS[policy];
    const [cn, lan] = await Promise.all([
      Sink.start(site.node('cn'), { ports: [port] }),
      Sink.start(site.node('lan'), { ports: [LAN_PORT] }),
    ]);
    const [up, down] = await Promise.all([
      Stream.start(site.node('lan'), { to: addresses.correspondent, port, rate: 1000 }),
      Stream.start(site.node('cn'), { to: addresses.lan, port: LAN_PORT, sourcePort: port + 10, rate: 1000 }),
    ]);
    const traffic = new Traffic(up, down, cn, lan);
    await traffic.more();
    return traffic;
  }

  /** Resolves when both sinks have got that many more. */
  async more(count = 200): Promise<void> {
    const [cn, lan] = await Promise.all([this.#cn.report(), this.#lan.report()]);
    await Promise.all([
      this.#cn.received(cn.received + count, undefined, PATIENCE),
      this.#lan.received(lan.received + count, undefined, PATIENCE),
    ]);
  }

  /** Stops; the number of datagrams that were lost in each direction. */
  async lost(): Promise<{ up: number; down: number }> {
    const [up, down] = await Promise.all([this.#up.stop(), this.#down.stop()]);
    const rest = async (sink: Sink, sent: number): Promise<number> => {
      try {
        return sent - (await sink.received(sent, undefined, 3_000)).received;
      } catch {
        return sent - (await sink.report()).received;
      }
    };
    const lost = { up: await rest(this.#cn, up.sent), down: await rest(this.#lan, down.sent) };
    await Promise.all([this.#up.end(), this.#down.end(), this.#cn.end(), this.#lan.end()]);
    return lost;
  }
}
