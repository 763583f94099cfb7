import { Prefix } from '../net/index.js';
import {
  checkBindings,
  checkCareOf,
  checkClaims,
  checkExternal,
  checkLimits,
  checkTables,
  checkXdp,
} from './checks.js';
import { commonConfig, sectionState } from './common.js';
import type { MobileRouterConfig } from './config.js';
import { DeviceClaims, readDevice } from './device.js';
import type { YamlDocument } from './document.js';
import { type InterfaceNames, readPolicies } from './policies.js';
import type { Report } from './report.js';
import {
  defaultBindingName,
  defaultExternalDevice,
  ingressSchema,
  mobileRouterBindingSchema,
  mobileRouterSchema,
  policySchema,
  type RawMobileRouter,
} from './schema.js';
import { readSections, type Sections } from './sections.js';
import { readSets } from './sets.js';
import { Uniqueness } from './uniqueness.js';

/** Reads the file of a mobile router; undefined, after reports, when something is wrong. */
export function readMobileRouter(document: YamlDocument, report: Report): MobileRouterConfig | undefined {
  const items = { ingress: ingressSchema, bindings: mobileRouterBindingSchema, policies: policySchema };
  const { complete, sections, problems } = readSections(mobileRouterSchema, items, document);
  report.add(problems);
  const names = checkBindings(sections.bindings, sections.external?.kind, ['bindings'], report);
  const sets = readSets(sections.sets, document, report);
  const world = { bindings: names, sets, interfaces: ingressNames(sections) };
  const policies = readPolicies(sections.policies ?? [], world, ['policies'], report);
  checkHome(sections, report);
  checkRegistration(sections, report);
  checkInterfaces(sections, report);
  checkUplinks(sections, report);
  checkHomeLink(sections, sectionState('registration', sections, document), report);
  const { ingress, bindings } = sections;
  checkXdp(
    sections.xdp,
    [...(ingress ?? []), ...(bindings ?? [])].flatMap((one) => one?.interface ?? []),
    ![ingress, bindings].some((list) => list === undefined || list.includes(undefined)),
    report,
  );
  checkAddresses(sections, report);
  checkExternal(
    sections.bindings?.map((binding, position) => ({ binding, path: ['bindings', position] })),
    sectionState('external', sections, document),
    report,
  );
  checkTables(
    sections.routing?.table,
    sections.bindings?.flatMap((binding) => binding?.bid ?? []) ?? [],
    report,
  );
  checkLimits(
    sections.limits,
    [
      { limit: 'bindings', count: sections.bindings?.length ?? 0 },
      { limit: 'policies', count: sections.policies?.length ?? 0 },
      { limit: 'prefixes', count: (sections.home?.prefixes.length ?? 0) + 1 },
    ],
    report,
  );
  if (complete === undefined || report.problems.length > 0) return undefined;
  return { ...commonConfig(complete, sets.sets), ...build(complete), policies };
}

function build(
  raw: RawMobileRouter,
): Omit<MobileRouterConfig, keyof ReturnType<typeof commonConfig> | 'policies'> {
  return {
    role: raw.role,
    home: raw.home,
    ingress: raw.ingress,
    registration: raw.registration && {
      keyFile: raw.registration.key,
      lifetimeMs: raw.registration.lifetime,
      mode: raw.registration.mode,
      prefixes: raw.registration.prefixes,
    },
    bindings: raw.bindings.map((binding) => ({
      bid: binding.bid,
      name: binding.name ?? defaultBindingName(binding.bid),
      priority: binding.priority,
      interface: binding.interface,
      careOf: binding['care-of'],
      gateway: binding.gateway,
      tunnel: binding.tunnel,
      device: readDevice(binding),
      keyFile: binding.keys,
      mtu: binding.mtu,
    })),
  };
}

type MobileRouterSections = Sections<RawMobileRouter>;

/** What policies can write as `interface:`. */
function ingressNames({ ingress }: MobileRouterSections): InterfaceNames {
  return {
    names: ingress?.flatMap((one) => one?.interface ?? []) ?? [],
    setting: 'ingress',
    clear: ingress !== undefined && !ingress.includes(undefined),
  };
}

function checkRegistration({ registration }: MobileRouterSections, report: Report): void {
  if (registration === undefined) return;
  const { key, unauthenticated } = registration;
  if (key === undefined && unauthenticated === 'refuse') {
    report.atKey(
      ['registration'],
      'there is no key to register with',
      "add 'key: FILE', or 'unauthenticated: accept' where anybody may answer for the home agent",
    );
  }
  if (key !== undefined && unauthenticated === 'accept') {
    report.at(
      ['registration', 'unauthenticated'],
      'there is a key, so that answers are authenticated',
      'remove one of the two',
    );
  }
}

