/** Follows one packet through our programs and the stack between them. */
import type { Config } from '../config/index.js';
import {
  type AttachedProgram,
  CxReason,
  CxSetting,
  Explainer,
  findCgroup,
  Instance,
  programAtHome,
  programAtIngress,
} from '../datapath/index.js';
import { type Link, Netlink, NetlinkError } from '../netlink/index.js';
import { RegistrationError } from '../registration/index.js';
import { journalPath, SignallingError, writtenRegistrations } from '../signalling/index.js';
import type { Explanation, Stage } from './explanation.js';
import { InspectError } from './inspect-error.js';
import { type ParsedPacket, parsePacket } from './packet-parser.js';
import { packetView } from './packet-view.js';
import { fateOf } from './reason-text.js';
import { type Arrival, askProgram } from './stage.js';
import { type Registrations, World } from './world.js';

/** What is asked. */
export interface Question {
  /** The IPv6 packet without a link header. */
  readonly packet: Uint8Array;
  /** Interface by which it comes in; undefined: this machine sends it. */
  readonly interface: string | undefined;
  /** The mark it has when netfilter has run. */
  readonly mark: number;
  /** Path of the sender's cgroup. */
  readonly cgroup: string | undefined;
}

const HOME_PROGRAM = 'coax_home';
const HOP_LIMIT_OFFSET = 7;

/**
 * Asks the live maps of an instance and the reference classifier over its configuration.
 * @param states what the daemon says of its bindings, by `stateKey`; may be empty
 * @throws InspectError, DatapathError, BpfError
 */
export async function explain(
  config: Config,
  question: Question,
  states: ReadonlyMap<string, string>,
): Promise<Explanation> {
  const parsed = parsePacket(question.packet);
  if (typeof parsed === 'string') {
    throw new InspectError('PACKET_INVALID', `the packet cannot be read: ${parsed}`, 'ask about another one');
  }
  using netlink = Netlink.open();
  const links = await netlink.dumpLinks();
  const ingress = question.interface === undefined ? undefined : findLink(links, question.interface);
  const instance = new Instance(config.instance, config.bpffs);
  const attached = ingress && programAtIngress(instance, ingress.ifindex);
  using explainer = Explainer.open(instance);
  const registered = registrationsOf(config);
  const isReadable = !(registered instanceof Error);
  const world = new World(config, explainer, links, states, isReadable ? registered : new Map());
  const home = links.find(({ ifindex }) => ifindex === explainer.settings.get(CxSetting.HOME_IFINDEX));
  const walk = new Walk(world, netlink, question, parsed, ingress, home);
  if (!isReadable) walk.doubt(`what routers have registered cannot be read: ${registered.message}`);
  await walk.go(attached, home && programAtHome(instance, home.ifindex));
  return walk.explanation();
}

/** The way of one packet, stage by stage. */
class Walk {
  readonly #world: World;
  readonly #netlink: Netlink;
  readonly #question: Question;
  readonly #parsed: ParsedPacket;
  readonly #ingress: Link | undefined;
  readonly #home: Link | undefined;
  readonly #stages: Stage[] = [];
  readonly #doubts: string[] = [];
  #fate: Explanation['fate'] = 'stack';
  #text = '';

  constructor(
    world: World,
    netlink: Netlink,
    question: Question,
    parsed: ParsedPacket,
    ingress: Link | undefined,
    home: Link | undefined,
  ) {
    this.#world = world;
    this.#netlink = netlink;
    this.#question = question;
    this.#parsed = parsed;
    this.#ingress = ingress;
    this.#home = home;
  }

