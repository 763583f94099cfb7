// A mobile router and its home agent, of which neither is told anything by hand.
import test, { type ExecutionContext } from 'ava';
import { Impairment } from '../../../lab/impairment.js';
import { Sink, Stream } from '../../../lab/stream.js';
import { addresses, prefixes } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import type { Explanation, ProgramStage } from '../../../src/inspect/index.js';
import { seedOf } from '../../support/mobility-messages.js';
import { BID, down, mobileRouter, PATIENCE, type Site, toPort, withSite } from '../../support/site.js';
import { Traffic } from '../../support/traffic.js';
import { tries } from '../../support/work.js';
import {
  agentConfig,
  flows,
  keyFile,
  recordedMessages,
  registered,
  routerConfig,
  withRegistration,
} from './registration-site.js';

const NEXT = '2001:db8:b::22';

/** `registered` where messages get lost, so that it takes several. */
async function registeredInTheEnd(site: Site, careOfB: string): Promise<void> {
  await until(
    async () => {
      const both = await Promise.all([site.bindings(site.mr), site.bindings(site.ha)]);
      return both.every((bindings) =>
        [addresses.careOfA, careOfB].every((careOf) =>
          bindings.some((binding) => binding.careOf === careOf && binding.state === 'usable'),
        ),
      );
    },
    { what: `${careOfB} to be registered in the end`, timeout: 6 * PATIENCE },
  );
}

/** What `coax explain` says at the home agent, which has all that it asks about from the router. */
async function explained(t: ExecutionContext, { ha }: Site): Promise<void> {
  const words = `--in cn0 --src ${addresses.correspondent} --dst ${addresses.lan} --dport 6001`;
  for (const [port, decides, careOf] of [
    [5120, 1, addresses.careOfA],
    [5220, 2, addresses.careOfB],
    [5300, undefined, addresses.careOfA],
  ] as const) {
    const question = `explain --json --config ${ha.configFile} ${words} --sport ${port}`;
    const { stdout, stderr } = await ha.coax(question.split(' '), { mayFail: true });
    const { doubts, stages } = JSON.parse(stdout) as Explanation;
    t.deepEqual(doubts, [], stderr);
    const stage = stages.find((one): one is ProgramStage => one.kind === 'program');
    const verdict = stage?.policies.find((one) => one.verdict === 'decides');
    t.is(verdict?.registeredFid, decides);
    t.is(stage?.outer?.destination, careOf);
    const by = decides === undefined ? 'no policy' : `flow binding ${decides} of mr1`;
    t.true(stage?.agreement?.live.endsWith(` by ${by}`), stage?.agreement?.live);
    t.is(stage?.agreement?.reference, stage?.agreement?.live);
  }
}

for (const mode of ['bulk', 'individual']) {
  test.serial(
    `${mode}: a care-of address change under traffic costs no packet in either direction`,
    async (t) => {
      await withRegistration(t, { router: { mode } }, async (site) => {
        await registered(site);
        await flows(site);
        const rb = await site.capture('rb', 'mr0');
        const traffic = await Traffic.start(site, 'to-b');
        // First both addresses are there, then the old one is not preferred, then it goes.
        const mr = site.node('mr');
        await mr.ip(`address add ${NEXT}/64 dev wb nodad`);
        await mr.ip(`address change ${addresses.careOfB}/64 dev wb preferred_lft 0`);
        await registered(site, NEXT);
        await traffic.more();
        await mr.ip(`address del ${addresses.careOfB}/64 dev wb`);
        await traffic.more();
        t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
        await rb.flush();
        const up = rb.packets(toPort(5210)).map(({ outer }) => outer.source);
        const down = rb.packets(toPort(6001)).map(({ outer }) => outer.destination);
        for (const ends of [up, down]) {
          const turn = ends.indexOf(NEXT);
          t.true(turn > 0);
          t.deepEqual(new Set(ends.slice(0, turn)), new Set([addresses.careOfB]));
          t.deepEqual(new Set(ends.slice(turn)), new Set([NEXT]));
        }
      });
    },
  );
}

