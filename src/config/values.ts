/** Single values of the configuration file: how each is written, and how a wrong one is refused. */
import * as z from 'zod';
import { Address, AddressError, Prefix } from '../net/index.js';
import { PolicyError } from '../policy/index.js';
import { problem, show } from './text.js';

/** A value that is refused, with what to write instead. */
class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly what: string;
  readonly hint: string;

  constructor(what: string, hint: string) {
    super(`${what}; ${hint}`);
    this.what = what;
    this.hint = hint;
  }
}

/** Error text for zod: `VALUE is not WHAT` and the hint. */
export function notA(what: string, hint: string): (issue: { readonly input?: unknown }) => string {
  return (issue) => problem(`${show(issue.input)} is not ${what}`, hint);
}

/** Adds a parser to a schema; what the parser refuses becomes a problem of the value. */
export function parsed<Base extends z.ZodType, T>(base: Base, parse: (value: z.output<Base>) => T) {
  return base.transform((value, context): T => {
    try {
      return parse(value);
    } catch (error) {
      context.addIssue({ code: 'custom', message: refusalText(error) });
      return z.NEVER;
    }
  });
}

/** One value, or a list of at least one. */
export interface OneOrMore<T> {
  readonly items: readonly T[];
  /** Whether they stand in a list, where each has its own place. */
  readonly isList: boolean;
}

/** The JSON Schema of one value or a list of them. */
const ONE_OR_MORE = ((one: object[]) => ({ anyOf: [...one, { type: 'array', items: { anyOf: one } }] }))([
  { type: 'number' },
  { type: 'string' },
]);

/** One value or a list; each is parsed on its own, so that what is wrong with it is shown at its place. */
export function oneOrMore<T>(what: string, form: string, parse: (value: string | number) => T) {
  const hint = `write ${form}, or a list of these`;
  return z
    .unknown()
    .meta({ form: `${form}, or a list`, ...ONE_OR_MORE })
    .transform((value, context): OneOrMore<T> => {
      const isList = Array.isArray(value);
      const items: T[] = [];
      const given: readonly unknown[] = isList ? value : [value];
      if (given.length === 0) {
        context.addIssue({ code: 'custom', message: problem('an empty list matches nothing', hint) });
      }
      for (const [position, one] of given.entries()) {
        const path = isList ? [position] : [];
        if (typeof one !== 'string' && typeof one !== 'number') {
          context.addIssue({ code: 'custom', path, message: problem(`${show(one)} is not ${what}`, hint) });
          continue;
        }
        try {
          items.push(parse(one));
        } catch (error) {
          context.addIssue({ code: 'custom', path, message: refusalText(error) });
        }
      }
      return { items, isList };
    });
}

/** The parts of a refusal for zod; throws what is no refusal. */
function refusalText(error: unknown): string {
  if (!(error instanceof Refusal || error instanceof PolicyError)) throw error;
  return problem(error.what, error.hint);
}

/** A whole number within bounds. */
export function integer(what: string, low: number, high: number) {
  const error = notA(what, `write a whole number from ${low} to ${high}`);
  return z.int({ error }).min(low, { error }).max(high, { error });
}

/** One of a few words. */
export function oneOf<const Words extends readonly [string, ...string[]]>(what: string, words: Words) {
  return z.enum(words, { error: notA(what, `write ${words.join(' or ')}`) });
}

/** Text of a given form; `what` reaches the documentation as the value's form. */
export function text(what: string, form: RegExp, hint: string) {
  const error = notA(what, hint);
  return z.string({ error }).regex(form, { error }).meta({ form: what });
}

/** A group of settings; keys it does not know are problems. */
export function group<Shape extends z.ZodRawShape>(what: string, shape: Shape) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      // For unknown keys the text is the list of known ones; problems.ts makes one problem of each key.
      issue.code === 'unrecognized_keys'
        ? known.join(' ')
        : problem(
            `${show(issue.input)} is not ${what}`,
            `write settings, one 'key: value' on each line: ${known.join(', ')}`,
          ),
  });
}

/** A list. */
export function list<Item extends z.ZodType>(what: string, item: Item) {
  return z.array(item, {
    error: notA(
      what,
      "write a list, '[a, b]' or lines that begin with '- ', or leave the setting out if it may be",
    ),
  });
}

const UNICAST_HINT = 'write a global unicast IPv6 address, for example 2001:db8::1';

function stringFor(what: string, hint: string) {
  return z.string({ error: notA(what, hint) }).meta({ form: what });
}

/** An address that is meaningful beyond one link. */
export function globalAddress() {
  return parsed(stringFor('an IPv6 address', UNICAST_HINT), readGlobalAddress);
}

