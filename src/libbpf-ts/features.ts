import { existsSync, readFileSync } from 'node:fs';
import { addon, type NativeProbe } from '../native/addon.js';
import { hasBtfName } from './btf/names.js';
import { ArgumentError, errnoName, native } from './errors.js';
import {
  ATTACH_TYPES,
  type KnownMapType,
  type KnownProgramType,
  MAP_TYPES,
  PROGRAM_TYPES,
} from './kernel-types.js';

export interface Feature {
  supported: boolean;
  /** What the try ended with, where it failed with an errno. */
  errno?: number;
  errnoName?: string;
  reason: string;
}

/** Numbers of enum bpf_func_id, of the helpers network programs ask for. */
const HELPERS = {
  map_lookup_elem: 1,
  ktime_get_ns: 5,
  skb_store_bytes: 9,
  l3_csum_replace: 10,
  l4_csum_replace: 11,
  clone_redirect: 13,
  skb_get_tunnel_key: 20,
  skb_set_tunnel_key: 21,
  redirect: 23,
  perf_event_output: 25,
  skb_load_bytes: 26,
  csum_diff: 28,
  skb_get_tunnel_opt: 29,
  skb_pull_data: 39,
  skb_change_head: 43,
  xdp_adjust_head: 44,
  get_socket_cookie: 46,
  setsockopt: 49,
  skb_adjust_room: 50,
  redirect_map: 51,
  bind: 64,
  xdp_adjust_tail: 65,
  fib_lookup: 69,
  skb_cgroup_id: 79,
  get_current_cgroup_id: 80,
  spin_lock: 93,
  sk_fullsock: 95,
  skb_ecn_set_ce: 97,
  skc_lookup_tcp: 99,
  ringbuf_output: 130,
  ringbuf_reserve: 131,
  csum_level: 135,
  redirect_neigh: 152,
  redirect_peer: 155,
  check_mtu: 163,
  for_each_map_elem: 164,
  timer_init: 169,
  loop: 181,
  xdp_get_buff_len: 188,
  xdp_load_bytes: 189,
} as const;

export type KnownHelper = keyof typeof HELPERS;

const EPERM = 1;
const ENODEV = 19;

const known = new Map<string, Feature>();

/** Answers from memory: a kernel does not change while a process runs. Refusals for lack of privilege are not kept. */
function cached(name: string, probe: () => NativeProbe): Feature {
  const before = known.get(name);
  if (before !== undefined) return before;
  const { supported, errno } = native(probe);
  let feature: Feature = { supported, reason: `the kernel offers ${name}` };
  if (!supported) {
    const because = errno === 0 ? 'the verifier refused it' : errnoName(errno);
    const reason =
      errno === EPERM
        ? `cannot tell whether the kernel offers ${name}: probing needs CAP_BPF and CAP_NET_ADMIN`
        : `the kernel does not offer ${name} (${because})`;
    feature = errno === 0 ? { supported, reason } : { supported, errno, errnoName: errnoName(errno), reason };
  }
  if (feature.errno !== EPERM) known.set(name, feature);
  return feature;
}

function number<T extends string>(
  table: Readonly<Record<T, number>>,
  what: string,
  name: T | number,
): number {
  if (typeof name === 'number') return name;
  const value = table[name];
  if (value === undefined)
    throw new ArgumentError(what, `a number or one of ${Object.keys(table).join(', ')}`, name);
  return value;
}

/** 0, or the errno of a query at a TCX hook; an interface that is not there shows that the hook is known. */
function probeTcx(): NativeProbe {
  const result = addon().queryPrograms(0x7fffffff, ATTACH_TYPES.tcxIngress);
  const supported = typeof result !== 'number' || result === -ENODEV;
  return { supported, errno: supported ? 0 : -Number(result) };
}

function probeLpmBatch(): NativeProbe {
  const map = addon().BpfMap.create({
    type: MAP_TYPES.lpm_trie,
    keySize: 8,
    valueSize: 4,
    maxEntries: 1,
    flags: 1,
  });
  try {
    const result = map.readAll();
    return typeof result === 'number' ? { supported: false, errno: -result } : { supported: true, errno: 0 };
  } finally {
    map.close();
  }
}

/** Not kept: a module may be loaded later. */
function probeFunction(name: string, module: string): Feature {
  const [own, all] = [module, 'vmlinux'].map((file) => `/sys/kernel/btf/${file}`) as [string, string];
  const file = [own, all].find((path) => existsSync(path));
  if (file !== undefined && hasBtfName(readFileSync(file), name)) {
    return { supported: true, reason: `the kernel offers ${name}` };
  }
  const where = file === own ? `module ${module}` : `the kernel without module ${module}`;
  return { supported: false, reason: `the kernel does not offer ${name} (not in the BTF of ${where})` };
}

/** What the running kernel offers, found by trying and never by version. Loads nothing that stays. */
export const features = {
  programType(type: KnownProgramType | number): Feature {
    const value = number(PROGRAM_TYPES, 'type', type);
    return cached(`program type ${type}`, () => addon().probeProgramType(value));
  },

  mapType(type: KnownMapType | number): Feature {
    const value = number(MAP_TYPES, 'type', type);
    return cached(`map type ${type}`, () => addon().probeMapType(value));
  },

  /** A helper function in programs of a type, by name without `bpf_` or by number. */
  helper(type: KnownProgramType | number, helper: KnownHelper | number): Feature {
    const programType = number(PROGRAM_TYPES, 'type', type);
    const id = number(HELPERS, 'helper', helper);
    return cached(`helper ${helper} in ${type} programs`, () => addon().probeHelper(programType, id));
  },

  /** Links at the TCX hooks of an interface (6.6). */
  tcx(): Feature {
    return cached('TCX links', probeTcx);
  },

  /**
   * A function of a module that programs may call, such as `bpf_skb_set_xfrm_info` of `xfrm_interface`, by the module's
   * BTF or, where it is built in, the kernel's. A module that is not loaded has none: load it first.
   */
  moduleFunction(name: string, module: string): Feature {
    return probeFunction(name, module);
  },

  ringBuffer(): Feature {
    return this.mapType('ringbuf');
  },

  /** Batch reads of LPM tries (5.13). */
  lpmBatch(): Feature {
    return cached('batch operations on LPM tries', probeLpmBatch);
  },
} as const;
