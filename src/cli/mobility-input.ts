/** What `coax mh decode` is to decode: hex digits, a file, or standard input. */
import { CaptureError, isCapture, MOST_BYTES, readCaptureFile } from '../capture/index.js';
import { UsageError } from './cli-error.js';

/** A capture, or the bytes that hex digits stood for. */
export type MobilityInput =
  | { readonly kind: 'capture'; readonly content: Buffer; readonly name: string }
  | { readonly kind: 'bytes'; readonly bytes: Buffer };

/** The longest IPv6 packet behind a link header with two tags. */
const LONGEST_PACKET = 22 + 40 + 0xffff;

/**
 * @param words the arguments: hex digits, one file, or `-`
 * @throws UsageError, CaptureError
 */
export async function readMobilityInput(words: readonly string[]): Promise<MobilityInput> {
  const [only = ''] = words;
  if (words.length === 1 && only === '-') return ofContent(await readStandardInput(), 'standard input');
  const text = hexDigits(words.join(''));
  if (text !== undefined) return { kind: 'bytes', bytes: ofHex(text) };
  if (words.length === 1) return ofContent(await readCaptureFile(only), only);
  throw new UsageError('the arguments are not hex digits', 'give hex digits, one capture file, or `-`');
}

function ofContent(content: Buffer, name: string): MobilityInput {
  if (isCapture(content) || content.length > 4 * LONGEST_PACKET) return { kind: 'capture', content, name };
  const text = hexDigits(content.toString('latin1'));
  return text === undefined || text === ''
    ? { kind: 'capture', content, name }
    : { kind: 'bytes', bytes: ofHex(text) };
}

/** Without spaces, colons and `0x`; undefined when something else is in it. */
function hexDigits(text: string): string | undefined {
  const digits = text.replaceAll(/0x|[\s:]/gi, '');
  return /^[0-9a-f]*$/i.test(digits) ? digits : undefined;
}

function ofHex(digits: string): Buffer {
  if (digits === '' || digits.length % 2 !== 0) {
    throw new UsageError(`${digits.length} hex digits are no bytes`, 'give two digits for each byte');
  }
  if (digits.length / 2 > LONGEST_PACKET) {
    throw new UsageError(`${digits.length / 2} bytes are more than a packet has`, 'give one packet');
  }
  return Buffer.from(digits, 'hex');
}

async function readStandardInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BYTES) {
      throw new CaptureError(
        `standard input has more than ${MOST_BYTES / 1024 / 1024} MiB`,
        'capture fewer packets: `tcpdump -c`',
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
