import test from 'ava';
import type { Link, Neighbour, Route } from '../../../src/netlink/index.js';
import { inNamespace } from './namespace.js';

/** Values as they come out of JSON: addresses are text. */
type Plain<T> = { [Key in keyof T]: T[Key] extends object | undefined ? unknown : T[Key] };
interface Refusal {
  code?: string;
  errnoName?: string;
  extack?: string;
  attempted?: string;
  message?: string;
}

test.serial('veth pairs', async (t) => {
  const result = await inNamespace<{
    links: Plain<Link>[];
    changed: Plain<Link>;
    exclusive: Refusal;
    peerTaken: Refusal;
    [key: string]: unknown;
  }>('request', 'veth');
  const common = { kind: 'veth', mtu: 1400, noArp: true, up: true, carrier: true, addrGenMode: 'none' };
  t.like(result.links[0], { ...common, name: 'coax0', mac: '02:00:00:00:00:01' });
  t.like(result.links[1], { ...common, name: 'coax0p', mac: '02:00:00:00:00:02' });
  t.like(result, { created: true, again: false, linkLocal: 0, replaced: true, newMtu: 1300 });
  t.is(result.exclusive.errnoName, 'EEXIST');
  t.is(result.peerTaken.errnoName, 'EEXIST', 'a taken peer name is not success');
  t.like(result.changed, { mtu: 1280, mac: '02:00:00:00:00:09', noArp: false, up: false });
  t.like(result, { deleted: true, peerGone: true, deletedAgain: false, there: true });
});

test.serial('vxlan devices and other kinds', async (t) => {
  const { external, plain, master } = await inNamespace<Record<string, string>>('request', 'vxlan');
  t.regex(external ?? '', /vxlan external.* dstport 4790 .*udp6zerocsumrx.* addrgenmode none/s);
  t.regex(plain ?? '', /vxlan id 42 remote 2001:db8::2 local 2001:db8::1 .*dstport 4791/s);
  t.true(master as unknown);
});

test.serial('features of a device', async (t) => {
  const { before, after, unknown, nowhere } = await inNamespace<{
    before: string[];
    after: string[];
    unknown: Refusal;
    nowhere: Refusal;
  }>('request', 'features');
  const kinds = [
    'tcp-segmentation-offload',
    'tx-gre-segmentation',
    'tx-udp_tnl-segmentation',
    'tx-sctp-segmentation',
  ];
  t.deepEqual([...before].sort(), kinds.map((kind) => `${kind}: on`).sort());
  const off = new Set(['tx-udp_tnl-segmentation', 'tx-sctp-segmentation']);
  t.deepEqual([...after].sort(), kinds.map((kind) => `${kind}: ${off.has(kind) ? 'off' : 'on'}`).sort());
  t.regex(
    `${unknown.errnoName} ${unknown.message}`,
    /^(EINVAL|EOPNOTSUPP) Cannot turn off tx-nonsense of link/,
  );
  t.is(nowhere.errnoName, 'ENODEV');
});

test.serial('addresses', async (t) => {
  const result = await inNamespace<Record<string, string> & { exclusive: Refusal }>('request', 'addresses');
  t.like(result as object, { added: true, again: false, deleted: true, deletedAgain: false, left: '' });
  t.is(result.exclusive.errnoName, 'EEXIST');
  t.regex(result.first ?? '', /2001:db8::1\/64 scope global nodad .*valid_lft forever/);
  t.regex(
    result.replaced ?? '',
    /2001:db8::1\/64 scope global .*deprecated .*valid_lft 1000sec preferred_lft 0sec/,
  );
});

test.serial('routes', async (t) => {
  const result = await inNamespace<Record<string, string> & { exclusive: Refusal; badGateway: Refusal }>(
    'request',
    'routes',
  );
  t.like(result as object, { added: true, again: false, deleted: true, reject: true, deletedAgain: false });
  t.is(result.exclusive.errnoName, 'EEXIST');
  t.regex(result.shown ?? '', /default via 2001:db8::fe dev va proto 77 src 2001:db8::1 metric 50 mtu 1320/);
  t.regex(result.shown ?? '', /unreachable default .*metric 60/);
  t.regex(result.replaced ?? '', /default via 2001:db8::fd /);
  t.notRegex(result.replaced ?? '', /2001:db8::fe/);
  t.regex(result.main ?? '', /2001:db8:1::\/48 from 2001:db8::\/64 dev va/);
  t.regex(result.main ?? '', /nexthop via 2001:db8::3 dev va weight 2/);
  t.is(result.badGateway.errnoName, 'EHOSTUNREACH');
});

