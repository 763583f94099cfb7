/** What statuses of answers mean. */

/** Of Binding Acknowledgements and of Binding Identifiers in them (IANA, Status Codes). */
const BINDING_STATUS: Readonly<Record<number, string>> = {
  0: 'accepted',
  1: 'accepted, prefix discovery is necessary',
  4: 'some of the bindings are rejected (MCOA NOTCOMPLETE)',
  5: 'at home and abroad, without neighbour discovery (MCOA RETURNHOME WO/NDP)',
  128: 'reason unspecified',
  129: 'administratively prohibited',
  130: 'insufficient resources',
  131: 'home registration is not supported',
  132: 'not a home subnet',
  133: 'not the home agent of this mobile node',
  134: 'the home address is in use by another node',
  135: 'sequence number out of window',
  136: 'home nonce index has expired',
  137: 'care-of nonce index has expired',
  138: 'both nonces have expired',
  139: 'the type of registration must not change',
  140: 'mobile routers are not permitted',
  141: 'invalid prefix',
  142: 'not authorized for the prefix',
  143: 'forwarding cannot be set up',
  144: 'identification does not match (MIPV6-ID-MISMATCH)',
  145: 'identification is required (MIPV6-MESG-ID-REQD)',
  146: 'authentication has failed (MIPV6-AUTH-FAIL)',
  164: 'Binding Identifier is malformed (MCOA MALFORMED)',
  165: 'a binding without BID exists (MCOA NON-MCOA BINDING EXISTS)',
  166: 'several care-of addresses are prohibited (MCOA PROHIBITED)',
  167: 'the BID has no care-of address (MCOA UNKNOWN COA)',
  168: 'bulk registration is prohibited (MCOA BULK REGISTRATION PROHIBITED)',
  169: 'being at home and abroad at once is prohibited (MCOA SIMULTANEOUS HOME AND FOREIGN PROHIBITED)',
  174: 'invalid care-of address',
};

/** Of Flow Identification options in Binding Acknowledgements (RFC 6089 section 4.2). */
const FLOW_STATUS: Readonly<Record<number, string>> = {
  0: 'accepted',
  128: 'administratively prohibited',
  129: 'reason unspecified',
  130: 'Flow Identification is malformed',
  131: 'BID not found',
  132: 'FID not found',
  133: 'format of the traffic selector is not supported',
};

/** Of Binding Errors (RFC 6275 section 6.1.9). */
const ERROR_STATUS: Readonly<Record<number, string>> = {
  1: 'no binding for the home address option',
  2: 'message type is not known',
};

/** A status below it is no refusal. */
export const FIRST_REFUSAL = 128;

export function bindingStatusText(status: number): string {
  return BINDING_STATUS[status] ?? (status < FIRST_REFUSAL ? 'accepted' : 'rejected');
}

export function flowStatusText(status: number): string {
  return FLOW_STATUS[status] ?? (status < FIRST_REFUSAL ? 'accepted' : 'rejected');
}

export function errorStatusText(status: number): string {
  return ERROR_STATUS[status] ?? 'unknown reason';
}
