import { existsSync, statfsSync } from 'node:fs';
import { release } from 'node:os';
import { mayLoad } from './capabilities.js';
import { type Check, fail, ok, reasonText, tried, warn } from './check.js';

/** BPF_FS_MAGIC of linux/magic.h. */
const BPF_FS_MAGIC = 0xcafe4a11;

/** What the kernel must offer and why; `required: false` has a slower or an older way beside it. */
interface Feature {
  name: string;
  required: boolean;
  advice: string;
  probe: (features: Features) => FeatureAnswer;
}

type Features = typeof import('../libbpf-ts/index.js')['features'];
type FeatureAnswer = ReturnType<Features['tcx']>;

const FEATURES: readonly Feature[] = [
  {
    name: 'TC programs',
    required: true,
    advice: 'needs a kernel with CONFIG_NET_CLS_ACT and CONFIG_BPF_SYSCALL, 6.1 or later',
    probe: (features) => features.programType('sched_cls'),
  },
  {
    name: 'TCX links',
    required: false,
    advice: 'programs are attached as clsact filters instead; kernel 6.6 and later have links',
    probe: (features) => features.tcx(),
  },
  {
    name: 'XDP programs',
    required: false,
    advice: 'packets take the TC path; that is slower, nothing else',
    probe: (features) => features.programType('xdp'),
  },
  {
    name: 'longest-prefix maps',
    required: true,
    advice: 'needs a kernel with CONFIG_BPF_SYSCALL, 6.1 or later',
    probe: (features) => features.mapType('lpm_trie'),
  },
  {
    name: 'ring buffer',
    required: false,
    advice: 'events from packets cannot be watched; steering works',
    probe: (features) => features.ringBuffer(),
  },
  {
    name: 'redirect to neighbours',
    required: true,
    advice: 'needs kernel 5.10 or later',
    probe: (features) => features.helper('sched_cls', 'redirect_neigh'),
  },
  {
    name: 'tunnel keys',
    required: true,
    advice: 'needs kernel 6.1 or later',
    probe: (features) => features.helper('sched_cls', 'skb_set_tunnel_key'),
  },
];

/** Kernel BTF, then every feature by trying it. Never decided by the version number. */
export async function checkKernel(): Promise<Check[]> {
  const btf = existsSync('/sys/kernel/btf/vmlinux')
    ? ok('kernel BTF', `kernel ${release()} describes its types`)
    : warn('kernel BTF', '/sys/kernel/btf/vmlinux is not there', 'use a kernel with CONFIG_DEBUG_INFO_BTF');
  let features: Features;
  try {
    ({ features } = await import('../libbpf-ts/index.js'));
    features.tcx();
  } catch (error) {
    return [
      btf,
      fail(
        'native addon',
        reasonText(error),
        'build it with `make build`; it needs libbpf.so.1 and libelf.so.1',
      ),
    ];
  }
  const addon = ok('native addon', 'loads');
  if (!mayLoad()) {
    return [
      btf,
      addon,
      warn('kernel features', 'not looked at: only root can try them', 'run `coax doctor` as root'),
    ];
  }
  return [btf, addon, ...FEATURES.map((feature) => tryFeature(feature, features))];
}

/** Whether the folder of our pins is a BPF file system. */
export function checkBpffs(folder: string): Check {
  const name = 'BPF file system';
  try {
    if (statfsSync(folder).type === BPF_FS_MAGIC) return ok(name, `mounted at ${folder}`);
    return fail(name, `${folder} is not one`, `mount -t bpf bpf ${folder}`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT')
      return warn(name, `not looked at: ${reasonText(error)}`, 'run `coax doctor` as root');
    return fail(name, `${folder} does not exist`, `mkdir -p ${folder} && mount -t bpf bpf ${folder}`);
  }
}

function tryFeature(feature: Feature, features: Features): Check {
  try {
    const { supported, reason, errnoName } = feature.probe(features);
    if (supported) return tried(ok(feature.name, 'works'), true);
    const check = (feature.required ? fail : warn)(feature.name, reason, feature.advice);
    return errnoName === 'EPERM' ? check : tried(check, false);
  } catch (error) {
    return warn(feature.name, `could not be tried: ${reasonText(error)}`, feature.advice);
  }
}
