/** Timestamps of Binding Updates (RFC 4285 section 6). */
import { ntpDifference, ntpTimestamp } from '../../mobility/index.js';

const SECOND = 1n << 32n;

/** This machine's clock, moved to where the home agent's is. */
export class ReplayClock {
  /** Units of NTP timestamps. */
  #offset = 0n;
  #last: bigint | undefined;

  /** Always after the one before: the home agent takes no other. @param real nanoseconds since 1970 */
  stamp(real: bigint): bigint {
    const time = BigInt.asUintN(64, ntpTimestamp(real) + this.#offset);
    const last = this.#last;
    const stale = last !== undefined && ntpDifference(time, last) <= 0;
    this.#last = stale ? BigInt.asUintN(64, last + 1n) : time;
    return this.#last;
  }

  /**
   * Status 144: the home agent answers with its own time, of which the lower 32 bits may be those that it got.
   * @param sent the timestamp that it has refused
   */
  adopt(answered: bigint, sent: bigint): void {
    this.#offset += BigInt.asIntN(64, answered - sent);
    this.#last = undefined;
  }

  /** Seconds by which the home agent's clock is before ours. */
  get offset(): number {
    return Number(this.#offset) / Number(SECOND);
  }
}
