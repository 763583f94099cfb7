import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Xfrm, XfrmMonitor, type XfrmPolicySpec } from '../../../src/netlink/index.js';
import { ip } from './namespace.js';

/** What `ip` prints, its blanks made one. */
function listed(...words: string[]): string {
  return ip('xfrm', ...words)
    .replaceAll(/\s+/g, ' ')
    .trim();
}

const SELECTOR = { source: '2001:db8:1::/64', destination: '2001:db8:99::/48' };
const template = (source: string) =>
  ({ source, destination: '2001:db8:ffff::1', reqid: 7, mode: 'tunnel' }) as const;
const OUT: XfrmPolicySpec = {
  direction: 'out',
  selector: SELECTOR,
  priority: 12,
  ifId: 0x21,
  templates: [template('2001:db8:a::2')],
};

/** Policies of ours as `ip` lists them, and those of `ip` as we do. */
export async function policies(): Promise<unknown> {
  using xfrm = Xfrm.open();
  const fresh = [await xfrm.dumpPolicies(), await xfrm.getDefaults()];
  await xfrm.putPolicy(OUT);
  const added = listed('policy');
  await xfrm.putPolicy({ ...OUT, templates: [template('2001:db8:a::3')] });
  const updated = listed('policy');
  // Another interface id, another mark: other policies.
  await xfrm.putPolicy({ ...OUT, ifId: undefined, mark: { value: 2, mask: 0xff } });
  await xfrm.putPolicy({ direction: 'in', selector: {}, templates: [{ mode: 'tunnel', reqid: 7 }] });
  const three = (await xfrm.dumpPolicies()).length;
  const deleted = [
    await xfrm.deletePolicy({ direction: 'out', selector: SELECTOR }),
    await xfrm.deletePolicy(OUT),
    await xfrm.deletePolicy(OUT),
    ...(await Promise.all((await xfrm.dumpPolicies()).map((policy) => xfrm.deletePolicy(policy)))),
  ];
  const left = listed('policy');
  const foreign =
    'policy add src 192.0.2.0/24 dst 198.51.100.7/32 proto tcp sport 80 dir fwd action block priority 3 if_id 5 mark 1 mask 3 tmpl src 192.0.2.1 dst 192.0.2.2 proto ah reqid 4 mode transport level use';
  ip('xfrm', ...foreign.split(' '));
  const [theirs] = await xfrm.dumpPolicies();
  ip('xfrm', ...'policy setdefault fwd block'.split(' '));
  const blocked = await xfrm.getDefaults();
  const wrong = await xfrm
    .putPolicy({ direction: 'out', selector: {}, templates: [{ mode: 'tunnel', protocol: 17 }] })
    .catch((error: Error & { code: string }) => [error.code, error.message]);
  return { fresh, added, updated, three, deleted, left, theirs, blocked, wrong };
}

/** What a monitor says to each change. */
export async function changes(): Promise<unknown> {
  using xfrm = Xfrm.open();
  const heard = { policies: 0, states: 0 };
  using monitor = new XfrmMonitor({
    policies: () => {
      heard.policies++;
    },
  });
  monitor.start();
  monitor.start();
  const steps: Record<string, boolean> = {};
  const step = async (name: string, change: () => unknown): Promise<void> => {
    const before = heard.policies;
    await change();
    // Answers that come after what was announced before them.
    for (let turn = 0; turn < 5; turn++) await xfrm.getDefaults();
    steps[name] = heard.policies > before;
  };
  await step('nothing', () => xfrm.dumpPolicies());
  await step('add', () => xfrm.putPolicy(OUT));
  await step('update', () => xfrm.putPolicy({ ...OUT, templates: [template('2001:db8:a::3')] }));
  await step('by ip', () => ip('xfrm', ...'policy add src ::/0 dst ::/0 dir in'.split(' ')));
  await step('delete', () => xfrm.deletePolicy(OUT));
  await step('flush', () => ip('xfrm', 'policy', 'flush'));
  await step('default', () => ip('xfrm', ...'policy setdefault out block'.split(' ')));
  monitor.stop();
  await step('stopped', () => xfrm.putPolicy(OUT));
  return steps;
}

