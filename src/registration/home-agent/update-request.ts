import type {
  Address,
  BindingIdentifierOption,
  BindingUpdate,
  FlowIdentificationOption,
  MacAddress,
  OtherOption,
  Prefix,
} from '../../mobility/index.js';
import { OptionType } from '../../mobility/index.js';

/** What a Binding Update asks for. */
export interface UpdateRequest {
  readonly sequence: number;
  /** Seconds, 0 removes. */
  readonly lifetime: number;
  readonly acknowledge: boolean;
  readonly home: boolean;
  readonly mobileRouter: boolean;
  readonly proxy: boolean;
  readonly overwrite: boolean;
  readonly identifiers: readonly BindingIdentifierOption[];
  /** Each once. */
  readonly prefixes: readonly Prefix[];
  readonly alternateCareOf: Address | undefined;
  /** The router's on the home link (RFC 5648 section 5.6.3). */
  readonly linkAddress: MacAddress | undefined;
  readonly flows: readonly FlowIdentificationOption[];
  /** FIDs of Flow Identification options that could not be decoded. */
  readonly brokenFlows: readonly number[];
  /** FIDs of the Flow Summary options. */
  readonly summary: readonly number[];
  /** NTP, of the Replay Protection option. */
  readonly timestamp: bigint | undefined;
  /** Types of other options that could not be decoded. */
  readonly broken: ReadonlySet<number>;
}

/** Option code of a link-layer address (RFC 5568 section 6.4.4). */
const OF_MOBILE_NODE = 2;

/** @param message decoded with `tolerant` */
export function readUpdate(message: BindingUpdate): UpdateRequest {
  const identifiers: BindingIdentifierOption[] = [];
  const prefixes: Prefix[] = [];
  const flows: FlowIdentificationOption[] = [];
  const brokenFlows: number[] = [];
  const summary: number[] = [];
  const broken = new Set<number>();
  let alternateCareOf: Address | undefined;
  let linkAddress: MacAddress | undefined;
  let timestamp: bigint | undefined;
  for (const option of message.options) {
    switch (option.type) {
      case 'binding-identifier':
        identifiers.push(option);
        break;
      case 'mobile-network-prefix':
        if (!prefixes.some((prefix) => prefix.equals(option.prefix))) prefixes.push(option.prefix);
        break;
      case 'alternate-care-of':
        alternateCareOf ??= option.address;
        break;
      case 'link-layer-address':
        if (option.code === OF_MOBILE_NODE && !option.mac.isMulticast) linkAddress ??= option.mac;
        break;
      case 'flow-identification':
        flows.push(option);
        break;
      case 'flow-summary':
        summary.push(...option.fids);
        break;
      case 'replay-protection':
        timestamp ??= option.timestamp;
        break;
      case 'other':
        if (option.problem === undefined) break;
        if (option.number === OptionType.FLOW_IDENTIFICATION) brokenFlows.push(...fidOf(option));
        else broken.add(option.number);
        break;
    }
  }
  const { sequence, lifetime, flags } = message;
  return {
    sequence,
    lifetime,
    acknowledge: flags.includes('acknowledge'),
    home: flags.includes('home'),
    mobileRouter: flags.includes('mobile-router'),
    proxy: flags.includes('proxy'),
    overwrite: flags.includes('overwrite'),
    identifiers,
    prefixes,
    alternateCareOf,
    linkAddress,
    flows,
    brokenFlows,
    summary,
    timestamp,
    broken,
  };
}

/** The FID of an option that is damaged behind it; without one there is nothing to answer about. */
function fidOf({ data }: OtherOption): number[] {
  const fid = ((data[0] ?? 0) << 8) | (data[1] ?? 0);
  return fid === 0 ? [] : [fid];
}
