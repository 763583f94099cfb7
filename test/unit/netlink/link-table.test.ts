import test from 'ava';
import type { Link } from '../../../src/netlink/link.js';
import { isLost, LinkTable } from '../../../src/netlink/link-table.js';

function link(part: Partial<Link> = {}): Link {
  return {
    ...{ ifindex: 7, name: 'wan', altNames: [], alias: undefined, kind: 'veth', type: 1, flags: 0 },
    ...{ up: true, running: true, lowerUp: true, noArp: false, loopback: false, pointToPoint: false },
    ...{ carrier: true, operState: 'up', mtu: 1500, mac: undefined, master: undefined, link: undefined },
    ...{ linkNetnsId: undefined, addrGenMode: undefined, tunnel: undefined },
    ...part,
  };
}

const good = link();
const lost = link({ carrier: false, operState: 'down' });
const other = link({ ifindex: 8, name: 'lan' });

function table(...links: Link[]): LinkTable {
  const made = new LinkTable();
  made.reconcile(links);
  return made;
}

test('a loss is shown at once, and what is older than it does not undo it', (t) => {
  const links = table(good, other);
  t.deepEqual(links.lose(lost, false, 1), { change: 'changed', value: lost, previous: good });
  t.true(links.isAhead(good));
  t.true(links.awaits(1));
  t.is(links.set(link({ mtu: 1400 })), undefined, 'an announcement from before');
  t.deepEqual(links.reconcile([good, other]), [], 'a dump from before');
  t.deepEqual(links.values(), [lost, other]);
  t.is(links.set(lost), undefined, 'its turn');
  t.deepEqual(links.confirm(1), [], 'which tells nothing new');
  t.false(links.isAhead(good));
  t.deepEqual(links.values(), [lost, other]);
});

test('what is gained after a loss is shown when the announcements have come that far', (t) => {
  const links = table(good);
  links.lose(lost, false, 1);
  links.set(lost);
  links.set(good);
  t.deepEqual(links.values(), [lost]);
  t.deepEqual(links.confirm(1), [{ change: 'changed', value: good, previous: lost }]);
  t.false(links.awaits(1));
});

test('a loss that had been made up for already is taken back', (t) => {
  const links = table(good);
  links.lose(lost, false, 1);
  t.deepEqual(links.confirm(1), [{ change: 'changed', value: good, previous: lost }]);
});

test('the second loss of a link is waited for, too', (t) => {
  const links = table(good);
  links.lose(lost, false, 1);
  links.set(lost);
  t.is(links.lose(lost, false, 2), undefined);
  links.set(good);
  t.deepEqual(links.confirm(1), [], 'the second one is still to come');
  t.deepEqual(links.values(), [lost]);
  links.set(lost);
  t.deepEqual(links.confirm(2), []);
  t.deepEqual(links.values(), [lost]);
});

test('a link that is gone stays away until it is told of again', (t) => {
  const links = table(good, other);
  t.deepEqual(links.lose(good, true, 1), { change: 'removed', value: good, previous: undefined });
  t.is(links.set(lost), undefined);
  t.deepEqual(links.reconcile([good, other]), [], 'a dump from before');
  t.is(links.delete(good), undefined, 'its turn');
  t.deepEqual(links.confirm(1), []);
  t.deepEqual(links.values(), [other]);
  t.is(links.set(good)?.change, 'added');
});

test('a dump without a link that is shown as lost removes it in its turn', (t) => {
  const links = table(good, other);
  links.lose(lost, false, 1);
  t.deepEqual(links.reconcile([other]), []);
  t.deepEqual(links.confirm(1), [{ change: 'removed', value: lost, previous: undefined }]);
});

test('marks that are not to come are replaced', (t) => {
  const links = table(good);
  links.lose(lost, false, 1);
  links.postpone(2);
  t.deepEqual(links.confirm(1), []);
  t.true(links.isAhead(good));
  t.is(links.confirm(2).length, 1);
});

test('a loss of what is lost, or unknown, is left to its turn', (t) => {
  const links = table(lost);
  t.is(links.lose(link({ up: false, carrier: false }), false, 1), undefined);
  t.is(links.lose(other, true, 1), undefined);
  t.false(links.awaits(1));
  t.true(isLost(lost));
  t.true(isLost(link({ up: false })));
  t.false(isLost(link({ carrier: undefined })), 'it cannot tell');
});
