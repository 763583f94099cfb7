// Security associations of the kernel between two nodes, with random keys: one direction each.
import { randomBytes } from 'node:crypto';
import type { LabNode } from '../../lab/node.js';

/** Words for AES-GCM with a random 128-bit key, its salt (RFC 4106 section 8.1) and a check value of 16 bytes. */
export function randomAead(): string {
  return `aead rfc4106(gcm(aes)) 0x${randomBytes(20).toString('hex')} 128`;
}

interface Protection {
  readonly from: LabNode;
  readonly to: LabNode;
  /** Of the ESP packets. */
  readonly source: string;
  readonly destination: string;
  readonly spi: number;
  /** Which packets: words of a policy's selector, such as `src A dst B proto udp dport 5001`. */
  readonly selector: string;
  readonly mode: 'transport' | 'tunnel';
}

/**
 * `from` encrypts what the selector names, `to` takes it in no other way, whether it is for itself or for others.
 * @throws CommandError
 */
export async function protect(protection: Protection): Promise<void> {
  const { from, to, source, destination, spi, selector, mode } = protection;
  const hex = `0x${spi.toString(16)}`;
  const common = `proto esp reqid ${spi} mode ${mode}`;
  const state = `xfrm state add src ${source} dst ${destination} proto esp spi ${hex} reqid ${spi} mode ${mode}`;
  const keys = randomAead();
  const ends = mode === 'tunnel' ? `src ${source} dst ${destination}` : '';
  // The receiver first: no packet finds nobody who can read it. Its templates name no address, see ip-xfrm(8).
  await to.batch([
    `${state} ${keys}`,
    ...['in', 'fwd'].map((direction) => `xfrm policy add ${selector} dir ${direction} tmpl ${common}`),
  ]);
  await from.batch([`${state} ${keys}`, `xfrm policy add ${selector} dir out tmpl ${ends} ${common}`]);
}
