// The controller is killed and comes back; no packet notices.
import { Sink, Stream } from '../stream.js';
import { addresses } from '../topology.js';
import { type Check, expect } from './check.js';
import { ports } from './config.js';
import type { Flow, Scene } from './scene.js';

const RATE = 1_000;
const SOME = 200;
/** At the LAN host, for the stream from the correspondent. */
const LAN_PORT = 6_001;

/** Waits until this many packets more have arrived. */
async function more(scene: Scene, place: 'cn' | 'lan', flow: Flow): Promise<void> {
  await scene.settle(place, flow, 'there', scene.seen(place, flow).length + SOME);
}

const restart: Check = {
  name: 'restart',
  needsController: true,
  run: async (scene) => {
    const { lab, mr } = scene;
    const sink = await Sink.start(lab.node('lan'), { ports: [LAN_PORT] });
    const [up, down] = await Promise.all([
      Stream.start(lab.node('lan'), { to: addresses.correspondent, port: ports.a.stream, rate: RATE }),
      Stream.start(lab.node('cn'), {
        to: addresses.lan,
        port: LAN_PORT,
        sourcePort: ports.a.back,
        rate: RATE,
      }),
    ]);
    const upward = { sourcePort: up.sourcePort, port: ports.a.stream };
    const downward = { sourcePort: ports.a.back, port: LAN_PORT };
    const both = async (): Promise<unknown> =>
      Promise.all([more(scene, 'cn', upward), more(scene, 'lan', downward)]);
    await both();
    const pid = mr.pid;
    await mr.kill('SIGKILL');
    await both();
    const started = performance.now();
    await mr.start();
    const took = performance.now() - started;
    await both();
    await scene.bindingsUsable(mr);
    const [sentUp, sentDown] = await Promise.all([up.stop(), down.stop()]);
    await Promise.all([
      scene.settle('cn', upward, 'there', sentUp.sent),
      scene.settle('lan', downward, 'there', sentDown.sent),
    ]);
    await Promise.all([up.end(), down.end(), sink.end()]);
    expect(mr.pid !== pid, 'the controller was not restarted');
    const [cn, lan] = [scene.score('cn', upward).report(), scene.score('lan', downward).report()];
    expect(cn.received === sentUp.sent, `cn: ${sentUp.sent - cn.received} of ${sentUp.sent} packets lost`);
    expect(
      lan.received === sentDown.sent,
      `lan: ${sentDown.sent - lan.received} of ${sentDown.sent} packets lost`,
    );
    const gap = Math.max(cn.largestGapMs, lan.largestGapMs).toFixed(1);
    return (
      `0 of ${sentUp.sent} lost upstream, 0 of ${sentDown.sent} downstream, longest gap ${gap} ms, ` +
      `back after ${Math.round(took)} ms`
    );
  },
};

export const restartChecks: readonly Check[] = [restart];
