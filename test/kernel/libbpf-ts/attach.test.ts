import test from 'ava';
import { currentNetworkNamespace, features, networkNamespaceCookie } from '../../../src/libbpf-ts/index.js';
import { testNeeding } from '../../support/kernel-offers.js';
import { inNamespace, withBpffs, withNamespace } from './support.js';

interface Attached {
  programId: number;
  linkId: number;
}

interface TcxFacts {
  ids: [number, number];
  ifindex: number;
  attached: Attached[];
  revisionGrew: boolean;
  info: { id: number; type: string; programId: number; ifindex: number; direction: string };
  afterClose: number;
  updated: Attached[];
  both: number[];
  egressInfo: { direction: string };
  remaining: number[];
  otherId: number;
  wrongReplace: string;
  noSuchInterface: string;
  wrongType: string;
  badDirection: string;
  closedProgram: string;
}

testNeeding([features.tcx()], 'TCX: attach, pin, reopen, update, detach', async (t) => {
  await withBpffs((folder) =>
    withNamespace((name) => {
      const facts = inNamespace<TcxFacts>(name, 'tcx', folder);
      const [first, second] = facts.ids;
      t.deepEqual(facts.attached, [{ programId: first, linkId: facts.info.id }]);
      t.like(facts.info, { type: 'tcx', programId: first, ifindex: facts.ifindex, direction: 'ingress' });
      t.is(facts.afterClose, 1, 'the pin keeps it');
      t.is(facts.wrongReplace, 'EPERM');
      t.deepEqual(facts.updated, [{ programId: second, linkId: facts.info.id }]);
      t.true(facts.revisionGrew);
      t.deepEqual(facts.both, [second, first]);
      t.is(facts.egressInfo.direction, 'egress');
      t.deepEqual(facts.remaining, [facts.otherId]);
      t.is(facts.noSuchInterface, 'ENODEV');
      t.is(facts.wrongType, 'EINVAL');
      t.is(facts.badDirection, 'INVALID_ARGUMENT');
      t.is(facts.closedProgram, 'CLOSED');
    }),
  );
});

interface XdpFacts {
  ids: [number, number];
  ifindex: number;
  before: object;
  attached: object;
  taken: string;
  updated: object;
  info: object;
  after: object;
  genericState: object;
  genericType: string;
}

test.serial('XDP: attach, refuse a second, update, detach by closing', async (t) => {
  await withBpffs((folder) =>
    withNamespace((name) => {
      const facts = inNamespace<XdpFacts>(name, 'xdp', folder);
      const [first, second] = facts.ids;
      t.deepEqual(facts.before, { mode: 'none', programId: 0 });
      t.deepEqual(facts.attached, { mode: 'native', programId: first });
      t.is(facts.taken, 'EBUSY');
      t.deepEqual(facts.updated, { mode: 'native', programId: second });
      t.like(facts.info, { type: 'xdp', ifindex: facts.ifindex, programId: second });
      t.deepEqual(facts.after, { mode: 'none', programId: 0 });
      t.deepEqual(facts.genericState, { mode: 'generic', programId: first });
      t.is(facts.genericType, 'xdp');
    }),
  );
});

test.serial('clsact: attach, find again, replace, detach', async (t) => {
  await withNamespace((name) => {
    const facts = inNamespace<Record<string, unknown> & { ids: [number, number] }>(name, 'clsact');
    const [first, second] = facts.ids;
    t.is(facts.absent, false);
    t.is(facts.programId, first);
    t.is(facts.taken, 'EEXIST');
    t.is(facts.updated, second);
    t.deepEqual(facts.chosen, [true, true, true]);
    t.deepEqual(facts.detached, [true, false, false]);
  });
});

testNeeding([features.tcx()], 'a link whose interface has gone says so', async (t) => {
  await withNamespace((name) => {
    t.deepEqual(inNamespace(name, 'gone'), { ifindex: 0, update: 'ENOLINK' });
  });
});

test.serial('network namespaces are told apart', async (t) => {
  await withNamespace((name) => {
    t.not(inNamespace<{ ino: string }>(name, 'namespace').ino, String(currentNetworkNamespace().ino));
  });
});

test.serial('cgroup: what is none is refused; every network namespace has a cookie of its own', async (t) => {
  const { refused, cookies } = await withBpffs((folder) =>
    withNamespace((name) =>
      inNamespace<{ refused: string[]; cookies: [string, string] }>(name, 'cgroup', folder),
    ),
  );
  t.deepEqual(refused, ['ENOENT', 'ENOTDIR', 'EINVAL']);
  t.is(cookies[0], cookies[1]);
  t.not(cookies[0], String(networkNamespaceCookie()));
});
