/** Two instances in one network namespace: each has its own, and neither touches the other's. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { stringify } from 'yaml';
import { CLI } from '../../../lab/cli.js';
import { sharedSite } from '../../support/shared-site.js';
import { BID, mobileRouter, type Site } from '../../support/site.js';

const inSite = sharedSite();

/** A second instance beside the site's own mobile router; it has no ingress interface and one uplink. */
function secondInstance(site: Site, change: Record<string, unknown>): string {
  const { home, bindings } = mobileRouter() as { home: Record<string, unknown>; bindings: unknown[] };
  const file = join(site.lab.directory, 'second.yaml');
  const settings = {
    ...mobileRouter(),
    instance: 'second',
    socket: join(site.lab.directory, 'second.sock'),
    bpffs: site.lab.bpffs,
    home: { ...home, address: '2001:db8:77::2', prefixes: [] },
    ingress: [],
    bindings: bindings.slice(0, 1),
    policies: [],
  };
  writeFileSync(file, stringify({ ...settings, ...change }));
  return file;
}

async function coax(site: Site, command: string, file: string): Promise<string> {
  const { stdout, stderr } = await site
    .node('mr')
    .exec(process.execPath, [CLI, command, '--config', file], { mayFail: true });
  return `${stdout}${stderr}`;
}

test.serial("another instance's home interface and protocol number are refused with words", async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    const rules = await site.node('mr').ip('-6 rule show');
    const own = { protocol: 192, table: 8600, metric: 70, 'rule-priority': 110 };
    const sameInterface = secondInstance(site, { routing: own });
    t.regex(await coax(site, 'up', sameInterface), /its alias says "coaxial \S+"\) \(HOME_INTERFACE_TAKEN\)/);
    await coax(site, 'down', sameInterface);
    const { home } = mobileRouter() as { home: Record<string, unknown> };
    const sameProtocol = secondInstance(site, {
      home: { ...home, address: '2001:db8:77::2', prefixes: [], interface: 'coax1' },
    });
    t.regex(await coax(site, 'up', sameProtocol), /PROTOCOL_TAKEN/);
    await coax(site, 'down', sameProtocol);
    t.is(await site.node('mr').ip('-6 rule show'), rules);
    await site.state(BID.a, 'usable');
    t.regex(await site.node('mr').ip('-6 route show default'), /dev coax0/);
  });
});

test.serial('an instance with numbers of its own lives beside another, and goes alone', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    const mr = site.node('mr');
    const before = await mr.ip('-6 route show table all');
    const { home } = mobileRouter() as { home: Record<string, unknown> };
    const file = secondInstance(site, {
      home: { ...home, address: '2001:db8:77::2', prefixes: [], interface: 'coax1' },
      routing: { protocol: 192, table: 8600, metric: 70, 'rule-priority': 110 },
    });
    t.regex(await coax(site, 'up', file), /instance +second/);
    t.regex(await mr.ip('link show'), /coax1@coax1p|coax1p@coax1/);
    t.regex(await mr.ip('-6 rule show'), /110:\tfrom 2001:db8:a::2 lookup 8601/);
    t.regex(await coax(site, 'down', file), /interface coax1/);
    t.is(await mr.ip('-6 route show table all'), before);
    await site.state(BID.a, 'usable');
  });
});