test.serial('the policies of the router steer what comes down to it', async (t) => {
  await withRegistration(t, {}, async (site) => {
    await registered(site);
    await flows(site);
    const [ra, rb] = [await site.capture('ra', 'mr0'), await site.capture('rb', 'mr0')];
    const sink = await Sink.start(site.node('lan'), { ports: [6001] });
    for (const [port, capture] of [
      [5120, ra],
      [5220, rb],
    ] as const) {
      const stream = await Stream.start(site.node('cn'), {
        ...{ to: addresses.lan, port: 6001, sourcePort: port, count: 10 },
      });
      await capture.waitFor(toPort(6001, port), { timeout: PATIENCE });
      await stream.end();
    }
    await Promise.all([ra.flush(), rb.flush()]);
    t.is(ra.packets(toPort(6001, 5220)).length + rb.packets(toPort(6001, 5120)).length, 0);
    await sink.end();
    // The policies of another router's packets are explained as what they are, with or without its daemon.
    await explained(t, site);
    await site.ha.stop();
    await explained(t, site);
  });
});

test.serial(
  'what was set by hand for another router cannot be registered, also not after a restart',
  async (t) => {
    const key = keyFile(t);
    const ha = agentConfig(key);
    const byHand = {
      name: 'mr2',
      address: addresses.home2,
      prefixes: [prefixes.mobile2],
      bindings: [{ bid: 1 }],
    };
    const routers = [...(ha.routers as object[]), byHand];
    await withSite(t, { mr: routerConfig(key), ha: { ...ha, routers } }, async (site) => {
      await registered(site);
      const set = (careOf: string): Promise<unknown> =>
        site.ha.coax(['binding', 'set', '--router', 'mr2', '--bid', '1', '--care-of', careOf]);
      const careOfs = async (): Promise<(string | null)[]> =>
        (await site.bindings(site.ha)).filter(({ router }) => router === 'mr1').map(({ careOf }) => careOf);
      const refused = async (): Promise<void> => {
        await until(
          async () => (await site.status()).problems.some(({ code }) => code === 'REGISTRATION_REFUSED'),
          { what: 'the mobile router to be refused', timeout: PATIENCE },
        );
        t.deepEqual(await careOfs(), [addresses.careOfA]);
      };
      // Whoever has it loses it: the operator has the last word.
      await set(addresses.careOfB);
      t.deepEqual(await careOfs(), [addresses.careOfA]);
      await site.mr.stop();
      await site.mr.start();
      await refused();
      await site.ha.stop();
      await site.ha.start();
      await site.mr.stop();
      await site.mr.start();
      await refused();
      await set(addresses.careOf2);
      await site.mr.stop();
      await site.mr.start();
      await registered(site);
    });
  },
);

test.serial('an uplink that goes is taken from the home agent, and comes back', async (t) => {
  await withRegistration(t, {}, async (site) => {
    await registered(site);
    const traffic = await Traffic.start(site);
    await site.node('mr').ip('link set wb down');
    await until(async () => (await site.bindings(site.ha)).every(({ bid }) => bid !== BID.b), {
      what: 'the home agent to have one binding',
      timeout: PATIENCE,
    });
    await traffic.more();
    await site.node('mr').ip('link set wb up');
    await site.node('mr').ip(`address replace ${addresses.careOfB}/64 dev wb nodad`);
    await site.node('mr').ip(`route replace default via ${addresses.accessB} dev wb metric 1025`);
    await registered(site);
    t.deepEqual(await traffic.lost(), { up: 0, down: 0 }, 'the other uplink carries it all the time');
  });
});

test.serial('daemons are stopped, killed and started again under traffic without a loss', async (t) => {
  await withRegistration(t, {}, async (site) => {
    await registered(site);
    const traffic = await Traffic.start(site);
    for (const daemon of [site.ha, site.mr]) {
      for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
        if (signal === 'SIGTERM') await daemon.stop();
        else await daemon.kill('SIGKILL');
        await traffic.more();
        await daemon.start();
        await registered(site);
        await traffic.more();
      }
    }
    t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
  });
});

test.serial(
  'an address that dies before the next one is registered: the gap ends with the registration',
  async (t) => {
    await withRegistration(t, {}, async (site) => {
      await registered(site);
      await flows(site);
      const mr = site.node('mr');
      const stream = await Stream.start(site.node('lan'), {
        to: addresses.correspondent,
        port: 5210,
        rate: 1000,
      });
      const sink = await Sink.start(site.node('cn'), { ports: [5210] });
      await sink.received(200, 5210, PATIENCE);
      await mr.ip(`address del ${addresses.careOfB}/64 dev wb`);
      await mr.ip(`address add ${NEXT}/64 dev wb nodad`);
      await registered(site, NEXT);
      const { sent } = await stream.stop();
      const report = await sink.report();
      t.log(`${sent} sent, ${report.lost} lost, the longest gap ${report.largestGapMs.toFixed(1)} ms`);
      t.true(report.lost < sent / 2, 'meanwhile the other uplink carries them');
      await Promise.all([stream.end(), sink.end()]);
    });
  },
);