function checkHome({ home, ingress }: MobileRouterSections, report: Report): void {
  if (home === undefined) return;
  if (home.address.equals(home.agent)) {
    report.at(
      ['home', 'address'],
      "the home address is the home agent's address",
      'write the address of this router',
    );
  }
  if (ingress !== undefined && ingress.length > 0 && home.prefixes.length === 0) {
    report.atKey(
      ['ingress'],
      'there is a mobile network but no prefix for it',
      "add 'prefixes: [...]' to home",
    );
  }
}

/** An interface has one job only. */
function checkInterfaces(sections: MobileRouterSections, report: Report): void {
  const seen = new Uniqueness('interface', report);
  const hint = 'write another interface, each has one job';
  const home = sections.home?.interface;
  if (home !== undefined) {
    seen.add(home, ['home', 'interface'], hint);
    seen.add(`${home}p`, ['home', 'interface'], hint);
  }
  const { external } = sections;
  if (external !== undefined) {
    seen.add(external.device ?? defaultExternalDevice(external.kind), ['external', 'device'], hint);
  }
  for (const [position, ingress] of sections.ingress?.entries() ?? []) {
    if (ingress) seen.add(ingress.interface, ['ingress', position, 'interface'], hint);
  }
  // Several bindings may share an uplink, so these are not counted among themselves.
  const uplinks = new Set<string>();
  const claims = new DeviceClaims(seen, false, report);
  for (const [position, binding] of sections.bindings?.entries() ?? []) {
    if (binding) {
      claims.add(readDevice(binding), ['bindings', position]);
      claims.addKeys(binding.keys, ['bindings', position, 'keys']);
    }
    if (!binding || uplinks.has(binding.interface)) continue;
    uplinks.add(binding.interface);
    seen.add(binding.interface, ['bindings', position, 'interface'], hint);
  }
}

/** Bindings on the same uplink must say which care-of address is whose. */
function checkUplinks({ bindings }: MobileRouterSections, report: Report): void {
  const first = new Map<string, { position: number; auto: boolean }>();
  for (const [position, binding] of bindings?.entries() ?? []) {
    if (!binding || binding.tunnel === 'home') continue;
    const auto = binding['care-of'] === 'auto';
    const other = first.get(binding.interface);
    if (other === undefined) first.set(binding.interface, { position, auto });
    else if (auto || other.auto) {
      report.at(
        ['bindings', position, 'interface'],
        `uplink ${binding.interface} is shared with bindings[${other.position}], and 'care-of: auto' cannot tell their addresses apart`,
        "write 'care-of: ADDRESS' in both, or another interface",
      );
    }
  }
}

/** A binding at home is registered, has no care-of address and no router, and there is one at most. */
function checkHomeLink(
  { bindings }: MobileRouterSections,
  registration: ReturnType<typeof sectionState>,
  report: Report,
): void {
  let first: number | undefined;
  for (const [position, binding] of bindings?.entries() ?? []) {
    if (binding?.tunnel !== 'home') continue;
    const path = ['bindings', position];
    if (first !== undefined) {
      report.at(
        [...path, 'tunnel'],
        `bindings[${first}] is at home already, and there may be one (RFC 5648 section 5.6.3)`,
        'keep one of the two',
      );
    }
    first ??= position;
    if (registration === 'absent') {
      report.at(
        [...path, 'tunnel'],
        'a home agent is told of a binding at home by registration only',
        "add 'registration: {key: FILE}' at the top of the file",
      );
    }
    for (const key of ['care-of', 'gateway'] as const) {
      if (binding[key] === 'auto') continue;
      const what = key === 'care-of' ? 'address is the home address' : 'next hop is the home agent itself';
      report.at([...path, key], `on the home link the ${what}`, 'remove it');
    }
    const other = bindings?.findIndex((one) => one && one !== binding && one.interface === binding.interface);
    if (other !== undefined && other !== -1 && bindings?.[other]?.tunnel !== 'home') {
      report.at(
        [...path, 'interface'],
        `${binding.interface} is the uplink of bindings[${other}], and the home link is no visited one`,
        'write the interface on the home link',
      );
    }
  }
}

function checkAddresses({ home, bindings }: MobileRouterSections, report: Report): void {
  if (home !== undefined) {
    checkClaims(
      [
        { kind: 'home address', prefix: Prefix.host(home.address), path: ['home', 'address'], router: 0 },
        ...home.prefixes.map((prefix, position) => ({
          kind: 'prefix' as const,
          prefix,
          path: ['home', 'prefixes', position],
          router: 0,
        })),
      ],
      home.agent,
      report,
    );
  }
  const seen = new Uniqueness('care-of address', report);
  for (const [position, binding] of bindings?.entries() ?? []) {
    const careOf = binding?.['care-of'];
    if (careOf === undefined || careOf === 'auto') continue;
    checkCareOf(careOf, ['bindings', position, 'care-of'], seen, home?.agent, home, report);
  }
}
