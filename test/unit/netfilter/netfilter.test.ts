// What rules there are, and which of them the fast path would bypass: from real listings of nft.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { bypassedRules, formatBypassedRule, readRuleset } from '../../../src/netfilter/index.js';
import { parseIp6tables } from '../../../src/netfilter/ip6tables.js';
import { parseRuleset } from '../../../src/netfilter/nft.js';
import type { Ruleset } from '../../../src/netfilter/ruleset.js';
import { readStatements } from '../../../src/netfilter/statement.js';
import { temporaryFolder } from '../../support/temporary.js';

const folder = fileURLToPath(new URL('../../../../../test/unit/netfilter/samples/', import.meta.url));
const JSON_TEXT = readFileSync(`${folder}ruleset.json`, 'utf8');
const TEXT = readFileSync(`${folder}ruleset.txt`, 'utf8');

const TRAFFIC = { ingress: ['lan0'], home: 'coax0' };

function bypassed(ruleset: Ruleset, table?: string, traffic = TRAFFIC): string[] {
  return bypassedRules(ruleset, traffic)
    .filter((rule) => table === undefined || rule.table === table)
    .map(formatBypassedRule);
}

const SAMPLE = parseRuleset(JSON_TEXT, TEXT);

test('a forward chain: every rule that packets can meet, in the chains it calls too, and its policy', (t) => {
  t.deepEqual(bypassed(SAMPLE, 'filter'), [
    'inet filter forward handle 9: ct state vmap { invalid : drop, established : accept, related : accept }',
    'inet filter forward handle 10: iifname "lan0" counter accept comment "lan out"',
    'inet filter other handle 6: ip6 saddr { 2001:db8::1, 2001:db8::2 } drop',
    'inet filter other handle 7: log prefix "x"',
    'inet filter forward handle 14: reject',
    'inet filter forward: policy drop',
  ]);
  // A bridge named br-lan is matched by the rule for br-*.
  const bridged = bypassed(SAMPLE, 'filter', { ingress: ['lan0', 'br-lan'], home: 'coax0' });
  t.true(bridged.some((rule) => rule.includes('handle 12: iifname { "br-*", "docker0" }')));
});

test('translation: only where the packets pass', (t) => {
  t.deepEqual(bypassed(SAMPLE, 'nat'), [
    'ip6 nat pre handle 5: iifname "lan0" tcp dport 53 redirect to :5353',
    'ip6 nat pre handle 6: tcp dport 80 dnat to [2001:db8::1]:81',
  ]);
  const uplink = bypassed(SAMPLE, 'nat', { ingress: ['lan0'], home: 'wa' });
  t.true(uplink.includes('ip6 nat post handle 3: oifname "wa" masquerade'));
});

test('before routing: what tracks, changes or drops counts, a mark alone does not', (t) => {
  t.deepEqual(bypassed(SAMPLE, 'mangle'), [
    'ip6 mangle pre handle 2: meta mark set ct mark',
    'ip6 mangle pre handle 5: ip6 dscp set cs1',
    'ip6 mangle pre handle 6: ct mark set meta mark',
    'ip6 mangle pre handle 7: notrack',
    'ip6 mangle pre handle 8: limit rate over 10/second drop',
  ]);
});

test('verdict maps, IPv4 and interfaces of others', (t) => {
  t.deepEqual(bypassed(SAMPLE, 'lan'), [
    'inet lan mail handle 6: tcp dport 25 drop',
    'inet lan pre handle 9: tcp dport vmap @verdicts',
    'inet lan pre handle 15: ip6 daddr 2001:db8::5 meta l4proto tcp tproxy ip6 to :1234',
  ]);
  t.true(
    bypassed(SAMPLE, 'lan', { ingress: ['wlan0'], home: 'coax0' }).some((rule) => rule.includes('"wlan*"')),
  );
});

test('ingress chains count on their devices, tables that are asleep not at all', (t) => {
  t.deepEqual(bypassed(SAMPLE, 'ing'), ['netdev ing y handle 4: drop']);
  t.deepEqual(bypassed(SAMPLE, 'ing', { ingress: ['eth7'], home: 'coax0' }), []);
  t.deepEqual(bypassed(SAMPLE, 'asleep'), []);
  // Without the text nothing is known of devices and flags: then they count.
  const bare = parseRuleset(JSON_TEXT, '');
  t.is(bypassed(bare, 'ing').length, 2);
  t.deepEqual(bypassed(bare, 'asleep'), ['ip6 asleep f: policy drop']);
  t.is(bypassed(bare, 'ing')[1], 'netdev ing y handle 4: {"drop":null}');
});

