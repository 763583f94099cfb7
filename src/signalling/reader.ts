import { setImmediate } from 'node:timers/promises';
import { decodeMobilityPacket, MobilityError, type MobilityPacket } from '../mobility/index.js';

/** Where mobility headers to addresses of ours come from. */
export interface SignalSource {
  /** Packets from their IPv6 header on, at least one; undefined after `close`. */
  next(): Promise<readonly { readonly packet: Uint8Array }[] | undefined>;
  close(): void;
}

/** Most messages that are handled before what follows from them is done, and the event loop turns. */
const MOST_AT_ONCE = 512;

/**
 * Hands over messages as they come, some at a time, until the source is closed. Each is decoded when it is asked for, so
 * that in a flood it is garbage before it is old.
 * @param handle goes through all that it is given, once
 * @param malformed told of each packet without a mobility header that could be looked at
 */
export async function readSignals(
  source: SignalSource,
  handle: (packets: Iterable<MobilityPacket>) => Promise<void>,
  malformed: (reason: string) => void,
): Promise<void> {
  for (;;) {
    const signals = await source.next();
    if (signals === undefined) return;
    for (let at = 0; at < signals.length; at += MOST_AT_ONCE) {
      await handle(decoded(signals.slice(at, at + MOST_AT_ONCE), malformed));
      // Messages that are there already are read without waiting: others would never have their turn.
      await setImmediate();
    }
  }
}

function* decoded(
  signals: readonly { readonly packet: Uint8Array }[],
  malformed: (reason: string) => void,
): Generator<MobilityPacket> {
  for (const { packet } of signals) {
    let message: MobilityPacket | undefined;
    try {
      message = decodeMobilityPacket(packet);
      if (message === undefined) malformed('there is no mobility header');
    } catch (error) {
      if (!(error instanceof MobilityError)) throw error;
      malformed(error.message);
    }
    if (message !== undefined) yield message;
  }
}
