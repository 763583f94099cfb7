import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { Capture } from '../../../lab/capture.js';
import { run } from '../../../lab/command.js';
import { Lab } from '../../../lab/lab.js';
import type { LabNode } from '../../../lab/node.js';
import { buildUdp, innermost } from '../../../lab/packet.js';
import { Remains } from '../../../lab/remains.js';
import { readStates } from '../../../lab/state.js';
import { Sink, Stream } from '../../../lab/stream.js';
import { addresses, topology } from '../../../lab/topology.js';

/** Whether one of the echo requests of ten seconds, sent one a second, is answered. */
async function reaches(node: LabNode, address: string): Promise<boolean> {
  return answers(node, ['-w', '10', address]);
}

/** Whether a single echo request is answered within a second. */
async function reachesAtOnce(node: LabNode, address: string): Promise<boolean> {
  return answers(node, ['-W', '1', address]);
}

async function answers(node: LabNode, words: readonly string[]): Promise<boolean> {
  const { exitCode } = await node.exec('ping', ['-6', '-n', '-c', '1', ...words], { mayFail: true });
  return exitCode === 0;
}

test.serial('two labs run side by side, every hop answers, and both leave nothing', async (t) => {
  const labs = await Promise.all([Lab.create(), Lab.create({ routers: 2 })]);
  try {
    for (const [i, lab] of labs.entries()) {
      for (const { ends } of topology(i === 0 ? 1 : 2).links) {
        const [a, b] = ends;
        t.true(await reaches(lab.node(a.node), b.address), `${lab.name}: ${a.node} -> ${b.node}`);
      }
      t.true(await reaches(lab.node('ha'), addresses.careOfA), 'the home agent reaches care-of address A');
      // The mobile router's first default route answers for B too, and the filter at ra refuses that.
      const answered = await reachesAtOnce(lab.node('ha'), addresses.careOfB);
      t.false(answered, 'care-of address B needs source routing');
      t.is(await lab.refused('ra'), 1);
    }
  } finally {
    await Promise.all(labs.map((lab) => lab.destroy()));
  }
  for (const lab of labs) t.deepEqual(await new Remains(lab).afterwards(), []);
});

test.serial('an access router refuses and counts a source outside its uplink', async (t) => {
  const lab = await Lab.create();
  try {
    const capture = await Capture.start(lab.node('core'), 'ra0');
    await lab.node('mr').ip('address add 2001:db8:dead::1/128 dev lo nodad');
    const to = { to: addresses.homeAgent, port: 9 };
    await Stream.send(lab.node('mr'), { ...to, source: '2001:db8:dead::1', count: 3 });
    await Stream.send(lab.node('mr'), { ...to, source: addresses.careOfA, count: 1 });
    const passed = await capture.waitFor((packet) => packet.transport?.destinationPort === 9);
    t.is(passed.outer.source, addresses.careOfA, 'the first to come through is the honest one');
    t.is(await lab.refused('ra'), 3);
    t.is(await lab.refused('rb'), 0);
  } finally {
    await lab.destroy();
  }
});

test.serial('a capture sees every packet of a stream, with time, hop limit and flow', async (t) => {
  const lab = await Lab.create();
  try {
    const [lan, mr] = [lab.node('lan'), lab.node('mr')];
    const capture = await Capture.start(mr, 'lan0', { filter: 'ip6 and udp' });
    const sink = await Sink.start(mr, { ports: [5001], echo: true });
    const before = BigInt(Date.now()) * 1_000_000n;
    const stream = await Stream.start(lan, {
      to: addresses.mobileRouter,
      port: 5001,
      rate: 2_000,
      count: 600,
    });
    t.deepEqual(await stream.sent(), { event: 'sent', sent: 600, refused: 0 });
    const report = await sink.received(600);
    t.like(report, { received: 600, lost: 0, duplicates: 0, reordered: 0, first: 0, last: 599 });
    t.true(report.largestGapMs < 200, `largest gap ${report.largestGapMs} ms`);
    await capture.flush();
    const there = capture.packets((packet) => packet.transport?.destinationPort === 5001);
    const back = capture.packets((packet) => packet.transport?.sourcePort === 5001);
    t.is(there.length, 600);
    t.is(back.length, 600);
    const [first] = there;
    t.like(first?.outer, {
      source: addresses.lan,
      destination: addresses.mobileRouter,
      hopLimit: 64,
      payloadLength: 72,
    });
    t.is(first?.ethernet.destination, (await mr.link('lan0')).mac);
    t.is(first?.transport?.sourcePort, stream.sourcePort);
    t.true((first?.time ?? 0n) >= before && (first?.time ?? 0n) - before < 10_000_000_000n);
    t.deepEqual((await stream.echoes()).received, 600);
    t.is((await capture.stopComplete()).dropped, 0);
  } finally {
    await lab.destroy();
  }
});