/** States of ours as `ip` lists them, and their counters. */
export async function states(): Promise<unknown> {
  using xfrm = Xfrm.open();
  let heard = 0;
  using monitor = new XfrmMonitor({
    states: () => {
      heard++;
    },
  });
  monitor.start();
  const key = randomBytes(36);
  const hex = key.toString('hex');
  const inbound = { destination: '2001:db8:a::2', spi: 0x201 };
  await xfrm.addState({
    ...{ source: '2001:db8:a::2', destination: '2001:db8:ffff::1', spi: 0x101, mode: 'tunnel', key },
    ...{ reqid: 7, ifId: 0x21, replayWindow: 64, esn: true },
  });
  await xfrm.addState({ ...inbound, mode: 'transport', key: key.subarray(0, 20), replayWindow: 32 });
  const again = await xfrm
    .addState({ ...inbound, mode: 'transport', key })
    .catch((error: Error & { code: string; errnoName: string }) => {
      const said = `${error.message} ${error.stack} ${JSON.stringify(error)}`;
      return { code: error.code, errno: error.errnoName, tellsKey: said.includes(hex.slice(0, 8)) };
    });
  const shown = listed('state');
  const dumped = (await xfrm.dumpStates()).sort((a, b) => a.spi - b.spi);
  const tellsKey = JSON.stringify(dumped).includes(hex.slice(0, 8));
  const deleted = [await xfrm.deleteState(inbound), await xfrm.deleteState(inbound)];
  const left = (await xfrm.dumpStates()).map(({ spi }) => spi);
  return {
    shown: shown.replaceAll(hex, 'KEY').replaceAll(hex.slice(0, 40), 'SHORT'),
    ...{ dumped, tellsKey, again, deleted, left, announced: heard > 0 },
  };
}

/** One datagram to ourselves through a pair of states and policies that were made here. */
export async function protection(): Promise<unknown> {
  using xfrm = Xfrm.open();
  for (const address of ['2001:db8:a::1', '2001:db8:a::2']) ip('addr', 'add', `${address}/128`, 'dev', 'lo');
  const [source, destination] = ['2001:db8:a::1', '2001:db8:a::2'];
  const key = randomBytes(20);
  const spi = 0x301;
  await xfrm.addState({ source, destination, spi, mode: 'transport', key, replayWindow: 128, esn: true });
  const selector = { source: `${source}/128`, destination: `${destination}/128`, protocol: 17 };
  const templates = [{ mode: 'transport' }] as const;
  for (const direction of ['out', 'in'] as const) await xfrm.putPolicy({ direction, selector, templates });
  const { createSocket } = await import('node:dgram');
  const sockets = [createSocket('udp6'), createSocket('udp6')] as const;
  const [sender, receiver] = sockets;
  const received = new Promise<string>((resolve) =>
    receiver.once('message', (message) => resolve(message.toString())),
  );
  await new Promise<void>((resolve) => receiver.bind(5000, destination, resolve));
  await new Promise<void>((resolve) => sender.bind(0, source, resolve));
  sender.send('protected', 5000, destination);
  const text = await received;
  for (const socket of sockets) socket.close();
  const [state] = await xfrm.dumpStates();
  return { text, packets: state?.packets, counted: (state?.bytes ?? 0) > 0, esn: state?.esn };
}

/** Runs a program for which socket() knows no NETLINK_XFRM: seccomp answers EPROTONOSUPPORT (93), as such a kernel. */
const WITHOUT_XFRM = `
import ctypes, os, platform, struct, sys
number = {'x86_64': 41, 'aarch64': 198}[platform.machine()]
steps = [(0x20, 0, 0, 0), (0x15, 0, 5, number), (0x20, 0, 0, 16), (0x15, 0, 3, 16),
         (0x20, 0, 0, 32), (0x15, 0, 1, 6), (0x06, 0, 0, 0x50000 | 93), (0x06, 0, 0, 0x7fff0000)]
code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *step) for step in steps))
program = ctypes.create_string_buffer(struct.pack('HxxxxxxQ', len(steps), ctypes.addressof(code)))
prctl = ctypes.CDLL(None, use_errno=True).prctl
if prctl(38, 1, 0, 0, 0) or prctl(22, 2, program, 0, 0):
    raise OSError(ctypes.get_errno(), 'prctl')
os.execv(sys.argv[1], sys.argv[1:])
`;

/** What a kernel without XFRM says. */
export async function absent(): Promise<unknown> {
  const [, runner = ''] = process.argv;
  const words = ['-c', WITHOUT_XFRM, process.execPath, runner, 'xfrm', 'askAbsent', 'none'];
  return JSON.parse(execFileSync('python3', words, { encoding: 'utf8' })) as unknown;
}

export async function askAbsent(): Promise<unknown> {
  using xfrm = Xfrm.open();
  using monitor = new XfrmMonitor({ policies: () => undefined, states: () => undefined });
  monitor.start();
  monitor.start();
  const refused = await xfrm
    .putPolicy(OUT)
    .catch(({ code, errnoName }: { code: string; errnoName: string }) => [code, errnoName]);
  return [await xfrm.dumpPolicies(), await xfrm.dumpStates(), await xfrm.getDefaults(), refused];
}
