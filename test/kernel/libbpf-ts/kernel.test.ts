import { execFileSync } from 'node:child_process';
import { release } from 'node:os';
import test from 'ava';
import { Btf, features, gracePeriod, possibleCpus } from '../../../src/libbpf-ts/index.js';
import { withSample } from './support.js';

test.serial('probes tell what there is from what there is not', (t) => {
  for (const feature of [
    features.programType('xdp'),
    features.programType('sched_cls'),
    features.mapType('lpm_trie'),
    features.ringBuffer(),
    features.helper('sched_cls', 'redirect_neigh'),
    features.helper('sched_cls', 'fib_lookup'),
    features.helper('xdp', 'xdp_adjust_head'),
  ]) {
    t.true(feature.supported, feature.reason);
  }
  for (const feature of [
    features.programType(200),
    features.helper('xdp', 'redirect_neigh'),
    features.helper('sched_cls', 5000),
  ]) {
    t.false(feature.supported, feature.reason);
    t.regex(feature.reason, /does not offer/);
  }
  t.is(features.programType(200).errnoName !== undefined, true);
  t.throws(() => features.helper('xdp', 'nonsense' as never), { code: 'INVALID_ARGUMENT' });
});

test.serial('probes of hooks and batches agree with what works', (t) => {
  // Both came with kernels newer than the oldest supported one, so only the form is certain.
  for (const feature of [features.tcx(), features.lpmBatch()]) {
    t.is(feature.supported, feature.errno === undefined, feature.reason);
  }
  t.is(features.tcx(), features.tcx(), 'remembered');
  // What is skipped for want of it must not be skipped where it is.
  const [major = 0, minor = 0] = release().split('.').map(Number);
  t.is(features.tcx().supported, major > 6 || (major === 6 && minor >= 6), features.tcx().reason);
});

test.serial('functions of modules: by name, with and without BTF of the module', (t) => {
  const there = features.moduleFunction('tcp_reno_ssthresh', 'no_such_module');
  t.true(there.supported, there.reason);
  const absent = features.moduleFunction('tcp_reno_ssthres', 'no_such_module');
  t.false(absent.supported, 'a part of a name is none');
  t.regex(absent.reason, /does not offer tcp_reno_ssthres .*without module no_such_module/);
});

test.serial('without privilege a probe does not say no', (t) => {
  const index = new URL('../../../src/libbpf-ts/index.js', import.meta.url).href;
  const source = `
    import { features } from ${JSON.stringify(index)};
    console.log(JSON.stringify([features.tcx(), features.mapType('lpm_trie')]));
  `;
  const output = execFileSync(
    'setpriv',
    ['--bounding-set=-all', '--inh-caps=-all', process.execPath, '--input-type=module', '-e', source],
    { encoding: 'utf8' },
  );
  for (const feature of JSON.parse(output) as { supported: boolean; errnoName: string; reason: string }[]) {
    t.like(feature, { supported: false, errnoName: 'EPERM' });
    t.regex(feature.reason, /cannot tell/);
  }
});

test.serial('a grace period ends', async (t) => {
  await t.notThrowsAsync(Promise.all([gracePeriod(), gracePeriod()]));
});

test.serial('the kernel has at least the CPUs that run', (t) => {
  t.true(possibleCpus() >= Number(execFileSync('nproc', { encoding: 'utf8' })));
});

test.serial('types of the kernel and of a loaded map', async (t) => {
  const vmlinux = Btf.vmlinux();
  t.is(vmlinux.sizeof('struct in6_addr'), 16);
  t.is(vmlinux.sizeof('struct ipv6hdr'), 40);
  const header = vmlinux.encode('ipv6hdr', { version: 6, payloadLen: 20, nexthdr: 41, saddr: '2001:db8::1' });
  t.is(Buffer.from(header.subarray(0, 12)).toString('hex'), '600000000014290020010db8');
  t.is(vmlinux.enumName('bpf_map_type', 11), 'BPF_MAP_TYPE_LPM_TRIE');
  await withSample((live) => {
    const btf = Btf.fromMap(live.maps.get('rows'));
    t.is(btf.sizeof('sample_row'), 144);
  });
});
