/** Mobility headers of mobile routers and home agents: messages, options, and the packets around them. */

export { Address, MacAddress, Prefix } from '../net/index.js';
export {
  type AuthenticationKey,
  type AuthenticationParties,
  type AuthenticationVerdict,
  encodeAuthenticated,
  verifyAuthentication,
} from './authentication.js';
export {
  type ChecksumAddresses,
  hasRightChecksum,
  MOBILITY_HEADER,
  mobilityChecksum,
  setChecksum,
} from './checksum.js';
export {
  encodeHomeAddressOption,
  encodeHomeRouting,
  type HomeRouting,
} from './home-address.js';
export {
  ACKNOWLEDGEMENT_FLAGS,
  type AcknowledgementFlag,
  type BindingAcknowledgement,
  type BindingError,
  type BindingRefreshRequest,
  type BindingUpdate,
  MessageType,
  type MobilityMessage,
  type OtherMessage,
  UPDATE_FLAGS,
  type UpdateFlag,
} from './message.js';
export { type DecodeSettings, decodeMobilityHeader, encodeMobilityHeader } from './message-codec.js';
export { MOBILITY_ERRORS, MobilityError, type MobilityErrorCode } from './mobility-error.js';
export {
  type AlternateCareOfOption,
  type AuthenticationOption,
  type BindingIdentifierOption,
  type FlowIdentificationOption,
  type FlowSummaryOption,
  type LinkLayerAddressOption,
  type MobileNetworkPrefixOption,
  type MobilityOption,
  type NonceIndicesOption,
  OptionType,
  type OtherOption,
  type OtherSubOption,
  type ReplayProtectionOption,
} from './option.js';
export {
  decodeMobilityPacket,
  encodeMobilityPacket,
  type MobilityEnvelope,
  type MobilityPacket,
} from './packet.js';
export { bindingStatusText, errorStatusText, FIRST_REFUSAL, flowStatusText } from './status.js';
export { ntpDifference, ntpTimestamp, timeOfNtp } from './timestamp.js';
export type {
  AddressRange,
  Ipv4Selector,
  Ipv6Selector,
  OtherSelector,
  Range,
  TrafficSelector,
} from './traffic-selector.js';
