/** Ten thousand changes of addresses and links in random order: in the end the state is what a fresh start makes. */
import test from 'ava';
import { Random } from '../../../lab/random.js';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { down, mobileRouter, PATIENCE, type Site, withSite } from '../../support/site.js';

const FLAPS = 10_000;
const BATCH = 250;
const SEED = Number(process.env.FLAPS_SEED ?? 5648);
const GRACE = '1s';

const UPLINKS = [
  {
    device: 'wa',
    access: 'ra',
    letter: 'a',
    gateway: addresses.accessA,
    careOf: addresses.careOfA,
    metric: 1024,
  },
  {
    device: 'wb',
    access: 'rb',
    letter: 'b',
    gateway: addresses.accessB,
    careOf: addresses.careOfB,
    metric: 1025,
  },
] as const;
type Uplink = (typeof UPLINKS)[number];

/** One change; what it asks for may not be there any more, then the kernel refuses it. */
function flap(random: Random, { device, letter, gateway }: Uplink): string {
  const address = `2001:db8:${letter}::${(2 + random.below(12)).toString(16)}/64`;
  switch (random.below(100) >> 1) {
    case 0:
      return `link set ${device} down`;
    case 1:
      return `link set ${device} up`;
    case 2:
      // The access router has this one: a duplicate.
      return `address add ${gateway}/64 dev ${device}`;
    case 3:
      return `address del ${gateway}/64 dev ${device}`;
    default:
  }
  switch (random.below(6)) {
    case 0:
      return `address add ${address} dev ${device} nodad`;
    case 1:
      return `address add ${address} dev ${device}`;
    case 2:
      return `address change ${address} dev ${device} preferred_lft 0`;
    case 3:
      return `address change ${address} dev ${device} preferred_lft forever valid_lft forever`;
    case 4:
      return `route replace default via ${gateway} dev ${device} metric ${1024 + random.below(3)}`;
    default:
      return `address del ${address} dev ${device}`;
  }
}

/** Plugs an uplink in anew, under another ifindex. */
async function replug(site: Site, { device, access }: Uplink, index: number): Promise<void> {
  const other = site.node(access);
  await site.node('mr').ip(`link del ${device}`);
  await site
    .node('mr')
    .ip(
      `link add ${device} index ${index} type veth peer name mr0 index ${index + 1} netns ${other.namespace}`,
    );
}

/** The one state that every run ends in. */
async function calm(site: Site, { device, access, gateway, careOf, metric }: Uplink): Promise<void> {
  const other = site.node(access);
  await other.ip('link set mr0 up');
  await other.ip(`address replace ${gateway}/64 dev mr0 nodad`);
  const mr = site.node('mr');
  await mr.ip(`link set ${device} up`);
  await mr.ip(`-6 address flush dev ${device} scope global`);
  await mr.ip(`-6 route flush dev ${device} table main proto boot`);
  await mr.batch([
    `address add ${careOf}/64 dev ${device} nodad`,
    `route replace default via ${gateway} dev ${device} metric ${metric}`,
  ]);
}

/** All that the controller has made, as text. */
async function made(site: Site): Promise<Record<string, unknown>> {
  const mr = site.node('mr');
  const bindings = (await site.bindings()).map(
    ({ sent: _, received: __, since: ___, ...binding }) => binding,
  );
  const { interfaces, problems } = await site.status();
  const routes = (await mr.ip('-6 route show table all proto 191')).split('\n').map((line) => line.trim());
  const rules = (await mr.ip('-6 rule show')).split('\n').map((line) => line.trim());
  const prefixes = await site.rows<{ key: { address: string; prefixLength: number }; value: number }>(
    'cx_routes',
  );
  return {
    bindings,
    interfaces,
    problems,
    accepted: (await site.accepted()).sort(),
    routes: routes.sort(),
    rules: rules.sort(),
    homeRoutes: prefixes.map(({ key, value }) => `${key.address}/${key.prefixLength} ${value}`).sort(),
  };
}

/** Resolves when nothing has changed between two looks, the grace time and the next hops behind it. */
async function settled(site: Site): Promise<Record<string, unknown>> {
  await site.ready();
  let last = '';
  return until(
    async () => {
      const now = await made(site);
      const text = JSON.stringify(now);
      const quiet = text === last && (now.accepted as string[]).length === 4;
      last = text;
      return quiet ? now : undefined;
    },
    { what: 'the state to be quiet', timeout: PATIENCE, interval: 300 },
  );
}

test.serial(`${FLAPS} flaps end in the state that a fresh start makes`, async (t) => {
  t.timeout(240_000);
  await withSite(t, { mr: { ...mobileRouter(), 'grace-time': GRACE } }, async (site) => {
    await site.ready();
    await site.node('mr').sysctl({ 'ipv6.conf.wa.accept_dad': 1, 'ipv6.conf.wb.accept_dad': 1 });
    const random = new Random(SEED);
    let index = 800;
    for (let done = 0; done < FLAPS; done += BATCH) {
      const lines = Array.from({ length: BATCH }, () => flap(random, UPLINKS[random.below(2)] ?? UPLINKS[0]));
      const input = `${lines.join('\n')}\n`;
      // Forced: a change that finds nothing to change is part of the noise.
      await site.node('mr').exec('ip', ['-6', '-force', '-batch', '-'], { input, mayFail: true });
      if (random.below(4) === 0) {
        const uplink = UPLINKS[random.below(2)] ?? UPLINKS[0];
        index += 2;
        await replug(site, uplink, index);
      }
      if (random.below(4) === 0) {
        const { access } = UPLINKS[random.below(2)] ?? UPLINKS[0];
        await site.node(access).ip(`link set mr0 ${random.below(2) === 0 ? 'down' : 'up'}`);
      }
    }
    for (const uplink of UPLINKS) await calm(site, uplink);
    const after = await settled(site);

    t.is((await site.mr.api('POST', '/v1/reload')).status, 200);
    t.deepEqual(await settled(site), after, 'a run by hand found something to do');

    await site.mr.stop();
    await down(site.mr);
    await site.mr.start();
    const fresh = await settled(site);
    // The home interface is another one.
    const plain = (state: Record<string, unknown>): unknown =>
      JSON.parse(JSON.stringify(state, (key, value: unknown) => (key === 'ifindex' ? undefined : value)));
    t.deepEqual(plain(after), plain(fresh));
  });
});
