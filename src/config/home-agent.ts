import { Prefix } from '../net/index.js';
import type { Policy } from '../policy/index.js';
import {
  type Claim,
  checkBindings,
  checkCareOf,
  checkClaims,
  checkExternal,
  checkLimits,
  checkTables,
  checkXdp,
} from './checks.js';
import { commonConfig, sectionState } from './common.js';
import type { HomeAgentConfig } from './config.js';
import { DeviceClaims, readDevice } from './device.js';
import type { YamlDocument } from './document.js';
import { type InterfaceNames, readPolicies } from './policies.js';
import type { Report } from './report.js';
import {
  defaultBindingName,
  defaultExternalDevice,
  homeAgentSchema,
  type RawHomeAgent,
  routerSchema,
} from './schema.js';
import { readSections, type Sections } from './sections.js';
import { readSets } from './sets.js';
import { Uniqueness } from './uniqueness.js';

/** Reads the file of a home agent; undefined, after reports, when something is wrong. */
export function readHomeAgent(document: YamlDocument, report: Report): HomeAgentConfig | undefined {
  const { complete, sections, problems } = readSections(homeAgentSchema, { routers: routerSchema }, document);
  report.add(problems);
  const sets = readSets(sections.sets, document, report);
  const interfaces = interfaceNames(sections);
  const policies = (sections.routers ?? []).map((router, position): readonly Policy[] => {
    if (router === undefined) return [];
    const path = ['routers', position];
    const bindings = checkBindings(router.bindings, sections.external?.kind, [...path, 'bindings'], report);
    return readPolicies(router.policies, { bindings, sets, interfaces }, [...path, 'policies'], report);
  });
  checkInterfaces(sections, report);
  checkXdp(sections.xdp, interfaces.names, interfaces.clear, report);
  checkRouters(sections, sectionState('registration', sections, document), report);
  checkLimits(sections.limits, needs(sections), report);
  checkTables(
    sections.routing?.table,
    allBindings(sections).map(({ binding }) => binding.bid),
    report,
  );
  if (!sections.routers?.includes(undefined)) {
    checkExternal(
      sections.routers && allBindings(sections),
      sectionState('external', sections, document),
      report,
    );
  }
  if (complete === undefined || report.problems.length > 0) return undefined;
  return {
    ...commonConfig(complete, sets.sets),
    role: complete.role,
    home: { ...complete.home, link: complete.home.link },
    interfaces: complete.interfaces,
    registration: complete.registration && {
      unauthenticated: complete.registration.unauthenticated,
      lifetimeMs: complete.registration.lifetime,
      bulk: complete.registration.bulk,
      homeAndForeign: complete.registration['home-and-foreign'],
    },
    routers: complete.routers.map((router, position) => ({
      name: router.name,
      address: router.address,
      prefixes: router.prefixes,
      keyFile: router.key,
      bindings: router.bindings.map((binding) => ({
        bid: binding.bid,
        name: binding.name ?? defaultBindingName(binding.bid),
        priority: binding.priority,
        careOf: binding['care-of'],
        tunnel: binding.tunnel,
        device: readDevice(binding),
        keyFile: binding.keys,
        mtu: binding.mtu,
      })),
      policies: policies[position] ?? [],
    })),
  };
}

type HomeAgentSections = Sections<RawHomeAgent>;

/** What policies can write as `interface:`. */
function interfaceNames({ interfaces }: HomeAgentSections): InterfaceNames {
  return {
    names: interfaces?.flatMap((name) => name ?? []) ?? [],
    setting: 'interfaces',
    clear: interfaces !== undefined && !interfaces.includes(undefined),
  };
}

function allBindings({ routers }: HomeAgentSections) {
  return (routers ?? []).flatMap((router, position) =>
    (router?.bindings ?? []).map((binding, index) => ({
      binding,
      path: ['routers', position, 'bindings', index],
      router,
    })),
  );
}

function needs(sections: HomeAgentSections) {
  const routers = sections.routers ?? [];
  const sum = (count: (router: RawHomeAgent['routers'][number]) => number) =>
    routers.reduce((total, router) => total + (router ? count(router) : 0), 0);
  return [
    { limit: 'routers', count: routers.length },
    { limit: 'bindings', count: sum((router) => router.bindings.length) },
    { limit: 'policies', count: sum((router) => router.policies.length) },
    { limit: 'prefixes', count: sum((router) => router.prefixes.length + 1) },
  ] as const;
}

function checkInterfaces(sections: HomeAgentSections, report: Report): void {
  const { home, interfaces, external } = sections;
  const seen = new Uniqueness('interface', report);
  const hint = 'remove one of the two';
  if (home !== undefined) {
    seen.add(home.interface, ['home', 'interface'], hint);
    seen.add(`${home.interface}p`, ['home', 'interface'], hint);
  }
  if (external !== undefined) {
    seen.add(external.device ?? defaultExternalDevice(external.kind), ['external', 'device'], hint);
  }
  for (const [position, name] of interfaces?.entries() ?? []) {
    if (name !== undefined) seen.add(name, ['interfaces', position], hint);
  }
  const { names, clear } = interfaceNames(sections);
  if (clear && home?.link !== undefined && !names.includes(home.link)) {
    report.at(
      ['home', 'link'],
      `packets of routers come by ${home.link}, and it is not one of interfaces`,
      `add ${home.link} to interfaces, or write one of ${names.join(', ')}`,
    );
  }
  const claims = new DeviceClaims(seen, true, report);
  for (const { binding, path } of allBindings(sections)) {
    if (binding) {
      claims.add(readDevice(binding), path);
      claims.addKeys(binding.keys, [...path, 'keys']);
    }
  }
}

function checkRouters(
  sections: HomeAgentSections,
  registration: ReturnType<typeof sectionState>,
  report: Report,
): void {
  const agent = sections.home?.agent;
  const names = new Uniqueness('router name', report);
  const claims: Claim[] = [];
  const keys = new Uniqueness('key file', report);
  for (const [router, raw] of sections.routers?.entries() ?? []) {
    if (raw === undefined) continue;
    const path = ['routers', router];
    if (raw.key !== undefined) {
      keys.add(raw.key, [...path, 'key'], 'give each router a key of its own');
      if (registration === 'absent') {
        report.atKey([...path, 'key'], 'a key does nothing without registration', "add 'registration: {}'");
      }
    }
    names.add(raw.name, [...path, 'name'], 'write another name');
    if (agent?.equals(raw.address)) {
      const hint = 'write the home address of the mobile router';
      report.at([...path, 'address'], "the home address is the home agent's address", hint);
    }
    claims.push({
      kind: 'home address',
      prefix: Prefix.host(raw.address),
      path: [...path, 'address'],
      router,
    });
    for (const [position, prefix] of raw.prefixes.entries()) {
      claims.push({ kind: 'prefix', prefix, path: [...path, 'prefixes', position], router });
    }
  }
  checkClaims(claims, agent, report);
  const careOfs = new Uniqueness('care-of address', report);
  for (const { binding, path, router } of allBindings(sections)) {
    const careOf = binding['care-of'];
    if (careOf) checkCareOf(careOf, [...path, 'care-of'], careOfs, agent, router, report);
    if (careOf && router?.key !== undefined) {
      const hint = "remove it; a router without 'key:' has those of the file";
      report.at([...path, 'care-of'], 'this router registers its care-of addresses itself', hint);
    }
  }
}
