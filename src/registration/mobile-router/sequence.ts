/** Sequence numbers of Binding Updates, modulo 2^16 (RFC 6275 section 9.5.1). */

const NUMBERS = 0x1_0000;

export function nextSequence(sequence: number): number {
  return (sequence + 1) % NUMBERS;
}

/** Whether a home agent that has accepted `one` last refuses `other`: that and the 32768 before it are old. */
export function isAhead(one: number, other: number): boolean {
  const distance = (one - other + NUMBERS) % NUMBERS;
  return distance >= 1 && distance <= NUMBERS / 2;
}
