// One line of the demo: something it shows, and the verdict on it.
import type { Scene } from './scene.js';

export interface Check {
  readonly name: string;
  /** It needs the mobile router's controller to act. */
  readonly needsController: boolean;
  /** Does it and says what was measured. @throws Disproof when the packets say otherwise */
  readonly run: (scene: Scene) => Promise<string>;
}

/** What was captured is not what should have been. */
export class Disproof extends Error {
  readonly code = 'DISPROOF';
}

/** @throws Disproof with `otherwise` when the claim does not hold */
export function expect(claim: boolean, otherwise: string): asserts claim {
  if (!claim) throw new Disproof(otherwise);
}
