import { NLM_F, NLMSGERR_ATTR } from './constants.js';
import { Attributes, type Message, Reader } from './wire.js';

/** How a request or a dump ended. */
export interface Reply {
  /** Positive errno, 0 for success */
  errno: number;
  extack: string | undefined;
}

/**
 * Decodes NLMSG_ERROR (an acknowledgement too) or NLMSG_DONE.
 * @throws NetlinkDecodeError
 */
export function decodeReply(message: Message, kind: 'error' | 'done'): Reply {
  const { body, flags } = message;
  // A dump may end without a status.
  if (kind === 'done' && body.length < 4) return { errno: 0, extack: undefined };
  const reader = new Reader(body);
  const errno = -reader.i32(0) | 0;
  if ((flags & NLM_F.ACK_TLVS) === 0) return { errno, extack: undefined };
  // struct nlmsgerr repeats the request's header, and its body too unless capped.
  const repeated = kind === 'done' ? 0 : (flags & NLM_F.CAPPED) !== 0 ? 16 : reader.u32(4);
  const start = (4 + repeated + 3) & ~3;
  const attributes = new Attributes(body.subarray(Math.min(start, body.length)));
  return { errno, extack: attributes.string(NLMSGERR_ATTR.MSG) ?? missing(attributes) };
}

function missing(attributes: Attributes): string | undefined {
  const type = attributes.u32(NLMSGERR_ATTR.MISS_TYPE);
  return type === undefined ? undefined : `attribute ${type} is missing`;
}