test.serial('rules', async (t) => {
  const result = await inNamespace<Record<string, string> & { exclusive: Refusal }>('request', 'rules');
  t.like(result as object, {
    added: true,
    again: false,
    deleted: true,
    deletedAgain: false,
    protocol: 77,
    left: 2,
  });
  t.is(result.exclusive.errnoName, 'EEXIST');
  t.regex(result.shown ?? '', /100:\s+from 2001:db8::1 lookup 1000/);
  t.regex(result.shown ?? '', /101:\s+from all fwmark 0x10\/0xf0 iif lo lookup main/);
  t.regex(result.shown ?? '', /102:\s+from all oif x .*prohibit/);
});

test.serial('neighbours, and one the kernel manages', async (t) => {
  const result = await inNamespace<
    Record<string, string> & { managed: Plain<Neighbour>; exclusive: Refusal; proxies: string[] }
  >('request', 'neighbours');
  t.like(result as object, { added: true, deleted: true, deletedAgain: false, left: 0 });
  t.like(result.managed, { managed: true, usable: true, mac: '02:00:00:00:00:0b' });
  t.regex(result.managedText ?? '', /2001:db8::2 lladdr 02:00:00:00:00:0b.* managed.*REACHABLE/);
  t.regex(result.replaced ?? '', /02:00:00:00:00:33.*STALE.*proto 77|02:00:00:00:00:33.*proto 77.*STALE/);
  t.is(result.exclusive.errnoName, 'EEXIST');
  t.deepEqual(result.proxies, ['2001:db8::4']);
});

test.serial('route lookups', async (t) => {
  const result = await inNamespace<Record<string, Plain<Route>> & { none: Refusal; reject: unknown }>(
    'request',
    'lookups',
  );
  const { ifindex } = result as unknown as { ifindex: number };
  t.is(result.none.errnoName, 'ENETUNREACH');
  t.like(result.plain, { gateway: '2001:db8::fe', ifindex, prefsrc: '2001:db8::2', mtu: 1333 });
  t.like(result.bySource, { gateway: '2001:db8::fd', table: 1000 });
  t.like(result.byMark, { gateway: '2001:db8::fd', table: 1000 });
  t.like(result.row, { destination: '::/0', gateway: '2001:db8::fe' });
  t.is(result.reject, 'EHOSTUNREACH');
});

test.serial('a refusal says what was attempted and what the kernel said', async (t) => {
  const result = await inNamespace<Record<string, Refusal>>('request', 'refusals');
  t.like(result.unknownKind, {
    code: 'NETLINK_KERNEL',
    errnoName: 'EOPNOTSUPP',
    extack: 'Unknown device type',
  });
  t.like(result.noLink, { code: 'NETLINK_ARGUMENT' });
  t.like(result.badMetric, { errnoName: 'EHOSTUNREACH' });
  t.like(result.badMtu, { errnoName: 'EINVAL', extack: 'mtu greater than device maximum' });
  t.is(result.badMtu?.message, 'Cannot change link va: EINVAL: mtu greater than device maximum');
  t.like(result.closed, { code: 'NETLINK_CLOSED' });
});

test.serial('a burst of requests is answered in order', async (t) => {
  const result = await inNamespace<object>('request', 'burst');
  t.deepEqual(result, { during: 300, results: 300, after: 300 });
});

test.serial('a socket nobody closed goes with its object', async (t) => {
  const result = await inNamespace<{ opened: number; answers: number; left: number }>('request', 'forgotten');
  t.true(result.opened >= 20);
  t.is(result.answers, 20);
  t.true(result.left <= 1, `${result.left} descriptors are left`);
});

test.serial('an idle socket does not keep the process alive', async (t) => {
  t.is(await inNamespace<string>('request', 'idle'), 'true\n');
});
