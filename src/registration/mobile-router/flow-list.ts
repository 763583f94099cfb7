/** Flow bindings of the mobile router (RFC 6089 section 5.2). */
import {
  FIRST_REFUSAL,
  type FlowIdentificationOption,
  type FlowSummaryOption,
  type MobilityOption,
} from '../../mobility/index.js';
import { checkFlows } from './options.js';
import { LONGEST_REFUSAL_WAIT, PROHIBITED_WAIT, REFUSAL_WAIT } from './timing.js';

const FID_NOT_FOUND = 132;
const BID_NOT_FOUND = 131;
const SUMMARY_HEADER = 4;

/**
 * - `waiting`: the home agent has not accepted it yet
 * - `accepted`
 * - `refused`
 */
export type FlowState = 'waiting' | 'accepted' | 'refused';

class FlowEntry {
  readonly option: FlowIdentificationOption;
  readonly text: string;
  /** Bytes. */
  readonly size: number;
  state: FlowState = 'waiting';
  status: number | undefined;
  notBefore = Number.NEGATIVE_INFINITY;
  #refusals = 0;

  constructor(option: FlowIdentificationOption, size: number, text: string) {
    this.option = option;
    this.size = size;
    this.text = text;
  }

  accept(status: number): void {
    this.state = 'accepted';
    this.status = status;
    this.#refusals = 0;
  }

  refuse(status: number | undefined, now: number): void {
    this.status = status;
    if (status === BID_NOT_FOUND || status === FID_NOT_FOUND) {
      this.state = 'waiting';
      this.notBefore = now + Math.min(LONGEST_REFUSAL_WAIT, REFUSAL_WAIT * 2 ** this.#refusals);
      this.#refusals = Math.min(this.#refusals + 1, 10);
    } else {
      this.state = 'refused';
      this.notBefore = now + PROHIBITED_WAIT;
    }
  }

  /** The home agent has lost it. */
  renew(): void {
    this.state = 'waiting';
    this.notBefore = Number.NEGATIVE_INFINITY;
  }
}

/** The flow options of one Binding Update. */
export interface FlowUpdate {
  readonly options: readonly (FlowIdentificationOption | FlowSummaryOption)[];
  /** In Flow Identification options, and in Flow Summary. */
  readonly inFull: readonly FlowEntry[];
  readonly summed: readonly FlowEntry[];
  /** Of the list when it was sent. */
  readonly version: number;
}

export const NO_FLOWS: FlowUpdate = { options: [], inFull: [], summed: [], version: -1 };

export class FlowList {
  #entries: FlowEntry[] = [];
  #version = 0;
  /** The home agent may have flows that are not wanted any more. */
  #extra = false;
  #unsupportedUntil = Number.NEGATIVE_INFINITY;

  get entries(): readonly Pick<FlowEntry, 'option' | 'state' | 'status'>[] {
    return this.#entries;
  }

  get isUnsupported(): boolean {
    return this.#unsupportedUntil !== Number.NEGATIVE_INFINITY;
  }

  /** When something is to be tried again that needs no other event. */
  get nextEvent(): number {
    return this.isUnsupported ? this.#unsupportedUntil : Number.POSITIVE_INFINITY;
  }

  /** @throws RegistrationError, and keeps the list as it was */
  set(flows: readonly FlowIdentificationOption[]): void {
    const sizes = checkFlows(flows);
    const known = new Map(this.#entries.map((entry) => [entry.option.fid, entry]));
    const next = flows.map((option, at) => {
      const text = textOf(option);
      const old = known.get(option.fid);
      return old?.text === text ? old : new FlowEntry({ ...option, status: 0 }, sizes[at] ?? 0, text);
    });
    const fids = new Set(flows.map(({ fid }) => fid));
    const isGone = this.#entries.some(({ option }) => !fids.has(option.fid));
    if (!isGone && next.every((entry, at) => entry === this.#entries[at])) return;
    this.#extra ||= isGone;
    this.#entries = next;
    this.#version += 1;
    // Other flows may be of a kind that it knows.
    this.#unsupportedUntil = Number.NEGATIVE_INFINITY;
  }

  /**
   * When a Binding Update is due for the sake of flows; undefined: never, as things are.
   * @param bids that are registered: the home agent refuses flows of others (RFC 6089 section 5.3.2.1)
   */
  dueAt(bids: ReadonlySet<number>): number | undefined {
    if (this.isUnsupported) return undefined;
    if (this.#extra) return Number.NEGATIVE_INFINITY;
    const times = this.#entries.filter((entry) => isSendable(entry, bids)).map(({ notBefore }) => notBefore);
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  /**
   * Every flow that is to stay, in full or by its FID (RFC 6089 section 5.2): what is left out ends.
   * @param bids that the home agent has after this Binding Update; undefined: nothing in full
   * @param room bytes
   */
  update(bids: ReadonlySet<number> | undefined, room: number, now: number): FlowUpdate {
    if (this.isUnsupported) return { ...NO_FLOWS, version: this.#version };
    const summed = this.#entries.filter(({ state }) => state === 'accepted');
    let left = room - (summed.length > 0 ? SUMMARY_HEADER + 2 * summed.length : 0);
    const inFull: FlowEntry[] = [];
    for (const entry of this.#entries) {
      const fits = entry.size <= left;
      if (!bids || !fits || !isSendable(entry, bids) || entry.notBefore > now) continue;
      inFull.push(entry);
      left -= entry.size;
    }
    const fids = summed.map(({ option }) => option.fid);
    const summary: FlowSummaryOption[] = fids.length > 0 ? [{ type: 'flow-summary', fids }] : [];
    const options = [...inFull.map(({ option }) => option), ...summary];
    return { options, inFull, summed, version: this.#version };
  }

  /**
   * @param update of the last Binding Update that was sent; an answer to an earlier one says nothing any more
   * @returns whether the home agent has lost flows that it had accepted
   */
  answered(update: FlowUpdate, options: readonly MobilityOption[], now: number): boolean {
    const answers = new Map(
      options.flatMap((option) => (option.type === 'flow-identification' ? [[option.fid, option]] : [])),
    );
    if (update.inFull.length > 0 && answers.size === 0) {
      this.#unsupportedUntil = now + PROHIBITED_WAIT;
      this.forget();
      return false;
    }
    if (update.version === this.#version) this.#extra = false;
    for (const entry of update.inFull) {
      const status = answers.get(entry.option.fid)?.status;
      if (status !== undefined && status < FIRST_REFUSAL) entry.accept(status);
      else entry.refuse(status, now);
    }
    let lost = false;
    for (const entry of update.summed) {
      const status = answers.get(entry.option.fid)?.status;
      if (status === undefined || status < FIRST_REFUSAL) continue;
      entry.refuse(status, now);
      if (status !== FID_NOT_FOUND) continue;
      entry.renew();
      lost = true;
    }
    return lost;
  }

  /** The home agent has none of them any more. */
  forget(): void {
    this.#extra = false;
    for (const entry of this.#entries) if (entry.state === 'accepted') entry.renew();
  }

  tick(now: number): void {
    if (this.isUnsupported && now >= this.#unsupportedUntil) {
      this.#unsupportedUntil = Number.NEGATIVE_INFINITY;
    }
  }
}

function isSendable({ state, option }: FlowEntry, bids: ReadonlySet<number>): boolean {
  return state !== 'accepted' && (option.bids ?? []).every((bid) => bids.has(bid));
}

function textOf(option: FlowIdentificationOption): string {
  return JSON.stringify({ ...option, status: 0 }, (_, value: unknown) =>
    value instanceof Uint8Array ? [...value] : value,
  );
}
