/** Tests of what not every kernel offers. */
import test, { type ExecutionContext } from 'ava';
import type { Feature } from '../../src/libbpf-ts/index.js';

/** A test, or on a kernel without the feature a skip whose title says what is missing. */
export function testWith(
  feature: Feature,
  title: string,
  body: (t: ExecutionContext) => void | Promise<void>,
): void {
  // Who may not probe learns nothing: the test then fails by itself.
  if (feature.supported || feature.errnoName === 'EPERM') test.serial(title, body);
  else test.serial.skip(`${title}: ${feature.reason}`, body);
}
