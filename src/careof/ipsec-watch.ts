import { type IpsecPolicies, readIpsecPolicies } from '../ipsec/index.js';
import { XfrmMonitor } from '../netlink/index.js';
import { Reading } from './reading.js';

/** The policies of the kernel's IPsec, or why they could not be read. */
export type Ipsec = IpsecPolicies | Error;

const NONE: IpsecPolicies = { policies: [], defaults: { in: 'accept', out: 'accept', fwd: 'accept' } };

/** Follows the policies of the kernel's IPsec: they are read again when the kernel says so. */
export class IpsecWatch implements Disposable {
  readonly #monitor: XfrmMonitor;
  readonly #reading: Reading<IpsecPolicies>;

  /** @param onChange called when other policies have been read */
  constructor(onChange: () => void) {
    this.#reading = new Reading(() => this.#read(), NONE, onChange);
    this.#monitor = new XfrmMonitor({ policies: () => void this.refresh() });
  }

  get ipsec(): Ipsec {
    return this.#reading.value;
  }

  /** Reads the policies; resolves when they are known, or why they cannot be. Never rejects. */
  async refresh(): Promise<void> {
    await this.#reading.refresh();
  }

  /** Tries again what has failed. */
  async audit(): Promise<void> {
    if (this.ipsec instanceof Error) await this.refresh();
  }

  [Symbol.dispose](): void {
    this.#reading.stop();
    this.#monitor.stop();
  }

  async #read(): Promise<IpsecPolicies> {
    // Before they are read: what changes while they are is announced.
    this.#monitor.start();
    return readIpsecPolicies();
  }
}
