// The lab with both daemons running and a capture wherever the demo looks.
import { chownSync } from 'node:fs';
import { join } from 'node:path';
import { makeRegistrationKey } from '../../src/keys/index.js';
import { Capture, type CapturedPacket } from '../capture.js';
import type { LabDaemon } from '../daemon.js';
import type { Lab, Uplink } from '../lab.js';
import { Protocol } from '../packet.js';
import { DAEMON_USER } from '../privileges.js';
import { Sink } from '../stream.js';
import { addresses } from '../topology.js';
import { StreamScore } from '../traffic.js';
import { until } from '../wait.js';
import { Disproof } from './check.js';
import { mobileRouterConfig, ports, REGISTERED_FLOWS, registrarConfig } from './config.js';

/** Where packets are captured. */
const places = {
  ra: ['ra', 'mr0'],
  rb: ['rb', 'mr0'],
  lan: ['lan', 'eth0'],
  cn: ['cn', 'eth0'],
  core: ['core', 'ha0'],
} as const;

export type Place = keyof typeof places;

/** A UDP flow by its ports; the source port is its own, so no other check is mistaken for it. */
export interface Flow {
  readonly sourcePort: number;
  readonly port: number;
}

/** From whoever chose the source port to the other end, or the answers. */
export type Way = 'there' | 'back';

/** TCP is not captured: the bulk transfer would flood all captures, and has one of its own. */
const NOT_TCP = 'ip6 and not tcp and not (ip6[6] == 41 and ip6[46] == 6)';

export class Scene {
  readonly lab: Lab;
  readonly mr: LabDaemon;
  readonly ha: LabDaemon;
  /** File with the key of the registration. */
  readonly key: string;
  readonly captures: Readonly<Record<Place, Capture>>;
  /** Listens on every port of the demo at the correspondent, and answers. */
  readonly echo: Sink;
  /** The care-of addresses of the moment. */
  readonly careOf: Record<Uplink, string> = { a: addresses.careOfA, b: addresses.careOfB };

  private constructor(
    lab: Lab,
    daemons: { mr: LabDaemon; ha: LabDaemon; key: string },
    captures: Record<Place, Capture>,
    echo: Sink,
  ) {
    this.lab = lab;
    this.mr = daemons.mr;
    this.ha = daemons.ha;
    this.key = daemons.key;
    this.captures = captures;
    this.echo = echo;
  }

  /** Starts daemons, captures and the echo; no packet of a flow has been sent when this resolves. */
  static async start(lab: Lab): Promise<Scene> {
    const start = async ([node, name]: readonly [
      'ra' | 'rb' | 'lan' | 'cn' | 'core',
      string,
    ]): Promise<Capture> => Capture.start(lab.node(node), name, { filter: NOT_TCP });
    const key = makeKey(lab);
    const [mr, ha, ra, rb, lan, cn, core, echo] = await Promise.all([
      lab.startDaemon('mr', mobileRouterConfig('bpf', key)),
      lab.startDaemon('ha', registrarConfig('bpf', key)),
      start(places.ra),
      start(places.rb),
      start(places.lan),
      start(places.cn),
      start(places.core),
      Sink.start(lab.node('cn'), {
        ports: [
          ...[ports.a.first, ports.a.second, ports.a.stream],
          ...[ports.b.first, ports.b.second, ports.b.stream],
          ...[ports.other.first, ports.other.second, ports.other.third],
        ] as [number, ...number[]],
        echo: true,
      }),
    ]);
    const scene = new Scene(lab, { mr, ha, key }, { ra, rb, lan, cn, core }, echo);
    await Promise.all([
      scene.bindingsUsable(mr),
      scene.bindingsUsable(ha),
      scene.policiesRegistered(),
      scene.fastPath(),
    ]);
    return scene;
  }

  /** Resolves when every binding of a daemon can carry packets. */
  async bindingsUsable(daemon: LabDaemon): Promise<void> {
    await until(
      async () => {
        const { body } = await daemon.api('GET', '/v1/bindings');
        const bindings = body as { state: string }[];
        return (
          bindings.length > 0 && bindings.every(({ state }) => state === 'usable' || state === 'deprecated')
        );
      },
      { what: `the bindings of ${daemon.node.name} to be usable` },
    );
  }

