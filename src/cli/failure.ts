import { shortageOf } from '../views/index.js';
import { EXIT, exitCodeOf } from './exit-code.js';

/** An error as the lines that people read on stderr; the last one, if any, is the hint. */
export function describeFailure(error: unknown): string[] {
  const { code, hint, details } = (error ?? {}) as { code?: unknown; hint?: unknown; details?: unknown };
  const message = error instanceof Error ? error.message : String(error);
  const name = typeof code === 'string' ? code : 'INTERNAL';
  const advice = typeof hint === 'string' && hint !== '' ? hint : defaultHint(error, name);
  const lines = message.split('\n');
  const before = lines.length > 1 ? lines : Array.isArray(details) ? details.map(String) : [];
  const what = lines.length > 1 ? `${lines.length} problems, see above` : message;
  return [...before, `coax: error: ${what} (${name})`, ...(advice === undefined ? [] : [`hint: ${advice}`])];
}

/** Writes an error to stderr and returns the exit status for it. */
export function reportFailure(error: unknown): number {
  process.stderr.write(`${describeFailure(error).join('\n')}\n`);
  const fault = error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
  if ((fault || process.env.COAX_DEBUG !== undefined) && error instanceof Error) {
    process.stderr.write(`${error.stack}\n`);
  }
  return exitCodeOf(error);
}

function defaultHint(error: unknown, code: string): string | undefined {
  const shortage = shortageOf(error);
  if (shortage !== undefined) return shortage.hint;
  if (exitCodeOf(error) === EXIT.BAD_CONFIG) return 'correct the file; `coax check --config FILE` tests it';
  if (exitCodeOf(error) === EXIT.PERMISSION)
    return 'run it as root; `coax doctor` names the missing privilege';
  if (code === 'INTERNAL') return 'this looks like a fault of coaxial: please report it';
  return undefined;
}
