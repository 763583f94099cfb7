// What stands in the way on a machine is named by `coax doctor`, before anything is started.
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { CLI } from '../../../lab/cli.js';
import type { Check } from '../../../src/doctor/index.js';
import { mobileRouter, withSite } from '../../support/site.js';

const run = promisify(execFile);
const OTHERS = fileURLToPath(new URL('../../../../bpf/test/sample.bpf.o', import.meta.url));

test.serial('marks, rules and programs of others that collide with ours are named', async (t) => {
  await withSite(t, { mr: null, ha: null }, async (site) => {
    const mr = site.node('mr');
    const file = join(site.lab.directory, 'doctor.yaml');
    const match = { mark: '0x10/0xff' };
    writeFileSync(
      file,
      JSON.stringify(mobileRouter({ policies: [{ fid: 1, name: 'voice', match, use: ['a'] }] })),
    );
    const doctor = async (name: string): Promise<string[]> => {
      const said = await mr.exec(process.execPath, [CLI, 'doctor', '--config', file, '--json'], {
        mayFail: true,
      });
      const checks = JSON.parse(said.stdout) as Check[];
      return checks.filter((one) => one.name === name).map(({ verdict, found }) => `${verdict} ${found}`);
    };
    t.deepEqual(await doctor('marks'), ['ok nobody else uses the bits of voice 0x10/0xff']);
    t.deepEqual(await doctor('programs on wa'), ['ok none']);

    await mr.ip('-6 rule add fwmark 0xca6c lookup 51820 priority 5210');
    await mr.nft(`table ip6 vpn {
  chain output {
    type route hook output priority mangle;
    udp dport 5001 meta mark set 0x10
    udp dport 51820 meta mark set 0xca6c
  }
}
`);
    const [rule, set, ...more] = await doctor('marks');
    t.regex(rule ?? '', /^warn ip rule 5210 looks at fwmark 0xca6c, policy voice at 0x10\/0xff/);
    t.regex(set ?? '', /^warn a rule of netfilter writes 0xca6c, .*udp dport 51820/);
    t.deepEqual(more, []);

    await mr.exec('tc', ['qdisc', 'add', 'dev', 'wa', 'clsact']);
    await mr.exec('tc', [
      'filter',
      'add',
      'dev',
      'wa',
      'ingress',
      'prio',
      '7',
      'bpf',
      'da',
      'obj',
      OTHERS,
      'sec',
      'tc',
    ]);
    const [programs] = await doctor('programs on wa');
    t.regex(programs ?? '', /^warn others: .*\(bpf filter of priority 7, clsact ingress\)/);
  });
});

/** The checks of `coax doctor` in a namespace of its own, and the links there before and after. */
async function doctorAlone(
  ...setpriv: string[]
): Promise<{ checks: Check[]; before: string; after: string }> {
  const script = 'ip -o link; echo; "$@" || true; echo; ip -o link';
  const doctor = ['setpriv', ...setpriv, process.execPath, CLI, 'doctor', '--json'];
  const { stdout } = await run('unshare', ['--net', 'sh', '-c', script, 'sh', ...doctor]);
  const [before = '', said = '', after = ''] = stdout.split('\n\n');
  return { checks: JSON.parse(said) as Check[], before: before.trim(), after: after.trim() };
}

test.serial('what the kernel offers to tunnels is tried, and no link is left of it', async (t) => {
  const { checks, before, after } = await doctorAlone();
  t.is(after, before);
  const tunnels = checks.filter(({ name }) =>
    /^(external|ip6|vxlan|wireguard|xfrm|ESP|bpf_skb|esp6)/.test(name),
  );
  t.is(tunnels.length, 10);
  for (const { name, verdict, found, offered } of tunnels) {
    // Said in words, and for programs; a feature that nobody could try is not one that is missing.
    if (offered === undefined) t.regex(found, /^(not tried: module|not loaded|loaded)/, name);
    else t.is(verdict, offered ? 'ok' : 'warn', name);
  }
  t.true(tunnels.find(({ name }) => name === 'vxlan devices')?.offered);
});

test.serial('without privilege no feature is said to be missing', async (t) => {
  const { checks } = await doctorAlone('--bounding-set=-all', '--inh-caps=-all');
  t.like(
    checks.find(({ name }) => name === 'tunnels'),
    { verdict: 'warn', found: 'not looked at: only root can try them' },
  );
  t.deepEqual(
    checks.filter(({ offered }) => offered !== undefined),
    [],
  );
});