test.serial('a router that has lost everything registers anew, and nothing of before is left', async (t) => {
  await withRegistration(t, {}, async (site, key) => {
    await registered(site);
    await site.mr.kill('SIGKILL');
    await down(site.mr);
    // It comes back with one uplink.
    const [first] = (mobileRouter().bindings as object[]) ?? [];
    await site.mr.restart({ ...routerConfig(key), bindings: [first], policies: [] });
    await site.state(BID.a, 'usable', { careOf: addresses.careOfA });
    await until(
      async () => {
        const left = (await site.bindings(site.ha)).map(({ bid }) => bid);
        return left.length === 1 && (await site.policies(site.ha)).length === 0;
      },
      { what: 'the home agent to have its one binding and no flow', timeout: PATIENCE },
    );
  });
});

test.serial('a router that takes its leave ends all its bindings, until it registers again', async (t) => {
  await withRegistration(t, {}, async (site, key) => {
    const left = async (): Promise<number> => (await site.bindings(site.ha)).length;
    await registered(site);
    const { stdout } = await site.mr.coax(['deregister']);
    t.regex(stdout, /has ended all bindings/);
    t.is(await left(), 0, 'what is answered is done');
    for (const bid of [BID.a, BID.b]) await site.state(bid, 'registering');
    await site.mr.reload(routerConfig(key));
    await registered(site);
    // Without the section it does so, too.
    await site.mr.reload(mobileRouter());
    t.is(await left(), 0);
    const refusals = [
      [site.mr, 'NOT_REGISTERING'],
      [site.ha, 'WRONG_ROLE'],
    ] as const;
    for (const [daemon, code] of refusals) {
      const { exitCode, stderr } = await daemon.coax(['deregister'], { mayFail: true });
      t.is(exitCode, 1);
      t.true(stderr.includes(code), stderr);
    }
    const updates = (await recordedMessages(key)).filter(
      ({ type, bids }) => type === 'update' && bids.length === 0,
    );
    t.is(updates.length, 2, 'each time one Binding Update without BIDs');
  });
});

test.serial('a router with another key is refused, and told so', async (t) => {
  await withRegistration(t, {}, async (site) => {
    await registered(site);
    const other = keyFile(t);
    const before = await site.bindings(site.ha);
    await site.mr.stop();
    await down(site.mr);
    await site.mr.restart(routerConfig(other));
    await site.state(BID.a, 'registering');
    await site.logged(site.ha, /"outcome":"key-unknown"/);
    t.deepEqual(
      (await site.bindings(site.ha)).map(({ bid, careOf, state }) => ({ bid, careOf, state })),
      before.map(({ bid, careOf, state }) => ({ bid, careOf, state })),
      'what it has registered before holds',
    );
    await until(
      async () => (await site.status()).problems.some(({ code }) => code.startsWith('REGISTRATION')),
      {
        what: 'the status to name it',
        timeout: PATIENCE,
      },
    );
  });
});

test.serial('without keys, where both files say so', async (t) => {
  await withSite(t, { mr: routerConfig(undefined), ha: agentConfig(undefined) }, registered);
});

for (const mode of ['bulk', 'individual']) {
  test.serial(
    `${mode}: with a third of the messages lost, some doubled and some late, all is registered in the end`,
    async (t) => {
      await withRegistration(t, { router: { mode } }, async (site) => {
        await registered(site);
        const seed = seedOf((text) => t.log(text));
        const impairment = await Impairment.start(site.node('core'), {
          ...{ only: 'mobility', seed, loss: 0.3, duplicate: 0.2, reorder: 0.2 },
        });
        const mr = site.node('mr');
        let last: string = addresses.careOfB;
        for (let change = 1; change <= tries(4, 1); change++) {
          const next = `2001:db8:b::5${change}`;
          await mr.ip(`address add ${next}/64 dev wb nodad`);
          await mr.ip(`address del ${last}/64 dev wb`);
          await registeredInTheEnd(site, next);
          last = next;
        }
        const { toHomeAgent, fromHomeAgent } = await impairment.stop();
        t.log(
          `lost: ${toHomeAgent.lost} of ${toHomeAgent.seen} up, ${fromHomeAgent.lost} of ${fromHomeAgent.seen} down`,
        );
        t.true(toHomeAgent.seen >= 2);
      });
    },
  );
}
