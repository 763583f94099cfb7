// Last of all: did anything ever leave by a link with a source that is not of that link?
import { type Check, expect } from './check.js';

const egress: Check = {
  name: 'egress-source',
  needsController: false,
  run: async ({ lab }) => {
    const [a, b] = [await lab.refused('ra'), await lab.refused('rb')];
    expect(a + b === 0, `the access routers refused ${a} and ${b} packets with a source of another link`);
    return '0 packets refused by the source filters of both access routers, in the whole demo';
  },
};

export const egressChecks: readonly Check[] = [egress];
