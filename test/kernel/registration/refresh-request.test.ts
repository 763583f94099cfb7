// A home agent that asks for a refresh before a binding ends (RFC 6275 section 9.5.5, RFC 5648 section 6.4).
import test from 'ava';
import { Impairment } from '../../../lab/impairment.js';
import { until } from '../../../lab/wait.js';
import { seedOf } from '../../support/mobility-messages.js';
import { PATIENCE } from '../../support/site.js';
import { Traffic } from '../../support/traffic.js';
import {
  agentConfig,
  type RecordedMessage,
  recordedMessages,
  registered,
  withRegistration,
} from './registration-site.js';

/** Seconds; half of them are left when it is asked for the first time. */
const SHORT = 32;
const BIDS = [1, 2];

function bidsOf(messages: readonly RecordedMessage[]): Set<number> {
  return new Set(messages.flatMap(({ bids }) => bids));
}

test.serial('a lifetime that was made shorter: the home agent asks, and the bindings stay', async (t) => {
  await withRegistration(t, {}, async (site, key) => {
    await registered(site);
    const traffic = await Traffic.start(site);
    // The router was granted 10 minutes and knows nothing of this; it would refresh after 8.
    await site.ha.reload(agentConfig(key, { agent: { lifetime: `${SHORT}s` } }));
    const before = (await recordedMessages(key)).length;

    // The request comes by the tunnel. What the router answers is lost, and sent again.
    const seed = seedOf((text) => t.log(text));
    const impairment = await Impairment.start(site.node('core'), { only: 'mobility', seed, loss: 1 });
    await until(async () => (await impairment.report()).toHomeAgent.lost > 0, {
      what: 'the router to answer',
      timeout: 1000 * SHORT,
      interval: 50,
    });
    await impairment.stop();
    await until(
      async () => {
        const answers = (await recordedMessages(key)).slice(before).filter(({ status }) => status === 0);
        return BIDS.every((bid) => bidsOf(answers).has(bid));
      },
      { what: 'both bindings to be refreshed', timeout: 1000 * SHORT, interval: 500 },
    );

    const messages = (await recordedMessages(key)).slice(before);
    t.is(messages[0]?.type, 'refresh-request', 'before that the router has nothing to say');
    t.deepEqual(bidsOf(messages.filter(({ type }) => type === 'refresh-request')), new Set(BIDS));
    await site.logged(site.mr, /"outcome":"refresh-requested"/);
    await registered(site);
    await traffic.more();
    t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
    t.notRegex(await site.ha.log(), /a binding has ended/);
  });
});

test.serial('a router that does not answer is asked three times; then its bindings end', async (t) => {
  await withRegistration(t, { agent: { lifetime: `${SHORT / 2}s` } }, async (site, key) => {
    await registered(site);
    await site.mr.kill('SIGSTOP');
    await until(async () => (await site.bindings(site.ha)).length === 0, {
      what: 'the bindings to end',
      timeout: 1000 * SHORT + PATIENCE,
      interval: 50,
    });
    const messages = await recordedMessages(key);
    const last = messages.findLastIndex(({ type }) => type !== 'refresh-request');
    const asked = messages.slice(last + 1);
    t.is(messages[last]?.type, 'acknowledgement');
    for (const bid of BIDS) t.is(asked.filter(({ bids }) => bids.includes(bid)).length, 3);
    await site.mr.kill('SIGCONT');
    await registered(site);
  });
});
