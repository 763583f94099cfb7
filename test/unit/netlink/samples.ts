import fc from 'fast-check';
import { Address, MacAddress, Prefix } from '../../../src/net/index.js';

/** Arbitraries the codec tests share. */
export const address6 = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Address.fromBytes(bytes));
export const address4 = fc
  .uint8Array({ minLength: 4, maxLength: 4 })
  .map((bytes) => Address.fromBytes(bytes));
export const mac = fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => MacAddress.fromBytes(bytes));
export const prefixOf = (address: fc.Arbitrary<Address>) =>
  address.chain((base) =>
    fc.integer({ min: 0, max: base.bits }).map((length) => Prefix.covering(base, length)),
  );
export const u32 = fc.integer({ min: 1, max: 0xffffffff });
export const ifindex = fc.integer({ min: 1, max: 0x7fffffff });
export const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
