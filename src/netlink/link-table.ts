import { type Link, linkKey } from './link.js';
import { type ObjectChange, ObjectTable } from './object-table.js';

/** A link that is shown as lost although its turn among the announcements has not come. */
interface Ahead {
  /** The mark behind which everything is known that was announced before the loss was heard of. */
  until: number;
  /** What the announcements have said in their order; undefined: there is no such link. */
  told: Link | undefined;
  /** The last version there was. */
  last: Link;
}

/**
 * The links as the announcements tell them, but for losses, which are shown when they are heard of, maybe long before
 * their turn. Until that has come, older announcements and dumps of such a link are kept back: it is shown as lost. What
 * it has gained since waits for its turn, because the addresses and routes that go with it do.
 */
export class LinkTable extends ObjectTable<Link> {
  readonly #ahead = new Map<string, Ahead>();

  constructor() {
    super(linkKey);
  }

  /** Whether a link is shown as lost and what is told of it kept back. */
  isAhead(link: Link): boolean {
    return this.#ahead.has(linkKey(link));
  }

  /** Whether a link is shown as lost until this mark, or a later one. */
  awaits(mark: number): boolean {
    return [...this.#ahead.values()].some(({ until }) => until >= mark);
  }

  /** Shows a link as lost until `confirm` is called with this mark or a later one; answers what changes by it. */
  lose(link: Link, removed: boolean, mark: number): ObjectChange<Link> | undefined {
    const ahead = this.#ahead.get(linkKey(link));
    if (ahead) {
      ahead.until = mark;
    } else {
      const shown = this.get(link);
      if (shown === undefined || (!removed && isLost(shown))) return undefined;
      this.#ahead.set(linkKey(link), { until: mark, told: shown, last: shown });
    }
    return removed ? super.delete(link) : super.set(link);
  }

  /** The announcements have come to this mark: links that were ahead until then are shown as told. */
  confirm(mark: number): ObjectChange<Link>[] {
    const due = [...this.#ahead].filter(([, { until }]) => until <= mark);
    return due.flatMap(([key, { told, last }]) => {
      this.#ahead.delete(key);
      return (told ? this.set(told) : this.delete(last)) ?? [];
    });
  }

  /** What marks were waited for is not to come any more: all wait for this one. */
  postpone(mark: number): void {
    for (const ahead of this.#ahead.values()) ahead.until = mark;
  }

  override set(link: Link): ObjectChange<Link> | undefined {
    const ahead = this.#ahead.get(linkKey(link));
    if (ahead === undefined) return super.set(link);
    ahead.told = link;
    ahead.last = link;
    return undefined;
  }

  override delete(link: Link): ObjectChange<Link> | undefined {
    const ahead = this.#ahead.get(linkKey(link));
    if (ahead === undefined) return super.delete(link);
    ahead.told = undefined;
    return undefined;
  }

  override reconcile(links: readonly Link[]): ObjectChange<Link>[] {
    const there = new Set(links.map(linkKey));
    for (const [key, ahead] of this.#ahead) {
      if (!there.has(key)) ahead.told = undefined;
    }
    return super.reconcile(links);
  }
}

/** Whether no packet leaves by a link; one that cannot tell of its carrier is taken at its word. */
export function isLost({ up, carrier }: Pick<Link, 'up' | 'carrier'>): boolean {
  return !up || carrier === false;
}
