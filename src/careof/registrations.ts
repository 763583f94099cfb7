import type { Config, RouterConfig } from '../config/index.js';
import { CxBindingKeyFlag, type Datapath } from '../datapath/index.js';
import { Address, type Prefix } from '../net/index.js';
import { type BindingChange, RequestError } from '../views/index.js';
import type { Registration } from './home-agent.js';

/** Most addresses of a binding that are accepted beside the one in use; the oldest make way. */
const ALSO_ACCEPTED = 2;

/** Of a binding of which nobody has said anything. */
const NOTHING = { careOf: '::', flags: 0 } as const;

/**
 * What was said of bindings at run time. It lives in the pinned `cx_binding_keys`, so that it survives a
 * restart, but for addresses that are only accepted: these wait for the change that they announce.
 */
export class Registrations {
  readonly #datapath: Datapath;
  readonly #alsoAccepted = new Map<number, readonly Address[]>();

  constructor(datapath: Datapath) {
    this.#datapath = datapath;
  }

  of(index: number): Registration {
    const { careOf, flags } = this.#datapath.bindings.annotation(index) ?? NOTHING;
    return {
      careOf: careOf === '::' ? undefined : Address.parse(careOf),
      alsoAccepted: this.#alsoAccepted.get(index) ?? [],
      disabled: (flags & CxBindingKeyFlag.DISABLED) !== 0,
    };
  }

  /** Where packets of a router may come from whose care-of addresses are in the file or were set since. */
  careOfsOf({ address, bindings }: RouterConfig): Address[] {
    const router = this.#datapath.routerIds.id(address.toString());
    return bindings.flatMap(({ bid, careOf: ofFile }) => {
      const { careOf = ofFile, alsoAccepted } = this.of(this.#datapath.bindings.index({ router, bid }));
      return careOf === undefined ? alsoAccepted : [careOf, ...alsoAccepted];
    });
  }

  /** Writes a change that has been checked; what it does not mention stays. */
  change(index: number, careOf: Address | undefined, { acceptOnly, down }: BindingChange): void {
    const before = this.of(index);
    let registered = before.careOf;
    if (careOf && acceptOnly) {
      const others = before.alsoAccepted.filter((other) => !other.equals(careOf));
      this.#alsoAccepted.set(index, [...others, careOf].slice(-ALSO_ACCEPTED));
    } else if (careOf) {
      this.#alsoAccepted.delete(index);
      registered = careOf;
    }
    this.#datapath.bindings.annotate(index, {
      careOf: registered?.toString() ?? '::',
      disabled: down ?? before.disabled,
    });
  }

  /** Whoever edits a care-of address in the file means it: what was registered for it is void. */
  forgetEdited(before: Config, after: Config): void {
    if (before.role !== 'home-agent' || after.role !== 'home-agent') {
      return;
    }
    const { bindings, routerIds } = this.#datapath;
    const earlier = new Map(before.routers.map((router) => [router.address.toString(), router]));
    for (const router of after.routers) {
      const old = earlier.get(router.address.toString());
      for (const binding of old?.bindings ?? []) {
        const next = router.bindings.find((candidate) => candidate.bid === binding.bid);
        if (next && String(next.careOf) !== String(binding.careOf)) {
          const index = bindings.index({ router: routerIds.id(router.address.toString()), bid: binding.bid });
          bindings.annotate(index, { careOf: '::', disabled: this.of(index).disabled });
        }
      }
    }
  }

  /** An index that was given back may become another binding's. */
  keepOnly(indices: ReadonlySet<number>): void {
    for (const index of this.#alsoAccepted.keys()) {
      if (!indices.has(index)) {
        this.#alsoAccepted.delete(index);
      }
    }
  }
}

/**
 * The care-of address that a request names.
 * @param homes prefixes that are reached through tunnels themselves
 * @throws RequestError WRONG_ROLE, INVALID_CARE_OF
 */
export function requestedCareOf(config: Config, homes: readonly Prefix[], text: string): Address {
  if (config.role === 'mobile-router') {
    throw new RequestError(
      'WRONG_ROLE',
      'a mobile router takes its care-of addresses from its uplinks',
      'ask the home agent, or change the address of the uplink',
    );
  }
  const address = parse(text);
  if (!address?.isGlobal || address.family !== 6 || address.equals(config.home.agent)) {
    throw new RequestError(
      'INVALID_CARE_OF',
      `${text} cannot be a care-of address`,
      'give the IPv6 unicast address that the mobile router has on that uplink',
    );
  }
  const home = homes.find((prefix) => prefix.contains(address));
  if (home) {
    throw new RequestError(
      'INVALID_CARE_OF',
      `${text} is inside ${home}, which is reached through a tunnel itself`,
      'give an address of the visited network, not one of home',
    );
  }
  return address;
}

function parse(text: string): Address | undefined {
  try {
    return Address.parse(text);
  } catch {
    return undefined;
  }
}
