/** What became of a message that was received: names for counters, and words for people. */
import { bindingStatusText } from '../../mobility/index.js';
import { Status } from './status.js';

export const OUTCOMES = {
  registered: 'bindings were registered',
  'partly-registered': 'some of the bindings were registered, others refused',
  deregistered: 'bindings were removed as the router asked',
  checksum: 'the checksum is wrong',
  'not-for-us': 'the packet is not for the home agent',
  malformed: 'the message cannot be decoded',
  'other-message': 'the message is none that a home agent receives',
  'unknown-type': 'the type of the message is not known',
  'source-invalid': 'the source is no address that can be answered',
  'unknown-router': 'no router has this home address',
  'authentication-missing': 'the message must be authenticated and is not',
  'authentication-wrong': 'the authentication is not that of the message and the key',
  'key-unknown': 'the message is authenticated with a key that the router does not have',
  'authentication-limit': 'too many messages for this router were forged; this one was not looked at',
  'timestamp-missing': 'the message must have a timestamp and has none',
  'timestamp-old': 'the timestamp is too far in the past',
  'timestamp-new': 'the timestamp is too far in the future',
  replayed: 'the timestamp is not after the last one',
  sequence: 'the sequence number is not after the last one',
  rate: 'the router sends more than a router may',
  'option-malformed': bindingStatusText(Status.UNSPECIFIED),
  prohibited: bindingStatusText(Status.PROHIBITED),
  resources: bindingStatusText(Status.NO_RESOURCES),
  'no-binding': 'there is no such binding to remove',
  'type-change': bindingStatusText(Status.TYPE_CHANGE),
  'router-prohibited': bindingStatusText(Status.NO_MOBILE_ROUTER),
  'prefix-invalid': bindingStatusText(Status.INVALID_PREFIX),
  'prefix-unauthorised': bindingStatusText(Status.PREFIX_NOT_AUTHORISED),
  'prefix-unknown': bindingStatusText(Status.NO_FORWARDING),
  proxy: 'registrations by proxies are not enabled',
  'identifier-malformed': bindingStatusText(Status.MALFORMED_IDENTIFIER),
  'plain-binding-exists': bindingStatusText(Status.PLAIN_BINDING_EXISTS),
  'identifiers-prohibited': bindingStatusText(Status.IDENTIFIERS_PROHIBITED),
  'care-of-unknown': bindingStatusText(Status.CARE_OF_UNKNOWN),
  'bulk-prohibited': bindingStatusText(Status.NO_BULK),
  'home-and-foreign-prohibited': bindingStatusText(Status.NO_HOME_AND_FOREIGN),
  'care-of-invalid': bindingStatusText(Status.INVALID_CARE_OF),
} as const;

export type Outcome = keyof typeof OUTCOMES;

const REFUSALS: Readonly<Record<number, Outcome>> = {
  [Status.UNSPECIFIED]: 'option-malformed',
  [Status.PROHIBITED]: 'prohibited',
  [Status.NO_RESOURCES]: 'resources',
  [Status.NOT_HOME_AGENT]: 'no-binding',
  [Status.TYPE_CHANGE]: 'type-change',
  [Status.NO_MOBILE_ROUTER]: 'router-prohibited',
  [Status.INVALID_PREFIX]: 'prefix-invalid',
  [Status.PREFIX_NOT_AUTHORISED]: 'prefix-unauthorised',
  [Status.NO_FORWARDING]: 'prefix-unknown',
  [Status.NO_PROXY]: 'proxy',
  [Status.MALFORMED_IDENTIFIER]: 'identifier-malformed',
  [Status.PLAIN_BINDING_EXISTS]: 'plain-binding-exists',
  [Status.IDENTIFIERS_PROHIBITED]: 'identifiers-prohibited',
  [Status.CARE_OF_UNKNOWN]: 'care-of-unknown',
  [Status.NO_BULK]: 'bulk-prohibited',
  [Status.NO_HOME_AND_FOREIGN]: 'home-and-foreign-prohibited',
  [Status.INVALID_CARE_OF]: 'care-of-invalid',
};

/** @param status of the answer to a message that was authentic and fresh */
export function outcomeOf(status: number, removes: boolean): Outcome {
  const refusal = REFUSALS[status];
  if (refusal !== undefined) return refusal;
  if (removes) return 'deregistered';
  return status === Status.NOT_COMPLETE ? 'partly-registered' : 'registered';
}