test.serial('a capture takes tunnelled packets apart', async (t) => {
  const lab = await Lab.create();
  try {
    const [core, mr] = [lab.node('core'), lab.node('mr')];
    const inner = buildUdp({
      source: addresses.correspondent,
      destination: addresses.lan,
      sourcePort: 7,
      destinationPort: 8,
      payload: Buffer.from('hello'),
      hopLimit: 61,
    });
    const [raw, vxlan] = await Promise.all([
      Capture.start(mr, 'wa', { filter: 'ip6 proto 41' }),
      Capture.start(mr, 'wb', { filter: 'udp port 4789' }),
    ]);
    await core.exec('socat', ['-u', '-', `IP6-SENDTO:[${addresses.careOfA}]:41,bind=[${addresses.core}]`], {
      input: inner,
    });
    const packet = await raw.waitFor(() => true);
    t.deepEqual(packet.tunnel, { kind: 'ipv6' });
    t.like(packet.outer, { source: addresses.core, destination: addresses.careOfA });
    t.like(innermost(packet), { source: addresses.correspondent, destination: addresses.lan, hopLimit: 61 });
    t.deepEqual(packet.transport, { protocol: 17, sourcePort: 7, destinationPort: 8 });
    t.is(Buffer.from(packet.payload).toString(), 'hello');

    await core.batch([
      `link add vx type vxlan id 7 dstport 4789 local ${addresses.core} remote ${addresses.careOfB}`,
      'address add 2001:db8:7::1/64 dev vx nodad',
      'link set vx up',
      'neighbour add 2001:db8:7::2 lladdr 02:00:00:00:00:02 dev vx',
    ]);
    await Stream.send(core, { to: '2001:db8:7::2', port: 9, count: 1 });
    const carried = await vxlan.waitFor((seen) => seen.transport?.destinationPort === 9);
    t.deepEqual(carried.tunnel, { kind: 'vxlan', vni: 7 });
    t.like(carried.outer, { source: addresses.core, destination: addresses.careOfB });
    t.like(carried.inner, { source: '2001:db8:7::1', destination: '2001:db8:7::2' });
  } finally {
    await lab.destroy();
  }
});

test.serial('an uplink goes down and comes back with its address and route', async (t) => {
  const lab = await Lab.create();
  try {
    await lab.uplinkDown('a');
    t.false(await reachesAtOnce(lab.node('ha'), addresses.careOfA));
    await lab.uplinkUp('a');
    // The kernel at the other end hands on changes of carrier at most once a second (net/core/link_watch.c).
    t.true(await reaches(lab.node('ha'), addresses.careOfA));
  } finally {
    await lab.destroy();
  }
});

test.serial('the lab of a crashed owner is removed by the next one', async (t) => {
  const module = fileURLToPath(new URL('../../../lab/lab.js', import.meta.url));
  const script = `
    const { Lab } = await import(${JSON.stringify(module)});
    const lab = await Lab.create();
    lab.node('cn').spawn('ping', ['-6', '-q', '::1'], { stdio: 'ignore' });
    process.kill(process.pid, 'SIGKILL');`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
  await once(owner, 'exit');
  const state = readStates().find(({ pid }) => pid === owner.pid);
  if (state === undefined) return t.fail('the crashed owner left no state file');
  t.true(existsSync(`/run/netns/${state.namespaces[0]}`));
  const lab = await Lab.create();
  await lab.destroy();
  t.deepEqual(await new Remains(lab).afterwards(), []);
  t.deepEqual(await new Remains({ name: state.name, directory: state.directory, state }).afterwards(), []);
});

test.serial('a lab that cannot be built is taken back', async (t) => {
  const lab = await Lab.create();
  try {
    // A name that is taken: the second lab fails at its first namespace.
    const { exitCode } = await run('ip', ['netns', 'add', 'cx-taken-lan']);
    t.is(exitCode, 0);
    await t.throwsAsync(Lab.create({ name: 'cx-taken' }), { code: 'COMMAND_FAILED', message: /exists/i });
    t.throws(() => lab.node('mr2'), { code: 'LAB_FAILED' });
  } finally {
    await run('ip', ['netns', 'del', 'cx-taken-lan'], { mayFail: true });
    await lab.destroy();
  }
  t.deepEqual(await new Remains(lab).afterwards(), []);
  t.false(existsSync('/run/netns/cx-taken-mr'));
});
