/** Numbers of statuses that a home agent answers with; their words: `bindingStatusText` and `flowStatusText`. */

/** Of Binding Acknowledgements and Binding Identifiers in them. */
export const Status = {
  ACCEPTED: 0,
  NOT_COMPLETE: 4,
  HOME_WITHOUT_DISCOVERY: 5,
  UNSPECIFIED: 128,
  PROHIBITED: 129,
  NO_RESOURCES: 130,
  NOT_HOME_AGENT: 133,
  SEQUENCE: 135,
  TYPE_CHANGE: 139,
  NO_MOBILE_ROUTER: 140,
  INVALID_PREFIX: 141,
  PREFIX_NOT_AUTHORISED: 142,
  NO_FORWARDING: 143,
  ID_MISMATCH: 144,
  ID_REQUIRED: 145,
  AUTHENTICATION: 146,
  NO_PROXY: 152,
  MALFORMED_IDENTIFIER: 164,
  PLAIN_BINDING_EXISTS: 165,
  IDENTIFIERS_PROHIBITED: 166,
  CARE_OF_UNKNOWN: 167,
  NO_BULK: 168,
  NO_HOME_AND_FOREIGN: 169,
  INVALID_CARE_OF: 174,
} as const;

/** Of Flow Identification options (RFC 6089 section 4.2). */
export const FlowStatus = {
  ACCEPTED: 0,
  PROHIBITED: 128,
  MALFORMED: 130,
  BID_NOT_FOUND: 131,
  FID_NOT_FOUND: 132,
  FORMAT: 133,
} as const;
