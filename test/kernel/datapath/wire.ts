/** The other end of a device: what is written arrives there, and what the kernel sends is read. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { patient } from '../../../lab/patience.js';

const PATIENCE_MS = patient(5_000);
const POLL_MS = 5;
const LARGEST = 65_535;

/** Packets of one device, by way of socat and datagrams on the loopback device. */
export class Wire implements AsyncDisposable {
  readonly #socat: ChildProcess;
  readonly #socket: Socket;
  readonly #port: number;
  readonly #packets: Uint8Array[] = [];
  #errors = '';

  private constructor(socat: ChildProcess, socket: Socket, port: number) {
    this.#socat = socat;
    this.#socket = socket;
    this.#port = port;
    socket.on('message', (message) => this.#packets.push(new Uint8Array(message)));
    socat.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
  }

  /** A new tun device: packets without a link header. */
  static async tun(name: string, port: number): Promise<Wire> {
    const wire = await Wire.#start(`TUN,tun-type=tun,iff-no-pi,iff-up,tun-name=${name}`, port);
    return wire;
  }

  /** The far end of a veth pair: whole frames. */
  static async veth(name: string, port: number): Promise<Wire> {
    const wire = await Wire.#start(`INTERFACE:${name}`, port);
    // Socat opens the device before its datagram socket: with the second one the first is there.
    return wire;
  }

  static async #start(device: string, port: number): Promise<Wire> {
    const socket = createSocket('udp4');
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    const far = `UDP4-DATAGRAM:127.0.0.1:${port},bind=127.0.0.1:${port + 1}`;
    const socat = spawn('socat', ['-b', String(LARGEST), device, far], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const wire = new Wire(socat, socket, port + 1);
    await wire.#until(() => (listens(port + 1) ? true : undefined), device);
    return wire;
  }

  send(packet: Uint8Array): void {
    this.#socket.send(packet, this.#port, '127.0.0.1');
  }

  /** The first packet that fits, of those that came since the last call. Others before it are gone then. */
  async receive(fits: (packet: Uint8Array) => boolean, what: string): Promise<Uint8Array> {
    return this.#until(() => {
      for (let packet = this.#packets.shift(); packet; packet = this.#packets.shift()) {
        if (fits(packet)) {
          return packet;
        }
      }
      return undefined;
    }, what);
  }

  async #until<T>(look: () => T | undefined, what: string): Promise<T> {
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = look();
      if (found !== undefined) {
        return found;
      }
      if (performance.now() > end) {
        throw new Error(`${what} did not come in ${PATIENCE_MS} ms ${this.#errors}`);
      }
      await pause(POLL_MS);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    if (this.#socat.exitCode === null) {
      const exit = once(this.#socat, 'exit');
      this.#socat.kill();
      await exit;
    }
  }
}

/** Whether a process of this network namespace has a datagram port. */
function listens(port: number): boolean {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readFileSync('/proc/self/net/udp', 'utf8')
    .split('\n')
    .some((line) => line.trim().split(/\s+/)[1]?.endsWith(end));
}
