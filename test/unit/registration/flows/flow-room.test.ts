import test from 'ava';
import fc from 'fast-check';
import type {
  FlowIdentificationOption,
  Ipv6Selector,
  MobilityOption,
} from '../../../../src/mobility/index.js';
import { encodeMobilityHeader } from '../../../../src/mobility/index.js';
import { endOfFlow, FlowRoom } from '../../../../src/registration/flows/flow-room.js';
import { rawOptionsOf } from '../../../support/mobility-bytes.js';
import { OPTIONS, seedOf } from '../../../support/mobility-messages.js';

const RUNS = 300;

type Known = FlowIdentificationOption & { readonly bids: readonly number[]; readonly selector: Ipv6Selector };

const flow = (OPTIONS['flow-identification'] as fc.Arbitrary<MobilityOption>)
  .filter((option): option is FlowIdentificationOption => option.type === 'flow-identification')
  .filter((option): option is Known => option.bids !== undefined && option.selector?.type === 'ipv6')
  .map((option): Known => ({ ...option, others: [] }));

test('a flow ends where was said, wherever it starts', (t) => {
  const seed = seedOf((text) => t.log(text));
  fc.assert(
    fc.property(flow, fc.constantFrom(0, 2, 4, 6), (one, shift) => {
      const before: MobilityOption = { type: 'other', number: 200, data: new Uint8Array(shift) };
      const after: MobilityOption = { type: 'flow-summary', fids: [1] };
      const options = [before, one, after];
      const bytes = encodeMobilityHeader({
        type: 'binding-update',
        sequence: 1,
        flags: [],
        lifetime: 4,
        options,
      });
      const [, here, next] = rawOptionsOf(bytes, 12);
      t.is(here?.offset, 14 + shift);
      t.is(endOfFlow(14 + shift, one), next?.offset ?? 0);
    }),
    { seed, numRuns: RUNS },
  );
});

test('what fits stands in a Binding Update wherever it starts, and with a byte less it would not', (t) => {
  const seed = seedOf((text) => t.log(text));
  fc.assert(
    fc.property(fc.array(flow, { minLength: 1, maxLength: 8 }), (list) => {
      const taken = [0, 2, 4, 6].map((shift) => {
        const before: MobilityOption = { type: 'other', number: 200, data: new Uint8Array(shift) };
        const after: MobilityOption = { type: 'flow-summary', fids: [1] };
        const options = [before, ...list, after];
        const bytes = encodeMobilityHeader({
          type: 'binding-update',
          sequence: 1,
          flags: [],
          lifetime: 4,
          options,
        });
        return (rawOptionsOf(bytes, 12).at(-1)?.offset ?? 0) - 14 - shift;
      });
      const most = Math.max(...taken);
      const allFit = (bytes: number) => {
        const room = new FlowRoom(bytes, 0);
        return list.every((one) => room.take([one]));
      };
      t.true(allFit(most));
      t.false(allFit(most - 1));
      const room = new FlowRoom(most, list.length - 2);
      t.false(room.take(list));
      // What does not fit ends it for all that come later.
      t.false(room.take([]));
    }),
    { seed, numRuns: RUNS },
  );
});
