import type { Address, Prefix } from '../net/index.js';
import { Announcements } from './announcements.js';
import { NLMSG, RTM, RTN, RTNLGRP } from './constants.js';
import { NetlinkError } from './errors.js';
import { EventQueue } from './event-queue.js';
import { decodeInterfaceAddress, type InterfaceAddress, interfaceAddressKey } from './interface-address.js';
import { decodeLink, type Link } from './link.js';
import { isLost, LinkTable } from './link-table.js';
import { decodeNeighbour, type Neighbour, neighbourKey } from './neighbour.js';
import { Netlink } from './netlink.js';
import { type ObjectChange, ObjectTable } from './object-table.js';
import { decodeRoute, type Route } from './route.js';
import { RouteTable, type RouteUpdate } from './route-table.js';
import { decodeRule, type Rule, ruleKey } from './rule.js';
import type { Message } from './wire.js';

const DEFAULT_RECEIVE_BUFFER = 8 * 1024 * 1024;
const RETRY_DELAY_MS = 200;
const DEFAULT_WAIT_MS = 10_000;
const GROUPS = [
  RTNLGRP.LINK,
  RTNLGRP.IPV6_IFADDR,
  RTNLGRP.IPV6_ROUTE,
  RTNLGRP.NEIGH,
  RTNLGRP.IPV6_RULE,
] as const;

export type ObjectEvent<Kind extends string, T> = ObjectChange<T> & { kind: Kind };

export type NetlinkEvent =
  | ObjectEvent<'link', Link>
  | ObjectEvent<'address', InterfaceAddress>
  | ObjectEvent<'route', Route>
  | ObjectEvent<'neighbour', Neighbour>
  | ObjectEvent<'rule', Rule>
  /** Everything was dumped again; the events of the difference came before. */
  | { kind: 'resync'; reason: string }
  /** A dump failed; it is tried again. */
  | { kind: 'error'; error: Error };

/** The state of the network namespace; addresses, routes, neighbours and rules are those of IPv6. */
export interface NetlinkSnapshot {
  links: readonly Link[];
  addresses: readonly InterfaceAddress[];
  routes: readonly Route[];
  neighbours: readonly Neighbour[];
  rules: readonly Rule[];
}

export interface NetlinkMonitorOptions {
  /** Bytes, default 8 MiB */
  receiveBuffer?: number | undefined;
  /** Whether a running monitor keeps the process alive, default true. */
  keepAlive?: boolean | undefined;
}

/** Running monitors: nothing else may refer to one whose listeners do all the work. */
const running = new Set<NetlinkMonitor>();

/**
 * Follows the network namespace: joins the multicast groups, dumps, then applies what the kernel announces. Where
 * announcements are lost, or where the kernel makes none, it dumps again and reports the difference as ordinary
 * events. The snapshot is eventually what a dump would say, with these exceptions: refreshed lifetimes of addresses
 * are stored without an event; the kernel does not announce every step of a neighbour (NONE, INCOMPLETE, DELAY), and
 * its entries for multicast and local addresses are left out because it announces none of them.
 *
 * Announcements are applied in their order, with one exception: that a link is gone, down or without carrier is heard of
 * on a socket of its own and shown at once, whatever else waits to be read or is being dumped. What the link is to be
 * after that is shown in its turn.
 */
export class NetlinkMonitor implements Disposable {
  readonly #options: NetlinkMonitorOptions;
  readonly #links = new LinkTable();
  readonly #addresses = new ObjectTable<InterfaceAddress>(interfaceAddressKey, addressFingerprint);
  readonly #routes = new RouteTable();
  readonly #neighbours = new ObjectTable<Neighbour>(neighbourKey);
  readonly #rules = new ObjectTable<Rule>(ruleKey);
  readonly #listeners = new Set<(event: NetlinkEvent) => void>();
  readonly #queues = new Set<EventQueue<NetlinkEvent>>();

  /** All that is announced. */
  readonly #everything: Announcements;
  /** Links alone, and so without what others wait behind. */
  readonly #losses: Announcements;
  /** The last mark that was asked for among everything. */
  #mark = 0;
  #netlink: Netlink | undefined;
  #silent = true;
  /** Notifications that arrived during a dump, applied after it. */
  #held: Message[] | undefined;
  /** The dump is of everything, not of routes alone. */
  #holdsAll = false;
  #routesDoubtful = false;
  #resyncReason: string | undefined;
  #refreshing: Promise<void> | undefined;
  /** Callers of resync whose dump has not begun. */
  readonly #waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  #wake: (() => void) | undefined;

