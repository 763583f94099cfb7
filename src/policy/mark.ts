import { invalid } from './policy-error.js';
import type { Mark } from './selector.js';

const U32_MAX = 0xffff_ffff;

/**
 * Reads `value` or `value/mask`, each decimal or 0x hexadecimal; without a mask all 32 bits count.
 * @throws PolicyError SELECTOR_INVALID
 */
export function parseMark(value: string | number): Mark {
  const parts = String(value).split('/');
  const [mark, mask] = [parseU32(parts[0]), parts.length > 1 ? parseU32(parts[1]) : U32_MAX];
  if (parts.length > 2 || mark === undefined || mask === undefined) {
    throw invalid(
      value,
      'a mark',
      'write VALUE or VALUE/MASK, for example 0x10/0xff, each at most 0xffffffff',
    );
  }
  if (mask === 0)
    throw invalid(value, 'a useful mark (mask 0 lets every packet match)', 'leave the mark out');
  // `>>> 0` because JavaScript's bit operations are signed.
  const within = (mark & mask) >>> 0;
  if (within !== mark) {
    const outside = hex((mark & ~mask) >>> 0);
    throw invalid(
      value,
      `a mark that can match (bits ${outside} of the value are outside the mask)`,
      `write ${formatMark({ value: within, mask })}, or a mask with these bits`,
    );
  }
  return Object.freeze({ value: mark, mask });
}

/** `0x10` when all bits count, else `0x10/0xff`. */
export function formatMark(mark: Mark): string {
  return mark.mask === U32_MAX ? hex(mark.value) : `${hex(mark.value)}/${hex(mark.mask)}`;
}

function parseU32(text: string | undefined): number | undefined {
  if (text === undefined || !/^(0x[\da-f]{1,8}|\d{1,10})$/i.test(text)) return undefined;
  const number = Number(text);
  return number <= U32_MAX ? number : undefined;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
