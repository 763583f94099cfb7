/** Checks of meaning that both roles share: what no single value can be wrong about. */
import type { Address, Prefix } from '../net/index.js';
import { BINDINGS_PER_ROUTER } from '../policy/index.js';
import { readDevice } from './device.js';
import { formatPath, type Path } from './document.js';
import type { BindingNames } from './policies.js';
import type { Report } from './report.js';
import { defaultBindingName, type RawDevice, type RawHomeAgent, type RawMobileRouter } from './schema.js';
import type { Sections } from './sections.js';
import { type ExternalKind, encapsulationOf, leastPath, type TunnelKind } from './tunnel.js';
import { Uniqueness } from './uniqueness.js';

const IPV6_MIN_MTU = 1280;

interface RawBinding {
  readonly bid: number;
  readonly name?: string | undefined;
  readonly tunnel: TunnelKind;
  readonly device?: RawDevice | undefined;
  readonly keys?: string | undefined;
  readonly mtu?: number | undefined;
}

/** Checks the bindings of one router among themselves; returns what its policies can call them. */
export function checkBindings(
  bindings: readonly (RawBinding | undefined)[] | undefined,
  external: ExternalKind | undefined,
  path: Path,
  report: Report,
): BindingNames {
  const known = new Map<string, number>();
  const tunnels = new Map<number, TunnelKind>();
  const copying = external !== 'xfrm';
  if (bindings === undefined) return { bids: known, tunnels, copying, listed: '', clear: false };
  if (bindings.length > BINDINGS_PER_ROUTER) {
    const message = `a router has at most ${BINDINGS_PER_ROUTER} bindings`;
    report.at([...path, BINDINGS_PER_ROUTER], message, 'remove the ones that are not used');
  }
  const bids = new Uniqueness('BID', report);
  const names = new Uniqueness('binding name', report);
  const listed: string[] = [];
  let clear = !bindings.includes(undefined);
  for (const [position, binding] of bindings.entries()) {
    if (binding === undefined) continue;
    const at = [...path, position];
    const { bid, name = defaultBindingName(binding.bid), tunnel, mtu } = binding;
    const unique = bids.add(bid, [...at, 'bid'], 'write another BID, each tunnel has one of its own');
    // A second one of the same BID has the same default name; one problem is enough.
    if (!unique && binding.name === undefined) clear = false;
    else clear = names.add(name, [...at, 'name'], 'write another name') && unique && clear;
    const device = readDevice(binding, at, report);
    checkExternalXfrm(binding, external, at, report);
    const least = leastPath(IPV6_MIN_MTU, encapsulationOf({ tunnel, device }, external));
    if (mtu !== undefined && mtu < least) {
      report.at(
        [...at, 'mtu'],
        `${mtu} leaves less than ${IPV6_MIN_MTU} bytes for inner packets (tunnel: ${tunnel} takes ${least - IPV6_MIN_MTU})`,
        `write at least ${least}`,
      );
    }
    known.set(String(bid), bid);
    known.set(name, bid);
    tunnels.set(bid, tunnel);
    listed.push(`${name} (${bid})`);
  }
  return {
    bids: known,
    tunnels,
    copying,
    listed: listed.length > 0 ? `there are ${listed.join(', ')}` : 'this router has no bindings',
    clear,
  };
}

/** Keys are where they are used; and the way of what one xfrm interface encrypts is not that of `bpf`. */
function checkExternalXfrm(
  { tunnel, keys }: RawBinding,
  external: ExternalKind | undefined,
  path: Path,
  report: Report,
): void {
  if (tunnel !== 'external' || external !== 'xfrm') {
    if (keys !== undefined) {
      const hint = tunnel === 'device' ? "write it under 'device'" : 'remove it';
      report.atKey([...path, 'keys'], 'these keys are for external: {kind: xfrm}', hint);
    }
    if (tunnel === 'bpf' && external === 'xfrm') {
      const message = 'tunnel: bpf does not go with external: {kind: xfrm}, whose packets take the stack';
      report.at(
        [...path, 'tunnel'],
        message,
        "write 'tunnel: device' with 'kind: ip6tnl', or 'tunnel: external'",
      );
    }
  } else if (keys === undefined) {
    const hint = "add 'keys: FILE' with the path of a file that `coax keys` has made";
    report.at([...path, 'tunnel'], 'external: {kind: xfrm} needs keys for this binding', hint);
  }
}

/** Care-of addresses: none twice, none that is an end of something else. */
export function checkCareOf(
  careOf: Address,
  path: Path,
  seen: Uniqueness,
  agent: Address | undefined,
  router: { readonly address: Address; readonly prefixes: readonly Prefix[] } | undefined,
  report: Report,
): void {
  const hint = 'write the address the uplink has in the visited network';
  seen.add(careOf.toString(), path, 'each binding needs an address of its own');
  if (agent?.equals(careOf)) report.at(path, "a care-of address cannot be the home agent's address", hint);
  if (router?.address.equals(careOf)) report.at(path, 'a care-of address cannot be the home address', hint);
  const own = router?.prefixes.find((prefix) => prefix.contains(careOf));
  if (own) report.at(path, `${careOf} lies in ${own}, which is behind the tunnel itself`, hint);
}