  constructor(options: NetlinkMonitorOptions = {}) {
    this.#options = options;
    const size = options.receiveBuffer ?? DEFAULT_RECEIVE_BUFFER;
    const missed = (reason: string): void => this.#needResync(reason);
    this.#everything = new Announcements(GROUPS, size, {
      heard: (messages) => this.#hear(messages),
      missed,
    });
    this.#losses = new Announcements([RTNLGRP.LINK], size, {
      heard: (messages) => this.#hearOfLosses(messages),
      missed,
    });
  }

  /**
   * Joins the groups and dumps; resolves when the snapshot is complete. The first dump makes no events.
   * @throws NetlinkError what the dump failed with, NETLINK_SOCKET, or NETLINK_CLOSED when stopped meanwhile
   */
  async start(): Promise<void> {
    if (this.#everything.isOpen) throw new NetlinkError('NETLINK_ARGUMENT', 'The monitor is running already');
    this.#silent = true;
    const netlink = Netlink.open();
    this.#netlink = netlink;
    try {
      this.#listen();
    } catch (error) {
      this.stop();
      throw error;
    }
    running.add(this);
    try {
      await this.resync('start');
    } catch (error) {
      // It may have been started again.
      if (this.#netlink === netlink) this.stop();
      throw error;
    }
    this.#silent = false;
  }

  /** Leaves the groups and ends the iterables; the snapshot stays as it is. */
  stop(): void {
    running.delete(this);
    this.#everything.close();
    this.#losses.close();
    this.#netlink?.close();
    this.#netlink = undefined;
    this.#wake?.();
    for (const { reject } of this.#waiting.splice(0)) reject(closedError());
    for (const queue of [...this.#queues]) queue.end();
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  /** Calls the listener for each event, in order, when the snapshot has it; returns what ends that. */
  subscribe(listener: (event: NetlinkEvent) => void): () => void {
    const own = (event: NetlinkEvent): void => listener(event);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** The events from this call on, until the signal or `stop`. */
  events(signal?: AbortSignal): AsyncIterableIterator<NetlinkEvent> {
    const end = (): void => queue.end();
    const queue = new EventQueue<NetlinkEvent>(() => {
      this.#queues.delete(queue);
      signal?.removeEventListener('abort', end);
      unsubscribe();
    });
    const unsubscribe = this.subscribe((event) => queue.push(event));
    this.#queues.add(queue);
    signal?.addEventListener('abort', end);
    if (signal?.aborted || !this.#everything.isOpen) queue.end();
    return queue;
  }

  /** What is known now. */
  snapshot(): NetlinkSnapshot {
    return {
      links: this.#links.values(),
      addresses: this.#addresses.values(),
      routes: this.#routes.values(),
      neighbours: this.#neighbours.values(),
      rules: this.#rules.values(),
    };
  }

  /** The routes of all tables to a prefix, and to no other, as known now. */
  routesTo(destination: Prefix): Route[] {
    return this.#routes.to(destination);
  }

  /** The routes of a table to the longest prefix that covers an address, as known now; none where none does. */
  longestRoutes(address: Address, table: number): Route[] {
    return this.#routes.longest(address, table);
  }

  /** Dumps everything again and reports the difference; resolves when that is done. */
  async resync(reason = 'requested'): Promise<void> {
    if (!this.#everything.isOpen) throw closedError();
    const done = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
    this.#needResync(reason);
    return done;
  }

  /**
   * Resolves to the first snapshot, now or after an event, that meets the condition.
   * @throws NetlinkError NETLINK_TIMEOUT (default 10 s), NETLINK_CLOSED; the signal's reason
   */
  waitFor(
    condition: (snapshot: NetlinkSnapshot) => boolean,
    options: { timeoutMs?: number | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<NetlinkSnapshot> {
    const { timeoutMs = DEFAULT_WAIT_MS, signal } = options;
    const aborts = [AbortSignal.timeout(timeoutMs), ...(signal === undefined ? [] : [signal])];
    return this.#waitFor(condition, AbortSignal.any(aborts), timeoutMs, signal);
  }

  async #waitFor(
    condition: (snapshot: NetlinkSnapshot) => boolean,
    end: AbortSignal,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<NetlinkSnapshot> {
    const events = this.events(end);
    try {
      for (;;) {
        const snapshot = this.snapshot();
        if (condition(snapshot)) return snapshot;
        const { done } = await events.next();
        if (done) break;
      }
    } finally {
      await events.return?.();
    }
    signal?.throwIfAborted();
    if (end.aborted) {
      throw new NetlinkError('NETLINK_TIMEOUT', `The network state did not get there within ${timeoutMs} ms`);
    }
    throw closedError();
  }

  /** Opens what is not open or has lost messages. A dump of everything is to follow. */
  #listen(): void {
    const { keepAlive = true } = this.#options;
    if (!this.#losses.isOpen || this.#losses.isDeaf) this.#losses.open(keepAlive);
    if (this.#everything.isOpen && !this.#everything.isDeaf) return;
    this.#everything.open(keepAlive);
    // What was asked of the socket before is not answered any more.
    this.#links.postpone(++this.#mark);
    this.#everything.mark(this.#mark);
  }

  get #isDeaf(): boolean {
    return this.#everything.isDeaf || this.#losses.isDeaf;
  }

  #hear(messages: readonly Message[]): void {
    for (const message of messages) {
      if (this.#mustHold(message)) this.#held?.push(message);
      else this.#tryToApply(message);
    }
  }

  /**
   * Shows links as lost before it is their turn. Of several messages about a link the last counts; what it says is kept
   * until the socket of everything has come to where it is now.
   */
  #hearOfLosses(messages: readonly Message[]): void {
    const last = new Map<number, { link: Link; removed: boolean }>();
    for (const { type, body } of messages) {
      try {
        const link = decodeLink(body);
        if (link) last.set(link.ifindex, { link, removed: type === RTM.DELLINK });
      } catch (error) {
        this.#needResync(`undecodable message: ${(error as Error).message}`);
      }
    }
    this.#mark += 1;
    const mark = this.#mark;
    for (const { link, removed } of last.values()) {
      if (!removed && !isLost(link)) continue;
      const change = this.#links.lose(link, removed, mark);
      if (change) this.#emit({ kind: 'link', ...change });
    }
    if (this.#links.awaits(mark)) this.#everything.mark(mark);
  }

  /** A dump of routes alone may wait long for the kernel; an uplink that fails meanwhile must be heard of. */
  #mustHold({ type }: Message): boolean {
    if (this.#held === undefined) return false;
    return this.#holdsAll || type === RTM.NEWROUTE || type === RTM.DELROUTE;
  }

  #tryToApply(message: Message): void {
    try {
      this.#apply(message);
    } catch (error) {
      this.#needResync(`undecodable message: ${(error as Error).message}`);
    }
  }

  #apply(message: Message): void {
    const { body, type, flags, sequence } = message;
    switch (type) {
      case RTM.NEWLINK:
      case RTM.DELLINK: {
        const link = decodeLink(body);
        // It is shown as lost already, and now it is the turn of the routes that went with it.
        if (link && this.#links.isAhead(link)) this.#needRoutes();
        this.#applyTo('link', this.#links, link, type === RTM.DELLINK);
        break;
      }
      case NLMSG.ERROR:
        for (const change of this.#links.confirm(sequence)) this.#emit({ kind: 'link', ...change });
        break;
      case RTM.NEWADDR:
      case RTM.DELADDR:
        this.#applyTo('address', this.#addresses, decodeInterfaceAddress(body), type === RTM.DELADDR);
        break;
      case RTM.NEWNEIGH:
      case RTM.DELNEIGH:
        this.#applyTo('neighbour', this.#neighbours, onlyTold(decodeNeighbour(body)), type === RTM.DELNEIGH);
        break;
      case RTM.NEWRULE:
      case RTM.DELRULE:
        this.#applyTo('rule', this.#rules, decodeRule(body), type === RTM.DELRULE);
        break;
      case RTM.NEWROUTE:
      case RTM.DELROUTE: {
        const route = decodeRoute(body);
        if (route === undefined || route.cloned) break;
        this.#applyRoute(
          type === RTM.DELROUTE ? this.#routes.withdraw(route) : this.#routes.announce(route, flags),
        );
        break;
      }
      case NLMSG.OVERRUN:
        this.#needResync('messages were lost (overrun)');
        break;
    }
  }

  #applyTo<Kind extends 'link' | 'address' | 'neighbour' | 'rule', T>(
    kind: Kind,
    table: ObjectTable<T>,
    value: T | undefined,
    deleted: boolean,
  ): void {
    if (value === undefined) return;
    const change = deleted ? table.delete(value) : table.set(value);
    if (change === undefined) return;
    // The kernel may drop or alter routes without a word when a link changes or an address goes.
    const silent = kind === 'link' ? change.change !== 'added' : kind === 'address' && deleted;
    if (silent) this.#needRoutes();
    this.#emit({ kind, ...change } as unknown as NetlinkEvent);
  }

  #applyRoute({ changes, doubtful }: RouteUpdate): void {
    if (doubtful) this.#needRoutes();
    for (const change of changes) this.#emit({ kind: 'route', ...change });
  }

  #needRoutes(): void {
    this.#routesDoubtful = true;
    void this.#refresh();
  }

  #needResync(reason: string): void {
    this.#resyncReason = reason;
    void this.#refresh();
  }

  /** Runs the refreshes that are due, one at a time; never rejects. */
  #refresh(): Promise<void> {
    this.#refreshing ??= this.#refreshLoop().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #refreshLoop(): Promise<void> {
    // One refresh for all announcements of one batch.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    while (this.#netlink !== undefined && (this.#routesDoubtful || this.#resyncReason !== undefined)) {
      const netlink = this.#netlink;
      const reason = this.#resyncReason;
      const waiting = this.#waiting.splice(0);
      this.#routesDoubtful = false;
      this.#resyncReason = undefined;
      try {
        await this.#dumpAgain(netlink, reason);
        // Lost messages have asked for another resync, which these wait for too.
        if (this.#isDeaf) this.#waiting.unshift(...waiting);
        else for (const { resolve } of waiting) resolve();
      } catch (error) {
        const stopped = this.#netlink !== netlink;
        if (stopped || this.#silent) {
          for (const { reject } of waiting) reject(stopped ? closedError() : (error as Error));
          // It may have been started again.
          if (stopped) continue;
          return;
        }
        this.#waiting.unshift(...waiting);
        this.#routesDoubtful = true;
        this.#resyncReason ??= reason;
        this.#emit({ kind: 'error', error: error as Error });
        await this.#pause();
      }
    }
  }

  async #dumpAgain(netlink: Netlink, reason: string | undefined): Promise<void> {
    if (this.#isDeaf) this.#listen();
    this.#held = [];
    this.#holdsAll = reason !== undefined;
    try {
      // Asking for a link waits for the kernel's RTNL lock, so for the end of the change that was announced: a route
      // dump alone could come before the routes of a link that goes down are gone.
      await netlink.getLink(1);
      if (reason !== undefined) {
        this.#reconcile('link', this.#links, await netlink.dumpLinks());
        this.#reconcile('address', this.#addresses, await netlink.dumpAddresses());
        this.#reconcile('rule', this.#rules, await netlink.dumpRules());
        const neighbours = [
          ...(await netlink.dumpNeighbours()),
          ...(await netlink.dumpNeighbours({ proxy: true })),
        ];
        this.#reconcile('neighbour', this.#neighbours, neighbours.filter(onlyTold));
      }
      this.#reconcile('route', this.#routes, await netlink.dumpRoutes());
    } finally {
      this.#release();
    }
    if (reason !== undefined) this.#emit({ kind: 'resync', reason });
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const message of held) this.#tryToApply(message);
  }

  #reconcile<T>(kind: string, table: ObjectTable<T>, values: readonly T[]): void {
    for (const change of table.reconcile(values)) this.#emit({ kind, ...change } as unknown as NetlinkEvent);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, RETRY_DELAY_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #emit(event: NetlinkEvent): void {
    if (this.#silent) return;
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (error) {
        // A listener's mistake must surface, but not in the middle of an update.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

/** IPv6 neighbours that are announced: entries of multicast and local addresses come and go unsaid. */
function onlyTold(neighbour: Neighbour | undefined): Neighbour | undefined {
  return neighbour?.family === 6 && neighbour.type === RTN.UNICAST ? neighbour : undefined;
}

/** Lifetimes count down by themselves: only never, limited and over are different. */
function addressFingerprint(address: InterfaceAddress): string {
  const kind = (seconds: number): number => (seconds === 0 || !Number.isFinite(seconds) ? seconds : 1);
  return JSON.stringify([
    { ...address, preferredLifetime: 0, validLifetime: 0 },
    String(kind(address.preferredLifetime)),
    String(kind(address.validLifetime)),
  ]);
}

function closedError(): NetlinkError {
  return new NetlinkError('NETLINK_CLOSED', 'The netlink monitor is stopped');
}
