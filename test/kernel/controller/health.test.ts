// A path that matches and does not deliver is said so, from what can be seen on the machine itself.
import test from 'ava';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import type { ProbeView } from '../../../src/views/index.js';
import { sharedSite } from '../../support/shared-site.js';
import { BID, mobileRouter, PATIENCE, type Site } from '../../support/site.js';

const inSite = sharedSite({ mr: mobileRouter({ silence: '2s' }) });

/** Resolves when binding A of the mobile router has just these warnings, and status names them. */
async function warned(site: Site, codes: readonly string[]): Promise<number> {
  const start = performance.now();
  let last: unknown;
  try {
    await until(
      async () => {
        const binding = (await site.bindings()).find(({ bid }) => bid === BID.a);
        const problems = (await site.status()).problems.map(({ code }) => code);
        last = { warnings: binding?.warnings, problems };
        return (
          JSON.stringify(binding?.warnings) === JSON.stringify(codes) &&
          JSON.stringify(problems) === JSON.stringify(codes)
        );
      },
      { what: `warnings ${codes}`, timeout: PATIENCE },
    );
  } catch (error) {
    throw new Error(`instead of ${codes}: ${JSON.stringify(last)}`, { cause: error });
  }
  return performance.now() - start;
}

/** UDP by uplink A that the correspondent answers, ten packets a second until it is ended. */
async function traffic(site: Site): Promise<() => Promise<void>> {
  const echo = site.node('cn').spawn('socat', ['UDP6-RECVFROM:5101,fork', 'EXEC:cat']);
  const words = `exec 3<>/dev/udp/${addresses.correspondent}/5101; while sleep 0.1; do echo ping >&3; done`;
  const sender = site.node('lan').spawn('bash', ['-c', words]);
  return async () => {
    await sender.end('SIGTERM', 1_000);
    await echo.end('SIGTERM', 1_000);
  };
}

test.serial(
  'nothing comes back, then the next hop falls silent: each is named, and gone when cured',
  async (t) => {
    await inSite(t, {}, async (site) => {
      await site.ready();
      const end = await traffic(site);
      await until(async () => (await site.bindings()).find(({ bid }) => bid === BID.a)?.received.packets, {
        what: 'answers by A',
        timeout: PATIENCE,
      });
      await warned(site, []);
      const ra = site.node('ra');
      await ra.nft(`table ip6 blackhole {
  chain forward {
    type filter hook forward priority 0;
    ip6 saddr ${addresses.homeAgent} ip6 nexthdr 41 drop
  }
}
`);
      const took = await warned(site, ['PATH_SILENT']);
      t.true(took > 1_000 && took < 10_000, `named after ${took} ms`);
      await site.logged(site.mr, /PATH_SILENT/);
      t.regex(
        (await site.mr.coax(['status'])).stdout,
        /PATH_SILENT +binding a .*nothing has come back for 2 s/,
      );
      t.regex((await site.mr.coax(['bindings'])).stdout, /PATH_SILENT/);
      await ra.exec('nft', ['delete', 'table', 'ip6', 'blackhole']);
      await warned(site, []);
      await end();

      // The router of the visited network no longer says who it is.
      await ra.nft(`table ip6 deaf {
  chain prerouting {
    type filter hook prerouting priority -400;
    iifname "mr0" icmpv6 type nd-neighbor-solicit drop
  }
}
`);
      await warned(site, ['NEXT_HOP_FAILED']);
      t.is((await site.bindings()).find(({ bid }) => bid === BID.b)?.warnings.length, 0);
      await ra.exec('nft', ['delete', 'table', 'ip6', 'deaf']);
      await warned(site, []);
      t.is((await site.bindings()).find(({ bid }) => bid === BID.a)?.state, 'usable');
    });
  },
);

test.serial(
  'drops of the device are named; an echo is answered by both ways, and not by the one that is broken',
  async (t) => {
    await inSite(t, { mr: mobileRouter({ silence: '0s' }), spoils: true }, async (site) => {
      await site.ready();
      await warned(site, []);
      // The other end of a veth takes nothing that is larger than its own MTU.
      await site.node('ra').ip('link set mr0 mtu 1400');
      await site
        .node('lan')
        .exec('ping', ['-6', '-c', '2', '-w', '2', '-s', '1400', addresses.correspondent], {
          mayFail: true,
        });
      await warned(site, ['UPLINK_DROPS']);
      const [problem] = (await site.status()).problems;
      t.is(problem?.message, 'tx_dropped of wa rises');
      await warned(site, []);

      const probe = async (): Promise<ProbeView[]> =>
        (await site.mr.api('POST', '/v1/probe')).body as ProbeView[];
      const both = await probe();
      t.deepEqual(
        both.map(({ bid, from, to, failure }) => ({ bid, from, to, failure })),
        [
          { bid: BID.a, from: addresses.careOfA, to: addresses.homeAgent, failure: null },
          { bid: BID.b, from: addresses.careOfB, to: addresses.homeAgent, failure: null },
        ],
      );
      t.true(
        both.every(({ rttMs }) => rttMs !== null && rttMs > 0 && rttMs < 1000),
        JSON.stringify(both),
      );
      const back = (await site.ha.api('POST', '/v1/probe')).body as ProbeView[];
      t.deepEqual(
        back.map(({ to, failure }) => ({ to, failure })),
        [
          { to: addresses.careOfA, failure: null },
          { to: addresses.careOfB, failure: null },
        ],
      );

      await site.node('ra').nft(`table ip6 blackhole {
  chain forward {
    type filter hook forward priority 0;
    icmpv6 type echo-request drop
  }
}
`);
      const [a, b] = await probe();
      t.like(a, {
        rttMs: null,
        failure: `no answer from ${addresses.homeAgent} to an echo from ${addresses.careOfA}`,
      });
      t.is(b?.failure, null);
      await warned(site, ['ECHO_FAILED']);
      const table = (await site.mr.coax(['bindings', '--probe'])).stdout;
      t.regex(table, /ECHO/);
      t.regex(table, /\d ms/);
      t.regex(table, /failed\n/);

      await site.node('ra').exec('nft', ['delete', 'table', 'ip6', 'blackhole']);
      t.deepEqual(
        (await probe()).map(({ failure }) => failure),
        [null, null],
      );
      await warned(site, []);
      await site.node('mr').ip('link set wb down');
      await site.state(BID.b, 'down');
      t.is((await probe())[1]?.failure, 'it is down');
    });
  },
);