  /** Resolves when the home agent has been told all policies that can travel. */
  async policiesRegistered(): Promise<void> {
    await until(
      async () => ((await this.ha.api('GET', '/v1/policies')).body as object[]).length === REGISTERED_FLOWS,
      { what: 'the policies to be registered' },
    );
  }

  /** Resolves when the mobile router's programs know the way home: until then the stack carries what is forwarded. */
  async fastPath(): Promise<void> {
    await until(
      async () => {
        const { body } = await this.mr.api('GET', '/v1/maps/cx_routes');
        return (body as { rows: { value: number }[] }).rows.some(({ value }) => value !== 0);
      },
      { what: 'the home routes to be in the fast path' },
    );
  }

  /** Packets a daemon's datapath has counted under a reason. */
  async reason(daemon: LabDaemon, reason: string): Promise<number> {
    const { body } = await daemon.api('GET', '/v1/reasons');
    const reasons = body as { reason: string; packets: number }[];
    return reasons.filter((row) => row.reason === reason).reduce((sum, row) => sum + row.packets, 0);
  }

  /** The packets of a flow at a place so far, inside a tunnel or not. */
  seen(place: Place, flow: Flow, way: Way = 'there'): CapturedPacket[] {
    return this.captures[place].packets(ofFlow(flow, way));
  }

  /** Resolves with the next packet of the flow at a place that also fits `filter`. */
  async next(
    place: Place,
    flow: Flow,
    way: Way,
    filter: (packet: CapturedPacket) => boolean,
    what: string,
    timeout?: number,
  ): Promise<CapturedPacket> {
    const capture = this.captures[place];
    const matches = ofFlow(flow, way);
    return capture.waitFor((packet) => matches(packet) && filter(packet), {
      from: capture.position,
      what,
      ...(timeout === undefined ? {} : { timeout }),
    });
  }

  /** Waits until `count` packets of the flow have come by, or until it is clear that they do not. */
  async settle(place: Place, flow: Flow, way: Way, count: number): Promise<void> {
    try {
      await until(() => this.seen(place, flow, way).length >= count, { what: 'the flow', timeout: 2_000 });
    } catch {
      // The verdict, not the wait, is to say what is missing.
    }
    await this.flush();
  }

  /** Resolves when every capture has handed over all it saw. @throws CaptureLossError */
  async flush(): Promise<void> {
    await Promise.all(Object.values(this.captures).map((capture) => capture.flush()));
  }

  /** What became of the numbered datagrams of a flow, from the packets captured at a place. */
  score(place: Place, flow: Flow, way: Way = 'there'): StreamScore {
    const score = new StreamScore();
    for (const packet of this.seen(place, flow, way)) {
      score.arrived(Buffer.from(packet.payload).readUInt32BE(0), Number(packet.time / 1_000n) / 1_000);
    }
    return score;
  }

  /** Stops the captures. @throws Disproof when one has lost packets */
  async end(): Promise<void> {
    for (const [place, capture] of Object.entries(this.captures)) {
      const { dropped } = await capture.stop();
      if (dropped > 0) throw new Disproof(`the capture at ${place} lost ${dropped} packets`);
    }
    await this.echo.end();
  }
}

function ofFlow(flow: Flow, way: Way): (packet: CapturedPacket) => boolean {
  const [source, destination] = way === 'there' ? [flow.sourcePort, flow.port] : [flow.port, flow.sourcePort];
  return ({ transport }) =>
    transport?.protocol === Protocol.UDP &&
    transport.sourcePort === source &&
    transport.destinationPort === destination;
}

/** A key that both daemons may read. */
function makeKey(lab: Lab): string {
  const path = join(lab.directory, 'registration.key');
  makeRegistrationKey(path);
  chownSync(path, DAEMON_USER, DAEMON_USER);
  return path;
}