/** `auto` or a global address. */
export function autoOrGlobalAddress() {
  return parsed(stringFor("'auto' or an IPv6 address", `write auto, or ${UNICAST_HINT.slice(6)}`), (value) =>
    value === 'auto' ? value : readGlobalAddress(value),
  );
}

/** `auto` or a router's address, which may be link-local. */
export function autoOrGateway() {
  const hint = "write auto or the router's address, for example fe80::1";
  return parsed(stringFor("'auto' or an IPv6 address", hint), (value) => {
    if (value === 'auto') return value;
    const address = readAddress(value, hint);
    if (address.isMulticast || address.isUnspecified || address.isLoopback) {
      throw new Refusal(`${value} is not the address of a router`, hint);
    }
    return address;
  });
}

/** A prefix without host bits that is meaningful beyond one link. */
export function globalPrefix() {
  const hint = 'write ADDRESS/LENGTH, for example 2001:db8:1::/64';
  return parsed(stringFor('an IPv6 prefix', hint), (value) => {
    let prefix: Prefix;
    try {
      prefix = Prefix.parse(value);
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      if (error.code !== 'PREFIX_HOST_BITS') throw new Refusal(`${show(value)} is not an IPv6 prefix`, hint);
      const [address = '', length] = value.split('/');
      const right = Prefix.covering(Address.parse(address), Number(length));
      throw new Refusal(`${show(value)} has host bits set`, `write ${right}`);
    }
    if (prefix.family !== 6) throw new Refusal(`${value} is not an IPv6 prefix`, hint);
    if (prefix.isDefault)
      throw new Refusal('::/0 is every address there is', 'write the prefix of the mobile network');
    if (!prefix.address.isGlobal) {
      throw new Refusal(`${value} is not a prefix of global unicast addresses`, hint);
    }
    return prefix;
  });
}

/** A name of a network interface as the kernel takes it; `room` characters are kept free for a suffix. */
export function interfaceName(room = 0) {
  return parsed(stringFor('an interface name', interfaceHint(room)), (value) =>
    readInterfaceName(value, room),
  );
}

/** Reads a name of a network interface; refuses what the kernel does not take. */
export function readInterfaceName(value: string, room = 0): string {
  const hint = interfaceHint(room);
  // The kernel counts bytes.
  if (Buffer.byteLength(value) > 15 - room) {
    throw new Refusal(`${show(value)} is longer than ${15 - room} characters`, hint);
  }
  // The rule of the kernel's dev_valid_name(), and no control characters.
  if (!/^[^\s/:\p{Cc}]+$/u.test(value) || value === '.' || value === '..') {
    throw new Refusal(`${show(value)} is not an interface name`, hint);
  }
  return value;
}

function interfaceHint(room: number): string {
  return `write 1 to ${15 - room} characters without spaces, '/' or ':'`;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A time such as `10s`; becomes milliseconds. */
export function duration(what: string, highestMs: number, lowestMs = 0) {
  const least = lowestMs > 0 ? `at least ${lowestMs / 1000}s and ` : '';
  const hint = `write a number and its unit (ms, s, m or h), for example 10s, ${least}at most ${Math.floor(highestMs / 3_600_000)}h`;
  return parsed(stringFor(what, hint), (value) => {
    const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(value);
    const milliseconds = Math.round(Number(match?.[1]) * (UNIT_MS[match?.[2] ?? ''] ?? Number.NaN));
    if (!(milliseconds >= lowestMs && milliseconds <= highestMs))
      throw new Refusal(`${show(value)} is not ${what}`, hint);
    return milliseconds;
  });
}

/** An absolute path. */
export function absolutePath(what: string) {
  return text(what, /^\/[^\0]*$/, "write a path that begins with '/'");
}

function readAddress(value: string, hint: string): Address {
  let address: Address;
  try {
    address = Address.parse(value);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    const zone = value.includes('%') ? ' (the interface is a setting of its own, not a zone)' : '';
    const length = value.includes('/') ? ' (a prefix length does not belong here)' : '';
    throw new Refusal(`${show(value)} is not an IPv6 address${zone}${length}`, hint);
  }
  if (address.family !== 6) throw new Refusal(`${value} is an IPv4 address`, hint);
  return address;
}

function readGlobalAddress(value: string): Address {
  const address = readAddress(value, UNICAST_HINT);
  if (address.isGlobal) return address;
  let kind = 'the unspecified address';
  if (address.isLinkLocal) kind = 'link-local';
  else if (address.isMulticast) kind = 'a multicast address';
  else if (address.isLoopback) kind = 'the loopback address';
  throw new Refusal(`${value} is ${kind}`, UNICAST_HINT);
}
