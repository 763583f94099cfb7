import { unlinkSync } from 'node:fs';
import type { NativeHandle } from '../native/addon.js';
import { checkName } from './check.js';
import { ClosedError, native } from './errors.js';
import { systemError } from './system-error.js';

/**
 * What owns a kernel object by a descriptor. Closing twice is fine; a handle that is forgotten is closed when it is
 * collected, at a time nobody can tell: use `using` or `close()`.
 */
export abstract class Handle<N extends NativeHandle> {
  #native: N | undefined;
  readonly #kind: string;

  protected constructor(handle: N, kind: string) {
    this.#native = handle;
    this.#kind = kind;
  }

  /** The open native handle. @throws ClosedError */
  protected get handle(): N {
    if (this.#native === undefined) throw new ClosedError(this.#kind);
    return this.#native;
  }

  get closed(): boolean {
    return this.#native === undefined;
  }

  /** The file descriptor; it stays this object's. */
  get fd(): number {
    return this.handle.fd;
  }

  /**
   * Gives the kernel object a name in a bpffs, which keeps it alive without any process.
   * @throws BpfError EEXIST when the path is taken, EPERM outside of a bpffs
   */
  pin(path: string): void {
    checkName('path', path);
    const hint = 'the path must lie in a mounted bpffs (mount -t bpf bpf DIR), in a folder that exists';
    native(() => this.handle.pin(path), { operation: `pin ${this.#kind} at ${path}`, hint });
  }

  /** Removes a pin. Answers whether there was one. */
  unpin(path: string): boolean {
    checkName('path', path);
    try {
      unlinkSync(path);
      return true;
    } catch (error) {
      const failed = systemError(error, `unpin ${path}`);
      if (failed.code === 'ENOENT') return false;
      throw failed;
    }
  }

  close(): void {
    this.#native?.close();
    this.#native = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
