// How long things may take here: an emulated machine is many times slower, and that says nothing of them.

const factor = Number(process.env.TEST_PATIENCE || '1');
if (!(factor >= 1 && factor <= 1_000)) {
  throw new RangeError(`TEST_PATIENCE=${process.env.TEST_PATIENCE} is not a factor from 1 to 1000`);
}

/** A bound in milliseconds, TEST_PATIENCE times as long as on the machines that it was chosen for. */
export function patient(milliseconds: number): number {
  return milliseconds * factor;
}
