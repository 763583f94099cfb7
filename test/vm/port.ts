/** A virtio-serial port: what the guest writes there comes out here, byte for byte. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';

export class Port {
  readonly name: string;
  /** Ends when the guest does. */
  readonly output: Readable;
  readonly #path: string;
  readonly #server: Server;

  private constructor(name: string, path: string, server: Server, output: Readable) {
    this.name = name;
    this.output = output;
    this.#path = path;
    this.#server = server;
  }

  /** Waits for the emulator at a socket in that folder. */
  static async listen(name: string, folder: string): Promise<Port> {
    const path = join(folder, `${name}.port`);
    const output = new PassThrough();
    const server = createServer((connection) => {
      connection.on('error', () => output.end());
      connection.pipe(output);
    });
    server.maxConnections = 1;
    server.listen(path);
    await once(server, 'listening');
    return new Port(name, path, server, output);
  }

  get emulatorArgs(): string[] {
    return [
      ...['-chardev', `socket,id=${this.name},path=${this.#path}`],
      ...['-device', `virtserialport,chardev=${this.name},name=${this.name}`],
    ];
  }

  close(): void {
    this.#server.close();
    if (!this.output.readableEnded) (this.output as PassThrough).end();
  }
}