test('chains without rules that do anything are no reason', (t) => {
  const place = { family: 'inet', table: 'x' };
  const chain = { ...place, name: 'forward', type: 'filter', hook: 'forward', prio: 0, policy: 'accept' };
  const jump = { ...place, chain: 'forward', handle: 3, expr: [{ jump: { target: 'empty' } }] };
  const entries = [{ chain }, { chain: { ...place, name: 'empty' } }, { rule: jump }];
  t.deepEqual(bypassed(parseRuleset(JSON.stringify({ nftables: entries }), '')), []);
  const input = { ...chain, name: 'in', hook: 'input', policy: 'drop' };
  const bridge = { ...chain, family: 'bridge', policy: 'drop' };
  const older = { ...chain, family: 'ip', policy: 'drop' };
  const others = [{ chain: input }, { chain: bridge }, { chain: older }];
  t.deepEqual(bypassed(parseRuleset(JSON.stringify({ nftables: others }), '')), []);
});

test('chains that call each other in a circle end', (t) => {
  const place = { family: 'inet', table: 'x' };
  const chain = { ...place, name: 'a', type: 'filter', hook: 'forward', prio: 0 };
  const rule = (from: string, target: string) => ({
    rule: { ...place, chain: from, handle: 1, expr: [{ goto: { target } }] },
  });
  const entries = [{ chain }, { chain: { ...place, name: 'b' } }, rule('a', 'b'), rule('b', 'a')];
  t.deepEqual(bypassed(parseRuleset(JSON.stringify({ nftables: entries }), '')), []);
});

test('extensions of iptables-nft: by their names, without one they count', (t) => {
  const touches = (...expr: Record<string, unknown>[]) => readStatements(expr)?.touches;
  const target = (name: string) => ({ xt: { type: 'target', name } });
  t.deepEqual(touches({ xt: { type: 'match', name: 'multiport' } }, target('MARK')), []);
  t.deepEqual(touches({ xt: { type: 'match', name: 'conntrack' } }, { accept: null }), ['tracks']);
  t.deepEqual(touches(target('CONNMARK')), ['tracks']);
  t.deepEqual(touches(target('MASQUERADE')), ['translates']);
  t.deepEqual(touches(target('TCPMSS')), ['changes']);
  t.deepEqual(touches({ xt: null }), ['changes']);
  t.deepEqual(touches({ 'what comes next': {} }), ['changes']);
  t.deepEqual(touches({ jump: 'nowhere' }), ['changes']);
});

test('a listing that is none is refused with words', (t) => {
  for (const text of ['', '[]', '{}', '{"nftables": [{"rule": {"family": "inet"}}]}']) {
    t.throws(() => parseRuleset(text, ''), { code: 'NFT_UNREADABLE' }, text);
  }
});

const OLDER = `# Generated by ip6tables-save v1.8.9
*mangle
:PREROUTING ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
-A PREROUTING -p udp -m udp --dport 5403 -j MARK --set-xmark 0x10/0xffffffff
-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [12:960]
:OUTPUT ACCEPT [0:0]
:mine - [0:0]
-A INPUT -j ACCEPT
-A FORWARD -i docker+ -j DROP
-A FORWARD ! -i lan0 -o eth9 -j DROP
-A FORWARD -i lan+ -m comment --comment "to -j DROP" -j mine
[5:400] -A mine -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
*nat
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o eth9 -j MASQUERADE
-A POSTROUTING -s 2001:db8:1::/64 -j MASQUERADE
COMMIT
`;

test('the older ip6tables', (t) => {
  t.deepEqual(bypassed(parseIp6tables(OLDER)), [
    'ip6 mangle PREROUTING handle 2: -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff',
    'ip6 filter mine handle 1: -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    'ip6 filter FORWARD: policy drop',
    'ip6 nat POSTROUTING handle 2: -s 2001:db8:1::/64 -j MASQUERADE',
  ]);
});

function program(place: string, script: string): string[] {
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'nft'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return [place];
}

test('rules that cannot be read are an error with a code, never no rules', async (t) => {
  const { path: place, remove } = temporaryFolder();
  t.teardown(remove);
  const some = async (): Promise<boolean> => true;
  t.deepEqual(await readRuleset(async () => false, [join(place, 'none')]), []);
  await t.throwsAsync(readRuleset(some, [join(place, 'none')]), { code: 'NFT_MISSING' });
  await t.throwsAsync(readRuleset(some, program(join(place, 'a'), 'echo Error: no permission >&2; exit 1')), {
    code: 'NFT_FAILED',
    message: /nft -s -t -j list ruleset": Error: no permission$/,
  });
  await t.throwsAsync(readRuleset(some, program(join(place, 'b'), 'echo welcome')), {
    code: 'NFT_UNREADABLE',
  });
  await t.throwsAsync(readRuleset(some, program(join(place, 'c'), 'exec cat /dev/zero')), {
    code: 'NFT_FAILED',
    message: /said more than 16777216 bytes$/,
  });
  const sample = `case "$*" in *-j*) cat ${folder}ruleset.json;; *) cat ${folder}ruleset.txt;; esac`;
  t.deepEqual(await readRuleset(some, program(join(place, 'd'), sample)), SAMPLE);
});
