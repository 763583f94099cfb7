import { decide, type Packet, type Selector } from '../../../src/policy/index.js';

/** Whether a selector matches a packet with a known mark, by the reference classifier. */
export function matches(selector: Selector, packet: Packet): boolean {
  const policy = {
    fid: 1,
    name: 'p',
    priority: 1,
    selector,
    action: { kind: 'drop' },
    otherwise: 'next',
  } as const;
  const state = { markKnown: true, usable: () => true };
  return decide({ policies: [policy], bindings: [] }, packet, state).kind === 'drop';
}
