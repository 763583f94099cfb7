// One xfrm interface for all bindings asks for more than others: what is said where that is not there.
import type { ExecutionContext } from 'ava';
import { testLacking, testNeeding } from '../../support/kernel-offers.js';
import { withSite } from '../../support/site.js';
import { tunnelEnds, WAYS } from './tunnel-site.js';

const { needs } = WAYS['external xfrm'];

/** The daemon does not start without it, says why, and leaves nothing behind. */
async function isRefused(t: ExecutionContext, why: RegExp): Promise<void> {
  const { mr } = tunnelEnds(t, 'external xfrm');
  await withSite(t, { mr: null, ha: null }, async (site) => {
    const error = await t.throwsAsync(site.start('mr', mr));
    t.regex(error?.message ?? '', /XFRM_INFO_REFUSED/);
    t.regex(error?.message ?? '', why);
  });
}

testNeeding(needs, 'a daemon without CAP_SYS_ADMIN cannot have one', (t) => isRefused(t, /CAP_SYS_ADMIN/));

testLacking(needs, 'a kernel without the function cannot have one', (t) => isRefused(t, /came with 6\.2/));
