import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import type { Netlink } from '../netlink/index.js';
import { mayLoad } from './capabilities.js';
import { type Check, ok, reasonText, tried, warn } from './check.js';

const run = promisify(execFile);

/** What a tunnel may need of the kernel, and what to do without it. */
interface TunnelFeature {
  name: string;
  /** What has it, and what cannot be done without. */
  advice: string;
  /** A module that must not be loaded only to look: it makes a device in every network namespace. */
  leaves?: { module: string; device: string };
  probe: (netlink: Netlink) => Promise<boolean>;
}

const IP6TNL = { module: 'ip6_tunnel', device: 'ip6tnl0' } as const;
const IP6GRE = { module: 'ip6_gre', device: 'ip6gre0' } as const;

/** In the order of trying: what is asked of a module comes after its kind of link, which loads it. */
const FEATURES: readonly TunnelFeature[] = [
  {
    name: 'ip6tnl devices',
    advice: 'no tunnel can use one; needs module ip6_tunnel (CONFIG_IPV6_TUNNEL)',
    leaves: IP6TNL,
    probe: (netlink) => netlink.offersLinkKind('ip6tnl'),
  },
  {
    name: 'external ip6tnl device',
    advice: 'one ip6tnl device cannot serve all tunnels; each needs its own',
    leaves: IP6TNL,
    probe: (netlink) => netlink.offersMetadata('ip6tnl'),
  },
  {
    name: 'ip6gre devices',
    advice: 'no tunnel can use one; needs module ip6_gre (CONFIG_IPV6_GRE)',
    leaves: IP6GRE,
    probe: (netlink) => netlink.offersLinkKind('ip6gre'),
  },
  {
    name: 'vxlan devices',
    advice: 'no tunnel can use one; needs module vxlan (CONFIG_VXLAN)',
    probe: (netlink) => netlink.offersLinkKind('vxlan'),
  },
  {
    name: 'wireguard devices',
    advice: 'no tunnel can use one; needs module wireguard (CONFIG_WIREGUARD)',
    probe: (netlink) => netlink.offersLinkKind('wireguard'),
  },
  {
    name: 'xfrm interfaces',
    advice: 'no tunnel can use one; needs module xfrm_interface (CONFIG_XFRM_INTERFACE)',
    probe: (netlink) => netlink.offersLinkKind('xfrm'),
  },
  {
    name: 'external xfrm interface',
    advice: 'one xfrm interface cannot serve all tunnels; each needs its own',
    probe: (netlink) => netlink.offersMetadata('xfrm'),
  },
  {
    name: 'bpf_skb_set_xfrm_info',
    advice:
      'no program can choose the state of an external xfrm interface; each tunnel needs an interface of its own',
    probe: async () => {
      const { features } = await import('../libbpf-ts/index.js');
      return features.moduleFunction('bpf_skb_set_xfrm_info', 'xfrm_interface').supported;
    },
  },
  {
    name: 'ESP with AES-GCM',
    advice:
      'nothing can be encrypted by IPsec; needs modules esp6 and gcm (CONFIG_INET6_ESP, CONFIG_CRYPTO_GCM)',
    probe: async () => {
      const { offersEsp } = await import('../netlink/index.js');
      return offersEsp();
    },
  },
];

/** What the kernel offers to tunnels, each found by trying, and what of it stands in the way of `tunnel: bpf`. */
export async function checkTunnels(): Promise<Check[]> {
  const modules = loadedModules(readModules());
  const offload = checkEspOffload(modules);
  if (!mayLoad()) {
    return [warn('tunnels', 'not looked at: only root can try them', 'run `coax doctor` as root'), offload];
  }
  try {
    const { Netlink } = await import('../netlink/index.js');
    using netlink = Netlink.open();
    const checks: Check[] = [];
    for (const feature of FEATURES) checks.push(await tryFeature(feature, netlink, modules));
    return [...checks, offload];
  } catch (error) {
    return [
      warn('tunnels', `could not be tried: ${reasonText(error)}`, 'the native addon must load: `make build`'),
      offload,
    ];
  }
}

/** Names of the modules in the text of /proc/modules. */
export function loadedModules(text: string): Set<string> {
  return new Set(text.split('\n').flatMap((line) => line.split(' ')[0] || []));
}

/** With the module the kernel encrypts when a device sends, behind our programs: see docs/tunnels.md. */
export function checkEspOffload(modules: ReadonlySet<string>): Check {
  const name = 'esp6_offload';
  if (!modules.has(name)) return ok(name, 'not loaded');
  return warn(
    name,
    'loaded: what IPsec of this machine protects is not encrypted yet when `tunnel: bpf` gets it, and is dropped',
    'let such packets take a tunnel of another kind, or `rmmod esp6_offload` and make their states again',
  );
}

function readModules(): string {
  try {
    return readFileSync('/proc/modules', 'utf8');
  } catch {
    // A kernel without modules.
    return '';
  }
}

async function tryFeature(
  feature: TunnelFeature,
  netlink: Netlink,
  modules: ReadonlySet<string>,
): Promise<Check> {
  const { name, advice, leaves, probe } = feature;
  if (leaves !== undefined && !modules.has(leaves.module) && (await wouldLoad(leaves.module))) {
    return ok(
      name,
      `not tried: module ${leaves.module} is there and not loaded; it makes ${leaves.device} in every network namespace`,
    );
  }
  try {
    return (await probe(netlink))
      ? tried(ok(name, 'works'), true)
      : tried(warn(name, 'this kernel does not offer it', advice), false);
  } catch (error) {
    return warn(name, `not known: ${reasonText(error)}`, 'run `coax doctor` as root');
  }
}

/** Whether the kernel would find a file of this module; one that is built in has none. */
async function wouldLoad(module: string): Promise<boolean> {
  try {
    const { stdout } = await run('modprobe', ['--show-depends', module], { encoding: 'utf8' });
    return stdout
      .split('\n')
      .some((line) => line.startsWith('insmod ') && basename(line.trim()).startsWith(`${module}.ko`));
  } catch {
    // No such module, or no modprobe, which is what the kernel itself would call.
    return false;
  }
}
