import test, { type ExecutionContext } from 'ava';
import { testNeeding } from '../../support/kernel-offers.js';
import { inNamespace } from './namespace.js';

interface Shown {
  info_kind: string;
  info_data: Record<string, unknown>;
}
type Plain = Record<string, unknown>;
/** See `made` of the scenarios. */
interface Made {
  created: boolean;
  again: boolean;
  mtu: number;
  up: boolean;
  addrGenMode: string;
  shown: Shown;
  tunnel: Plain;
}
/** See `changed` of the scenarios. */
interface Changed {
  result: boolean;
  same: boolean;
  before: Shown;
  after: Shown;
  tunnel: Plain;
  events: { before: Plain; after: Plain }[];
}

const A = '2001:db8::1';
const A2 = '2001:db8::11';
const HA = '2001:db8::2';
const HA2 = '2001:db8::22';

const asAsked = { created: true, again: false, mtu: 1400, up: true, addrGenMode: 'none' };

/** The change is all that is other than before, for `ip`, for a dump and for the last event. */
function onlyChanged(
  t: ExecutionContext,
  change: Changed,
  before: Plain,
  wanted: Plain,
  words: Record<string, string> = { local: 'local', remote: 'remote' },
): void {
  const inWords = Object.fromEntries(
    Object.entries(wanted).map(([key, value]) => [words[key] ?? key, value]),
  );
  t.true(change.result);
  t.false(change.same, 'it is so already');
  t.deepEqual(change.after.info_data, { ...change.before.info_data, ...inWords });
  t.deepEqual(change.tunnel, { ...before, ...wanted });
  t.deepEqual(change.events[0]?.before, before);
  t.deepEqual(change.events.at(-1)?.after, change.tunnel);
}

testNeeding(['ip6tnl'], 'ip6tnl devices, and their addresses changed in place', async (t) => {
  const { first, local, both, second, byOthers, refusals } = await inNamespace<{
    first: Made;
    local: Changed;
    both: Changed;
    second: Made;
    byOthers: Plain;
    refusals: Record<string, string>;
  }>('tunnels', 'ip6tnl');
  t.like(first, asAsked);
  t.deepEqual(first.tunnel, {
    kind: 'ip6tnl',
    external: false,
    local: A,
    remote: HA,
    hopLimit: 17,
    encapLimit: 'none',
    trafficClass: 'inherit',
    flowLabel: 0x12345,
    fwmark: 9,
    protocol: 'any',
  });
  t.is(first.shown.info_kind, 'ip6tnl');
  t.like(first.shown.info_data, {
    proto: 'any',
    local: A,
    remote: HA,
    ttl: 17,
    ip6_tnl_f_ign_encap_limit: true,
    ip6_tnl_f_use_orig_tclass: true,
    flowlabel: '0x12345',
    fwmark: '0x9',
  });
  onlyChanged(t, local, first.tunnel, { local: A2 });
  onlyChanged(t, both, local.tunnel, { local: A, remote: HA2 });

  t.like(second.tunnel, { hopLimit: 64, encapLimit: 3, trafficClass: 0x28, flowLabel: 'inherit', fwmark: 0 });
  t.like(second.shown.info_data, {
    proto: 'ip6ip6',
    ttl: 64,
    encap_limit: 3,
    tclass: '0x28',
    ip6_tnl_f_use_orig_flowlabel: true,
  });
  t.like(byOthers, { local: A, remote: HA, hopLimit: 5 });
  t.regex(refusals.taken ?? '', /^EEXIST: /);
  t.regex(refusals.family ?? '', /^NETLINK_ARGUMENT: The local address must be an address of IPv6/);
  t.regex(refusals.nowhere ?? '', /^NETLINK_ARGUMENT: .*there is no such link/);
  t.regex(refusals.loopback ?? '', /^NETLINK_ARGUMENT: Link lo \(no tunnel\) has no addresses to change/);
});

testNeeding(['external ip6tnl'], 'an external ip6tnl device, one for each namespace', async (t) => {
  const { first, second, change } = await inNamespace<{ first: Made; second: string; change: string }>(
    'tunnels',
    'externalIp6tnl',
  );
  t.like(first, asAsked);
  t.like(first.tunnel, { kind: 'ip6tnl', external: true, protocol: 'ip6ip6' });
  t.is(first.shown.info_data.external, true);
  t.false('local' in first.tunnel || 'remote' in first.tunnel);
  t.regex(second, /^EEXIST: /);
  t.regex(change, /^NETLINK_ARGUMENT: Link t0 \(external ip6tnl\) has no addresses to change/);
});

