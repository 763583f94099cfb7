/** The Flow Identification option and its sub-options (RFC 6089 section 4.2). */
import { PAD1, PADN } from './alignment.js';
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import type { FlowIdentificationOption, OtherSubOption } from './option.js';
import { decodeTrafficSelector, encodeTrafficSelector, selectorAlignment } from './traffic-selector.js';

const SubOption = { BINDING_REFERENCE: 2, TRAFFIC_SELECTOR: 3 } as const;
const RULE = 'RFC 6089 section 4.2';
const REFERENCE_RULE = 'RFC 6089 section 4.2.1.3';
const SELECTOR_RULE = 'RFC 6089 section 4.2.1.4';
const EVEN = { multiple: 2, plus: 0 };
const FID = { name: 'FID', low: 1 };
const BID = { name: 'BID', low: 1 };

/** What follows the option's type and length. */
export function decodeFlowIdentification(reader: ByteReader): FlowIdentificationOption {
  const fid = identifier(reader, 'FID');
  const priority = reader.u16();
  reader.skip(1);
  const status = reader.u8();
  let bids: FlowIdentificationOption['bids'];
  let selector: FlowIdentificationOption['selector'];
  const others: OtherSubOption[] = [];
  while (reader.left > 0) {
    const at = reader.offset;
    const number = reader.u8();
    if (number === PAD1) continue;
    const length = reader.u8();
    if (number === PADN) {
      reader.skip(length);
    } else if (number === SubOption.BINDING_REFERENCE) {
      if (bids !== undefined) throw twice(reader, 'Binding Reference', at);
      bids = identifiers(reader.part(length, REFERENCE_RULE), 'BID');
    } else if (number === SubOption.TRAFFIC_SELECTOR) {
      if (selector !== undefined) throw twice(reader, 'Traffic Selector', at);
      selector = decodeTrafficSelector(reader.part(length, SELECTOR_RULE));
    } else {
      others.push({ number, data: reader.bytes(length) });
    }
  }
  return { type: 'flow-identification', fid, priority, status, bids, selector, others };
}

export function encodeFlowIdentification(writer: ByteWriter, option: FlowIdentificationOption): void {
  writer.u16(option.fid, FID).u16(option.priority, { name: 'FID-PRI' }).zeros(1);
  writer.u8(option.status, { name: 'status' });
  if (option.bids !== undefined) {
    writer.rule = REFERENCE_RULE;
    writer.align(EVEN).u8(SubOption.BINDING_REFERENCE, { name: 'sub-option type' });
    const done = writer.length8('Binding Reference');
    writeIdentifiers(writer, option.bids, BID);
    done();
  }
  if (option.selector !== undefined) {
    writer.rule = SELECTOR_RULE;
    writer.align(selectorAlignment(option.selector));
    writer.u8(SubOption.TRAFFIC_SELECTOR, { name: 'sub-option type' });
    const done = writer.length8('Traffic Selector');
    encodeTrafficSelector(writer, option.selector);
    done();
  }
  writer.rule = RULE;
  for (const { number, data } of option.others) {
    if (number <= SubOption.TRAFFIC_SELECTOR) {
      throw writer.error(`sub-option ${number} is padding or has a field of its own`);
    }
    writer.u8(number, { name: 'sub-option type' });
    const done = writer.length8(`sub-option ${number}`);
    writer.bytes(data);
    done();
  }
}

/** A list of numbers of 16 bits, at least one, none of them 0. */
export function identifiers(reader: ByteReader, what: 'BID' | 'FID'): number[] {
  if (reader.left === 0 || reader.left % 2 !== 0) {
    throw reader.error('MOBILITY_OPTION_INVALID', `${reader.left} bytes are no list of ${what}s of 2 bytes`);
  }
  const list: number[] = [];
  while (reader.left > 0) list.push(identifier(reader, what));
  return list;
}

/** BID or FID: 0 is reserved. */
export function identifier(reader: ByteReader, what: 'BID' | 'FID'): number {
  const at = reader.offset;
  const value = reader.u16();
  if (value === 0) throw reader.error('MOBILITY_OPTION_INVALID', `the ${what} is 0, which is reserved`, at);
  return value;
}

export function writeIdentifiers(
  writer: ByteWriter,
  list: readonly number[],
  field: { name: string; low: number },
): void {
  if (list.length === 0) throw writer.error(`the list of ${field.name}s is empty`);
  for (const one of list) writer.u16(one, field);
}

function twice(reader: ByteReader, what: string, at: number): Error {
  return reader.error('MOBILITY_OPTION_INVALID', `there is a second ${what}`, at);
}
