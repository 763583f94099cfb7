import {
  type AcknowledgementFlag,
  type Address,
  type AuthenticationKey,
  type BindingAcknowledgement,
  encodeAuthenticated,
  encodeMobilityPacket,
  type MobilityOption,
} from '../../mobility/index.js';
import type { Verdict } from './update-rules.js';

/** An IPv6 packet that is ready to be sent. */
export interface OutgoingPacket {
  readonly source: Address;
  readonly destination: Address;
  readonly packet: Uint8Array;
}

/** Where an acknowledgement goes. */
export interface AnswerTo {
  readonly agent: Address;
  /** Source of the Binding Update. */
  readonly careOf: Address;
  readonly homeAddress: Address;
  /** Signs it. */
  readonly key: AuthenticationKey | undefined;
}

export interface AnswerContent extends Pick<Verdict, 'status' | 'lifetime' | 'answers' | 'flowAnswers'> {
  readonly sequence: number;
  /** The Binding Update had R. */
  readonly mobileRouter: boolean;
  /** Of the Replay Protection option. */
  readonly timestamp: bigint | undefined;
}

/**
 * A Binding Acknowledgement with what RFC 6275 section 9.5.4 wants around it: a type 2 routing header, unless the router
 * is at home. Authentication is last (RFC 4285 section 5.1).
 */
export function acknowledge(content: AnswerContent, to: AnswerTo): OutgoingPacket {
  const { agent, careOf, homeAddress, key } = to;
  const message = messageOf(content);
  const atHome = careOf.equals(homeAddress);
  const packet = encodeMobilityPacket(
    { source: agent, destination: careOf, routedTo: atHome ? undefined : homeAddress },
    key === undefined
      ? message
      : (addresses) => encodeAuthenticated(message, { careOf, homeAddress }, key, addresses),
  );
  return { source: agent, destination: careOf, packet };
}

function messageOf(content: AnswerContent): BindingAcknowledgement {
  const { status, sequence, lifetime, answers, flowAnswers, timestamp } = content;
  const flags: AcknowledgementFlag[] = content.mobileRouter ? ['mobile-router'] : [];
  const options: MobilityOption[] = [
    // RFC 5648 section 4.3: without care-of address, H is for Binding Updates.
    ...answers.map(
      (one) => ({ type: 'binding-identifier', home: false, careOf: undefined, ...one }) as const,
    ),
    ...flowAnswers.map(
      (one) =>
        ({ type: 'flow-identification', bids: undefined, selector: undefined, others: [], ...one }) as const,
    ),
  ];
  if (timestamp !== undefined) options.push({ type: 'replay-protection', timestamp });
  return { type: 'binding-acknowledgement', status, flags, sequence, lifetime, options };
}