testNeeding(['ip6gre'], 'ip6gre devices, and their addresses changed in place', async (t) => {
  const { first, local, both, plain } = await inNamespace<{
    first: Made;
    local: Changed;
    both: Changed;
    plain: Made;
  }>('tunnels', 'ip6gre');
  t.like(first, asAsked);
  t.deepEqual(first.tunnel, {
    kind: 'ip6gre',
    external: false,
    local: A,
    remote: HA,
    hopLimit: 17,
    encapLimit: 'none',
    trafficClass: 0,
    flowLabel: 0,
    fwmark: 0,
    inputKey: 0xc0a80001,
    outputKey: 0xc0a80001,
  });
  t.like(first.shown.info_data, {
    local: A,
    remote: HA,
    ttl: 17,
    ip6_tnl_f_ign_encap_limit: true,
    ikey: '192.168.0.1',
    okey: '192.168.0.1',
  });
  onlyChanged(t, local, first.tunnel, { local: A2 });
  onlyChanged(t, both, local.tunnel, { local: A, remote: HA2 });
  t.false('inputKey' in plain.tunnel || 'outputKey' in plain.tunnel);
  t.false('ikey' in plain.shown.info_data || 'okey' in plain.shown.info_data);
});

testNeeding(['vxlan'], 'vxlan devices, and their addresses changed in place', async (t) => {
  const { first, local, both, nowhere, external, old, oldChanged } = await inNamespace<{
    first: Made;
    local: Changed;
    both: Changed;
    nowhere: Changed;
    external: Made;
    old: Made;
    oldChanged: Plain;
  }>('tunnels', 'vxlan');
  const words = { local: 'local6', remote: 'remote6' };
  t.like(first, asAsked);
  t.deepEqual(first.tunnel, {
    kind: 'vxlan',
    external: false,
    vni: 42,
    port: 4790,
    local: A,
    remote: HA,
    hopLimit: 0,
  });
  t.like(first.shown.info_data, { id: 42, port: 4790, local6: A, remote6: HA });
  onlyChanged(t, local, first.tunnel, { local: A2 }, words);
  onlyChanged(t, both, local.tunnel, { local: A, remote: HA2 }, words);
  t.true(nowhere.result);
  t.false('remote' in nowhere.tunnel || 'remote6' in nowhere.after.info_data);
  t.like(external.tunnel, { kind: 'vxlan', external: true, port: 4789 });
  t.false('vni' in external.tunnel);
  t.like(old.tunnel, { vni: 7, local: '192.0.2.1', remote: '192.0.2.2' });
  t.like(oldChanged, { vni: 7, local: '192.0.2.11', remote: '192.0.2.2' });
});

testNeeding(['xfrm interface'], 'xfrm interfaces', async (t) => {
  const { first, lower, plain, change } = await inNamespace<{
    first: Made;
    lower: boolean;
    plain: Made;
    change: string;
  }>('tunnels', 'xfrm');
  t.like(first, asAsked);
  t.deepEqual(first.tunnel, { kind: 'xfrm', external: false, ifId: 5 });
  t.is(first.shown.info_data.if_id, '0x5');
  t.true(lower);
  t.deepEqual(plain.tunnel, { kind: 'xfrm', external: false, ifId: 0xfffffffe });
  t.regex(change, /^NETLINK_ARGUMENT: Link t0 \(xfrm\) has no addresses to change/);
});

testNeeding(['external xfrm interface'], 'an external xfrm interface', async (t) => {
  const made = await inNamespace<Made>('tunnels', 'externalXfrm');
  t.like(made, asAsked);
  t.deepEqual(made.tunnel, { kind: 'xfrm', external: true });
  t.is(made.shown.info_data.external, true);
});

for (const [kind, scenario] of [
  ['ip6tnl', 'ip6tnl'],
  ['ip6gre', 'ip6gre'],
  ['vxlan', 'vxlan'],
  ['vxlan', 'vxlanKept'],
] as const) {
  testNeeding([kind], `no packet of ${scenario} has the old source after a change in place`, async (t) => {
    const { sent, before, after } = await inNamespace<{
      sent: number;
      before: { old: number; new: number };
      after: { old: number; new: number };
    }>('tunnels', `${scenario}Sources`);
    t.true(before.old >= sent);
    t.is(before.new, 0);
    t.is(after.old, 0);
    t.true(after.new >= sent);
  });
}

test.serial('a kind is offered if a link of it can be made, and asking makes none', async (t) => {
  const { offered, makeable, before, once, twice } = await inNamespace<{
    offered: Record<string, boolean>;
    makeable: Record<string, boolean>;
    before: string[];
    once: string[];
    twice: string[];
  }>('tunnels', 'offers');
  t.deepEqual(offered, makeable);
  t.like(offered, { veth: true, nosuchkind: false });
  const came = once.filter((name) => !before.includes(name));
  t.deepEqual(
    came.filter((name) => name !== 'ip6tnl0' && name !== 'ip6gre0'),
    [],
    'but what a module brings',
  );
  t.deepEqual(twice, once);
});

test.serial('who may not ask for a link is not told that there are none', async (t) => {
  t.regex(
    await inNamespace<string>('tunnels', 'offersUnprivileged'),
    /^EPERM: Cannot find out .*CAP_NET_ADMIN/,
  );
});
