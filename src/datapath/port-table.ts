import { isDeepStrictEqual } from 'node:util';
import type { BpfMap } from '../libbpf-ts/index.js';
import type { MacAddress } from '../net/index.js';
import {
  CX_PORT_ROWS,
  type CxPort,
  CxPortFlag,
  CxPortSize,
  decodeCxPort,
  encodeCxPort,
} from './generated.js';
import { waitForReaders } from './grace.js';
import { decodeWord, encodeWord } from './word.js';

/** What XDP programs must know of an interface: the address frames for this machine have, may they send there. */
export interface Port {
  readonly ifindex: number;
  readonly mac: MacAddress;
  /** May frames be given to it beside its queue? */
  readonly transmits: boolean;
}

/** A row of no interface. */
const NOTHING: CxPort = { mac: '00:00:00:00:00:00', flags: 0, tag: 0 };

/** The largest number by which a row can tell that it is this interface's. */
const TAGS = 255;

/**
 * The interfaces as XDP programs know them (`cx_ports`, and `cx_devices` for those that are sent to). What is not here
 * is left to TC, so an interface without room is slower, and nothing else.
 */
export class PortTable {
  readonly #ports: BpfMap;
  readonly #devices: BpfMap;

  constructor(ports: BpfMap, devices: BpfMap) {
    this.#ports = ports;
    this.#devices = devices;
  }

  /**
   * Makes both maps say what is wanted; of two interfaces that share a row the first one has it. A device is there
   * before packets are told of it, and changes or goes when none can be on its way there any more.
   * @returns the number of writes
   */
  async sync(wanted: readonly Port[]): Promise<number> {
    const rows = new Map<number, Port>();
    for (const port of wanted) {
      const row = port.ifindex % CX_PORT_ROWS;
      if (tagOf(port.ifindex) <= TAGS && !rows.has(row)) rows.set(row, port);
    }
    const now = this.#read();
    let writes = 0;
    const write = (row: number, port: CxPort): void => {
      this.#ports.set(encodeWord(row), encodeCxPort(port));
      now.set(row, port);
      writes++;
    };
    const left: number[] = [];
    for (const [row, was] of [...now]) {
      const port = rows.get(row);
      const same = port !== undefined && tagOf(port.ifindex) === was.tag;
      if (same && (port.transmits || !sends(was))) continue;
      write(row, same ? rowOf(port) : NOTHING);
      if (sends(was)) left.push(row);
    }
    if (left.length > 0) await waitForReaders();
    for (const row of left) this.#devices.delete(encodeWord(row));
    for (const [row, port] of rows) {
      if (port.transmits && this.#device(row) !== port.ifindex) {
        this.#devices.set(encodeWord(row), encodeWord(port.ifindex));
        writes++;
      }
      if (!isDeepStrictEqual(now.get(row), rowOf(port))) write(row, rowOf(port));
    }
    return writes + left.length;
  }

  /** Row -> what it says, of those in use. */
  #read(): Map<number, CxPort> {
    const bytes = this.#ports.getRange(0, CX_PORT_ROWS);
    const rows = new Map<number, CxPort>();
    // Nearly all are empty, and every message of the kernel makes a run.
    for (const [row, word] of new BigUint64Array(bytes.buffer, bytes.byteOffset, CX_PORT_ROWS).entries()) {
      if (word !== 0n) rows.set(row, decodeCxPort(bytes, row * CxPortSize));
    }
    return rows;
  }

  /** ifindex of the device in a row; the kernel takes devices out that go. */
  #device(row: number): number | undefined {
    const value = this.#devices.get(encodeWord(row));
    return value && decodeWord(value);
  }
}

function tagOf(ifindex: number): number {
  return Math.floor(ifindex / CX_PORT_ROWS) + 1;
}

function rowOf({ ifindex, mac, transmits }: Port): CxPort {
  return { mac: mac.toString(), flags: transmits ? CxPortFlag.TRANSMITS : 0, tag: tagOf(ifindex) };
}

function sends({ flags }: CxPort): boolean {
  return (flags & CxPortFlag.TRANSMITS) !== 0;
}