/** One router's claim to addresses. */
export interface Claim {
  readonly prefix: Prefix;
  readonly path: Path;
  /** Position of the router it belongs to. */
  readonly router: number;
  readonly kind: 'prefix' | 'home address';
}

/** Prefixes that overlap, home addresses in prefixes of others, and the home agent's address in any. */
export function checkClaims(claims: readonly Claim[], agent: Address | undefined, report: Report): void {
  // Sorted by address, then shorter first, what overlaps a prefix stands right behind it.
  const sorted = [...claims].sort((a, b) => a.prefix.compare(b.prefix));
  let open: Claim[] = [];
  for (const claim of sorted) {
    open = open.filter((outer) => outer.prefix.contains(claim.prefix));
    const outer = open.find((other) => conflict(other, claim));
    if (outer) {
      // Reported at the one further down in the file.
      const [first, second] = comparePaths(outer.path, claim.path) <= 0 ? [outer, claim] : [claim, outer];
      const verb = first.prefix.equals(second.prefix) ? 'is the same as' : 'is overlapping';
      report.at(
        second.path,
        `${second.kind} ${text(second)} ${verb} ${first.kind} ${text(first)} (${formatPath(first.path)})`,
        second.router === first.router ? 'keep one of the two' : 'every address belongs to one router only',
      );
    }
    open.push(claim);
    if (claim.kind === 'prefix' && agent && claim.prefix.contains(agent)) {
      report.at(
        claim.path,
        `the home agent's address ${agent} lies in ${claim.prefix}`,
        'write the prefix of the mobile network',
      );
    }
  }
}

function conflict(outer: Claim, inner: Claim): boolean {
  // A router may have its home address in its own prefix, unless it is the subnet-router anycast address.
  if (outer.router !== inner.router) return true;
  if (outer.kind === inner.kind) return true;
  return outer.prefix.address.equals(inner.prefix.address);
}

function text(claim: Claim): string {
  return claim.kind === 'prefix' ? claim.prefix.toString() : claim.prefix.address.toString();
}

function comparePaths(a: Path, b: Path): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [left, right] = [a[i], b[i]];
    if (left === right) continue;
    if (typeof left === 'number' && typeof right === 'number') return left - right;
    return String(left) < String(right) ? -1 : 1;
  }
  return a.length - b.length;
}

/** The external section is there exactly when a binding needs it. */
export function checkExternal(
  bindings: readonly { readonly binding: RawBinding | undefined; readonly path: Path }[] | undefined,
  external: 'present' | 'absent' | 'malformed',
  report: Report,
): void {
  if (bindings === undefined) return;
  const users = bindings.filter(({ binding }) => binding?.tunnel === 'external');
  if (external === 'absent') {
    for (const { path } of users) {
      const hint = "add 'external: {kind: vxlan}' at the top of the file, or write tunnel: bpf";
      report.at([...path, 'tunnel'], 'tunnel: external needs an external section', hint);
    }
  } else if (external === 'present' && users.length === 0 && !bindings.some(({ binding }) => !binding)) {
    report.atKey(['external'], 'no binding uses it', "remove it, or write 'tunnel: external' in a binding");
  }
}

/** Modes are for interfaces that the file names elsewhere. */
export function checkXdp(
  xdp: Sections<RawMobileRouter | RawHomeAgent>['xdp'],
  names: readonly string[],
  isComplete: boolean,
  report: Report,
): void {
  for (const name of Object.keys(xdp?.interfaces ?? {})) {
    if (!isComplete || names.includes(name)) continue;
    report.atKey(
      ['xdp', 'interfaces', name],
      `no packets of ours come by ${JSON.stringify(name)}`,
      names.length > 0 ? `write one of ${names.join(', ')}` : 'remove it',
    );
  }
}

/** Routing tables the kernel has a use for: default, main, local. */
const KERNEL_TABLES = [253, 254, 255];

export function checkTables(base: number | undefined, bids: readonly number[], report: Report): void {
  if (base === undefined) return;
  const bid = bids.find((one) => KERNEL_TABLES.includes(base + one));
  if (bid === undefined) return;
  report.at(
    ['routing', 'table'],
    `table ${base + bid} of binding ${bid} is one of the kernel's`,
    'write a number from 1000 on',
  );
}

/** Something the file holds and the limit that must have room for it. */
export interface Need {
  readonly limit: 'bindings' | 'routers' | 'policies' | 'prefixes';
  readonly count: number;
}

export function checkLimits(
  limits: Sections<RawMobileRouter | RawHomeAgent>['limits'],
  needs: readonly Need[],
  report: Report,
): void {
  for (const { limit, count } of needs) {
    if (limits === undefined || limits[limit] >= count) continue;
    const message = `${limits[limit]} is too small, this file has ${count} ${limit}`;
    report.at(['limits', limit], message, `write at least ${count}`);
  }
}
