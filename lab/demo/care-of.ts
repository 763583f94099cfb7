// Care-of addresses change and uplinks fail while traffic flows.
import { AddressMonitor } from '../address-monitor.js';
import { Stream } from '../stream.js';
import { addresses } from '../topology.js';
import { type Check, expect } from './check.js';
import { ports } from './config.js';
import type { Flow, Scene } from './scene.js';
import { access } from './verdict.js';

const RATE = 1_000;
/** Datagrams before and after an event: enough to tell a standstill from a flow. */
const SOME = 150;

/** A stream from the LAN while something happens; both ends of the count are captured. */
async function underStream(
  scene: Scene,
  port: number,
  happen: (flow: Flow) => Promise<string>,
): Promise<{ said: string; sent: number; flow: Flow }> {
  const stream = await Stream.start(scene.lab.node('lan'), { to: addresses.correspondent, port, rate: RATE });
  const flow = { sourcePort: stream.sourcePort, port };
  try {
    await scene.settle('lan', flow, 'back', SOME);
    const said = await happen(flow);
    await scene.settle('cn', flow, 'there', scene.seen('cn', flow).length + SOME);
    const { sent } = await stream.stop();
    await scene.settle('cn', flow, 'there', sent);
    return { said, sent, flow };
  } finally {
    await stream.end();
  }
}

interface Change {
  readonly to: string;
  /** Duplicate address detection, or not. */
  readonly detection: boolean;
}

/** A change of uplink B's care-of address, which the router registers. */
async function change(scene: Scene, flow: Flow, { to, detection }: Change): Promise<string> {
  const mr = scene.lab.node('mr');
  const old = scene.careOf.b;
  await mr.sysctl({ 'ipv6.conf.wb.accept_dad': detection ? 1 : 0 });
  const monitor = await AddressMonitor.start(mr);
  try {
    const switched = scene.next(
      'rb',
      flow,
      'there',
      ({ outer }) => outer.source === to,
      `a packet from ${to}`,
      6_000,
    );
    const [first] = await Promise.all([
      switched,
      mr.batch([
        `address change ${old}/64 dev wb preferred_lft 0`,
        `address add ${to}/64 dev wb${detection ? '' : ' nodad'}`,
      ]),
    ]);
    const added = await monitor.report(to, () => true);
    const usable = await monitor.report(to, (line) => !line.includes('tentative'));
    scene.careOf.b = to;
    await scene.next('rb', flow, 'back', ({ outer }) => outer.destination === to, `an answer to ${to}`);
    await mr.ip(`address del ${old}/64 dev wb`);
    expect(first.outer.source === to, `rb: outer source ${first.outer.source}`);
    const sinceUsable = milliseconds(first.time - usable);
    return detection
      ? `${sinceUsable} ms after the address became usable, ${milliseconds(first.time - added)} ms after it was added`
      : `${sinceUsable} ms after the kernel's report`;
  } finally {
    await monitor.end();
    await mr.sysctl({ 'ipv6.conf.wb.accept_dad': 0 });
  }
}

async function careOfChange(scene: Scene, to: string, detection: boolean): Promise<string> {
  const old = scene.careOf.b;
  const { said, sent, flow } = await underStream(scene, ports.b.stream, (running) =>
    change(scene, running, { to, detection }),
  );
  const sources = scene.seen('rb', flow).map(({ outer }) => outer.source);
  const turn = sources.indexOf(to);
  expect(scene.seen('ra', flow).length === 0, 'ra: a packet of the flow that belongs to uplink B');
  expect(
    sources.every((source, i) => source === (i < turn ? old : to)),
    'rb: the outer source did not change once and for all',
  );
  const there = scene.score('cn', flow).report();
  const back = scene.score('lan', flow, 'back').report();
  expect(there.received === sent, `cn: ${sent - there.received} of ${sent} packets lost`);
  expect(back.received === sent, `lan: ${sent - back.received} of ${sent} answers lost`);
  return `${said}; 0 of ${sent} packets lost, 0 answers lost`;
}

const coaChange: Check = {
  name: 'coa-change',
  needsController: true,
  run: (scene) => careOfChange(scene, '2001:db8:b::22', false),
};

const coaChangeDad: Check = {
  name: 'coa-change-dad',
  needsController: true,
  run: (scene) => careOfChange(scene, '2001:db8:b::33', true),
};

/** A longer gap is no fail-over but an outage. */
const GAP_LIMIT_MS = 500;

const failover: Check = {
  name: 'failover',
  needsController: true,
  run: async (scene) => {
    const { lab, mr } = scene;
    let goneAt = 0;
    const { sent, flow } = await underStream(scene, ports.a.stream, async (running) => {
      const moved = scene.next(
        'rb',
        running,
        'there',
        ({ outer }) => outer.source === scene.careOf.b,
        'the flow',
      );
      await lab.uplinkDown('a');
      await moved;
      await scene.next(
        'rb',
        running,
        'back',
        ({ outer }) => outer.destination === scene.careOf.b,
        'the answers',
      );
      const there = scene.score('cn', running).report();
      goneAt = there.largestGapMs;
      const returned = scene.next(
        'ra',
        running,
        'there',
        ({ outer }) => outer.source === scene.careOf.a,
        'the flow',
      );
      await lab.uplinkUp('a');
      await returned;
      return '';
    });
    await scene.bindingsUsable(mr);
    for (const uplink of ['a', 'b'] as const) {
      const wrong = scene
        .seen(access[uplink], flow)
        .filter(({ outer }) => outer.source !== scene.careOf[uplink]);
      expect(
        wrong.length === 0,
        `${access[uplink]}: ${wrong.length} packets with outer source ${wrong[0]?.outer.source}`,
      );
    }
    const lost = sent - scene.score('cn', flow).report().received;
    expect(goneAt < GAP_LIMIT_MS, `cn: nothing came for ${goneAt.toFixed(1)} ms`);
    return `gap ${goneAt.toFixed(1)} ms, ${lost} of ${sent} packets lost, and back to A`;
  },
};

function milliseconds(nanoseconds: bigint): string {
  return (Number(nanoseconds / 1_000n) / 1_000).toFixed(2);
}

export const careOfChecks: readonly Check[] = [coaChange, coaChangeDad, failover];
