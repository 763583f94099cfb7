/** What a registrar refuses to be told. */
import test from 'ava';
import { Address, type FlowIdentificationOption, Prefix } from '../../../../src/mobility/index.js';
import {
  MobileRouterRegistrar,
  type RegistrarOptions,
  type WantedBinding,
} from '../../../../src/registration/mobile-router/index.js';
import { RegistrationError } from '../../../../src/registration/registration-error.js';
import {
  AGENT,
  atHome,
  careOf,
  Desk,
  flow,
  HOME,
  KEY,
  OPTIONS,
  wanted,
} from '../../../support/registration-desk.js';

const IPV4 = Address.parse('192.0.2.1');

const WRONG_OPTIONS: readonly [string, Partial<RegistrarOptions>][] = [
  ['home address 192.0.2.1:', { homeAddress: IPV4 }],
  ['home address fe80::1:', { homeAddress: Address.parse('fe80::1') }],
  ['home agent 192.0.2.1:', { homeAgent: IPV4 }],
  [`home agent ${HOME} is`, { homeAgent: HOME }],
  [
    '17 prefixes',
    { prefixes: Array.from({ length: 17 }, (_, at) => Prefix.parse(`2001:db8:${at + 1}::/48`)) },
  ],
  ['prefix 192.0.2.0/24', { prefixes: [Prefix.parse('192.0.2.0/24')] }],
  ['lifetime 0', { lifetime: 0 }],
  ['lifetime 6', { lifetime: 6 }],
  ['lifetime 262144', { lifetime: 262_144 }],
  ['first sequence number -1', { firstSequence: -1 }],
  ['first sequence number 65536', { firstSequence: 65_536 }],
  ['the key has 15 bytes', { key: { ...KEY, key: new Uint8Array(15) } }],
  ['SPI 255', { key: { ...KEY, spi: 255 } }],
  ['SPI 4294967296', { key: { ...KEY, spi: 2 ** 32 } }],
];

for (const [what, options] of WRONG_OPTIONS) {
  test(`options: ${what}`, (t) => {
    const error = t.throws(() => new MobileRouterRegistrar({ ...OPTIONS, ...options }), {
      instanceOf: RegistrationError,
      code: 'REGISTRATION_SETTINGS_INVALID',
    });
    t.true(error?.message.startsWith(what), error?.message);
  });
}

const WRONG_BINDINGS: readonly [string, readonly WantedBinding[]][] = [
  ['17 bindings', Array.from({ length: 17 }, (_, at) => wanted(at + 1, { priority: 1 }))],
  ['BID 0:', [wanted(0)]],
  ['BID 65536:', [wanted(1, { bid: 65_536 })]],
  ['BID 1 is there twice', [wanted(1), wanted(1)]],
  ['BID 1 has priority 0', [wanted(1, { priority: 0 })]],
  ['BID 1 has priority 128', [wanted(1, { priority: 128 })]],
  ['BID 1 has care-of address 192.0.2.1', [wanted(1, { careOf: IPV4 })]],
  ['BID 1 has care-of address fe80::1', [wanted(1, { careOf: Address.parse('fe80::1') })]],
  [`BID 1 has care-of address ${HOME}`, [wanted(1, { careOf: HOME })]],
  [`BID 1 has care-of address ${AGENT}`, [wanted(1, { careOf: AGENT, home: true })]],
  ['several bindings are at home', [atHome(1), atHome(2)]],
];

for (const [what, bindings] of WRONG_BINDINGS) {
  test(`bindings: ${what}, and nothing is changed`, (t) => {
    const desk = new Desk(t);
    desk.want(wanted(7, { careOf: careOf('a') }));
    const error = t.throws(() => desk.want(...bindings), { instanceOf: RegistrationError });
    t.true(error?.message.startsWith(what), error?.message);
    t.deepEqual(desk.words, ['7 unregistered 2001:db8:a::2 -']);
  });
}

const WRONG_FLOWS: readonly [string, readonly FlowIdentificationOption[]][] = [
  ['65 flows', Array.from({ length: 65 }, (_, at) => flow(at + 1, [1]))],
  ['FID 1 is there twice', [flow(1, [1]), { ...flow(1, [1]), priority: 2 }]],
  ['FID 2: give a priority', [flow(1, [1]), { ...flow(2, [1]), priority: 1 }]],
  ['FID 1: give a priority of its own', [{ ...flow(1, [1]), priority: 0 }]],
  ['FID 1: give a traffic selector', [{ ...flow(1, [1]), selector: undefined }]],
  ['FID 1: give a traffic selector and', [{ ...flow(1, [1]), bids: undefined }]],
  ['FID 1: give a traffic selector and bindings', [flow(1, [])]],
  ['FID 0 cannot be encoded', [flow(0, [1]), flow(1, [1])].map((one) => ({ ...one, priority: one.fid + 1 }))],
  [
    'FID 1 takes',
    [
      flow(
        1,
        Array.from({ length: 100 }, (_, at) => at + 1),
      ),
    ],
  ],
];

for (const [what, flows] of WRONG_FLOWS) {
  test(`flows: ${what}, and nothing is changed`, (t) => {
    const desk = new Desk(t);
    desk.registrar.setFlows([flow(9, [1])], desk.now);
    const error = t.throws(() => desk.registrar.setFlows(flows, desk.now), { instanceOf: RegistrationError });
    t.true(error?.message.startsWith(what), error?.message);
    t.deepEqual(
      desk.registrar.view(desk.now).flows.map(({ fid }) => fid),
      [9],
    );
  });
}