  async go(atIngress: AttachedProgram | undefined, atHome: AttachedProgram | undefined): Promise<void> {
    let bypassMark = 0;
    if (this.#ingress !== undefined) {
      if (atIngress === undefined) {
        this.#note(`no program of ours is on ${this.#ingress.name}: its packets take the stack`);
      } else {
        const reason = await this.#ask(atIngress.name, atIngress, this.#arrival(this.#ingress, undefined));
        if (reason === CxReason.BYPASS) bypassMark = this.#world.config.routing.bypassMark;
        if (!goesToStack(reason)) return;
      }
    }
    const { cgroup } = this.#question;
    if (this.#ingress === undefined && cgroup !== undefined) {
      if (this.#world.explainer.generations.cgroup(cgroupIds(cgroup)).bypasses) {
        bypassMark = this.#world.config.routing.bypassMark;
        this.#note(
          `sockets made in ${cgroup} have the mark 0x${bypassMark.toString(16)}: a policy lets it bypass us`,
        );
      }
    }
    if (!(await this.#route(bypassMark))) return;
    if (atHome === undefined) this.#doubts.push(`${HOME_PROGRAM} is not attached to the home interface`);
    if (this.#home !== undefined) {
      await this.#ask(HOME_PROGRAM, atHome, this.#arrival(this.#home, this.#question.mark));
    }
  }

  /** Says why the answer is not to be trusted. */
  doubt(why: string): void {
    this.#doubts.push(why);
  }

  explanation(): Explanation {
    const { config, explainer } = this.#world;
    return {
      instance: config.instance,
      generation: explainer.generations.activeId,
      packet: packetView(this.#parsed, { ...this.#question, interface: this.#ingress?.name }),
      stages: this.#stages,
      fate: this.#fate,
      text: this.#text,
      trustworthy: this.#doubts.length === 0,
      doubts: this.#doubts,
    };
  }

  async #ask(name: string, attached: AttachedProgram | undefined, arrival: Arrival): Promise<CxReason> {
    const { stage, reason, doubts } = await askProgram(this.#world, name, attached, arrival);
    this.#stages.push(stage);
    this.#fate = fateOf(reason);
    this.#text = stage.text;
    this.#doubts.push(...doubts);
    return reason;
  }

  /** What the kernel's own routing does with it; true: it gets to the home interface. */
  async #route(bypassMark: number): Promise<boolean> {
    const { hopLimit, headers } = this.#parsed;
    if (this.#ingress !== undefined && hopLimit <= 1) {
      return this.#end('the stack answers Time Exceeded: its hop limit is used up', 'answered');
    }
    const mark = (this.#question.mark | bypassMark) >>> 0;
    try {
      const { destination, source } = headers;
      const iif = this.#ingress?.ifindex;
      const route = await this.#netlink.getRoute({
        destination,
        source,
        mark,
        ...(iif === undefined ? {} : { iif }),
      });
      const with_ = `with mark 0x${mark.toString(16)}`;
      if (route.type === 'local')
        return this.#end('the stack keeps it: its destination is this machine', 'stack');
      if (route.ifindex !== undefined && route.ifindex === this.#home?.ifindex) {
        this.#note(`the stack routes it to the home interface, ${with_}`);
        return true;
      }
      const via = route.gateway === undefined ? '' : ` via ${route.gateway}`;
      const way =
        route.ifindex === undefined ? 'nowhere' : `to ${this.#world.interfaceName(route.ifindex)}${via}`;
      return this.#end(`the stack routes it ${way}, ${with_}: none of our tunnels carries it`, 'stack');
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      return this.#end(`the stack has no route for it (${error.errnoName ?? error.code})`, 'stack');
    }
  }

  #arrival(at: Link, mark: number | undefined): Arrival {
    const { cgroup } = this.#question;
    const packet = Uint8Array.from(this.#question.packet);
    // Behind the stack a forwarded packet has lost one already.
    if (mark !== undefined && this.#ingress !== undefined)
      packet[HOP_LIMIT_OFFSET] = this.#parsed.hopLimit - 1;
    return {
      packet,
      ifindex: at.ifindex,
      mac: at.mac?.toBytes() ?? new Uint8Array(6),
      ingress: this.#ingress && {
        ifindex: this.#ingress.ifindex,
        name: configuredName(this.#world.config, this.#ingress),
      },
      mark,
      cgroup: cgroup === undefined ? undefined : { path: cgroup, ids: cgroupIds(cgroup) },
    };
  }

  #note(text: string): void {
    this.#stages.push({ kind: 'stack', text });
  }

  #end(text: string, fate: Explanation['fate']): false {
    this.#note(text);
    this.#text = text;
    this.#fate = fate;
    return false;
  }
}

/** What routers have registered at this home agent, or why that cannot be said. */
function registrationsOf(config: Config): Registrations | SignallingError | RegistrationError {
  if (config.role !== 'home-agent' || config.registration === undefined) return new Map();
  try {
    return writtenRegistrations(journalPath(config));
  } catch (error) {
    if (error instanceof SignallingError || error instanceof RegistrationError) return error;
    throw error;
  }
}

/** Reasons after which the packet goes on through the stack. */
function goesToStack(reason: CxReason): boolean {
  return fateOf(reason) === 'stack' && reason !== CxReason.OTHER_HOST && reason !== CxReason.ERROR_KEPT;
}

/** @throws InspectError INTERFACE_UNKNOWN */
function findLink(links: readonly Link[], name: string): Link {
  const found = links.find((link) => link.name === name || link.altNames.includes(name));
  if (found) return found;
  throw new InspectError(
    'INTERFACE_UNKNOWN',
    `there is no interface ${name}`,
    `there are ${links.map((link) => link.name).join(', ')}`,
  );
}

/** The name by which policies know an interface. */
function configuredName(config: Config, link: Link): string {
  const names = config.role === 'home-agent' ? config.interfaces : config.ingress.map((one) => one.interface);
  return names.find((name) => name === link.name || link.altNames.includes(name)) ?? link.name;
}

/** Ids of a cgroup and of those above it, the deepest first. @throws InspectError CGROUP_UNKNOWN */
function cgroupIds(path: string): bigint[] {
  const parts = path.split('/').filter((part) => part !== '');
  const ids: bigint[] = [];
  for (let depth = parts.length; depth >= 0; depth--) {
    const id = findCgroup(`/${parts.slice(0, depth).join('/')}`);
    if (id !== undefined) ids.push(id);
    else if (depth === parts.length) {
      throw new InspectError(
        'CGROUP_UNKNOWN',
        `there is no cgroup ${path}`,
        'look at /proc/PID/cgroup of the process',
      );
    }
  }
  return ids;
}
