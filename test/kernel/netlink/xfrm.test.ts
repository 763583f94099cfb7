import test from 'ava';
import { testNeeding } from '../../support/kernel-offers.js';
import { inNamespace } from './namespace.js';

const ENDS = 'src 2001:db8:1::/64 dst 2001:db8:99::/48';
const tunnelFrom = (source: string): string =>
  `tmpl src ${source} dst 2001:db8:ffff::1 proto esp reqid 7 mode tunnel`;

test.serial('policies are those that ip lists and sets', async (t) => {
  const seen = await inNamespace<Record<string, unknown>>('xfrm', 'policies');
  const open = { in: 'accept', out: 'accept', fwd: 'accept' };
  t.deepEqual(seen.fresh, [[], open]);
  const line = `${ENDS} dir out priority 12 ptype main`;
  t.is(seen.added, `${line} ${tunnelFrom('2001:db8:a::2')} if_id 0x21`);
  t.is(seen.updated, `${line} ${tunnelFrom('2001:db8:a::3')} if_id 0x21`);
  t.is(seen.three, 3);
  t.deepEqual(seen.deleted, [false, true, false, true, true]);
  t.is(seen.left, '');
  t.deepEqual(seen.theirs, {
    direction: 'fwd',
    selector: {
      source: '192.0.2.0/24',
      destination: '198.51.100.7/32',
      protocol: 6,
      sourcePort: { value: 80, mask: 0xffff },
    },
    priority: 3,
    action: 'block',
    ifId: 5,
    mark: { value: 1, mask: 3 },
    templates: [
      {
        ...{ source: '192.0.2.1', destination: '192.0.2.2', spi: 0, protocol: 51 },
        ...{ reqid: 4, mode: 'transport', optional: true },
      },
    ],
    type: 'main',
  });
  t.deepEqual(seen.blocked, { ...open, fwd: 'block' });
  t.is((seen.wrong as string[])[0], 'NETLINK_KERNEL');
  t.regex((seen.wrong as string[])[1] ?? '', /^Cannot put the policy src ::\/0 dst ::\/0 dir out: EINVAL/);
});

test.serial('changes of policies are announced, reading them is none', async (t) => {
  t.deepEqual(await inNamespace<object>('xfrm', 'changes'), {
    nothing: false,
    add: true,
    update: true,
    'by ip': true,
    delete: true,
    flush: true,
    default: true,
    stopped: false,
  });
});

test.serial('a kernel without XFRM has no policies and nothing to say', async (t) => {
  const open = { in: 'accept', out: 'accept', fwd: 'accept' };
  const refused = ['NETLINK_SOCKET', 'EPROTONOSUPPORT'];
  t.deepEqual(await inNamespace<unknown>('xfrm', 'absent'), [[], [], open, refused]);
});

testNeeding(['ESP'], 'states are those that ip lists, without their keys', async (t) => {
  const { shown, ...seen } = await inNamespace<Record<string, unknown> & { shown: string }>('xfrm', 'states');
  t.log(shown);
  t.regex(
    shown,
    /src 2001:db8:a::2 dst 2001:db8:ffff::1 proto esp spi 0x0*101 reqid 7 mode tunnel replay-window 0 flag esn aead rfc4106\(gcm\(aes\)\) 0xKEY 128 .*replay_window 64, bitmap-length 2 .*if_id 0x21/,
  );
  t.regex(
    shown,
    /src :: dst 2001:db8:a::2 proto esp spi 0x0*201 reqid 0 mode transport replay-window 32 aead rfc4106\(gcm\(aes\)\) 0xSHORT 128/,
  );
  const counted = { packets: 0, bytes: 0, aead: 'rfc4106(gcm(aes))', protocol: 50 };
  t.deepEqual(seen, {
    dumped: [
      {
        ...{ source: '2001:db8:a::2', destination: '2001:db8:ffff::1', spi: 0x101, mode: 'tunnel' },
        ...{ reqid: 7, ifId: 0x21, replayWindow: 64, esn: true, ...counted },
      },
      {
        ...{ source: '::', destination: '2001:db8:a::2', spi: 0x201, mode: 'transport' },
        ...{ reqid: 0, replayWindow: 32, esn: false, ...counted },
      },
    ],
    tellsKey: false,
    again: { code: 'NETLINK_KERNEL', errno: 'EEXIST', tellsKey: false },
    deleted: [true, false],
    left: [0x101],
    announced: true,
  });
});

testNeeding(['ESP'], 'a datagram goes through states and policies that were made here', async (t) => {
  const { text, packets, counted, esn } = await inNamespace<Record<string, unknown>>('xfrm', 'protection');
  t.deepEqual({ text, counted, esn }, { text: 'protected', counted: true, esn: true });
  // The one state is used at both ends of the loopback.
  t.true((packets as number) >= 1);
});
