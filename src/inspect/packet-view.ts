/** The packet of a question in the words of its answer. */
import { formatRange } from '../policy/index.js';
import type { PacketView } from './explanation.js';
import type { ParsedPacket } from './packet-parser.js';

/** A packet and what is known of it beside its bytes. */
export function packetView(
  { headers, length, trafficClass, hopLimit, fragment, problem }: ParsedPacket,
  known: {
    readonly interface: string | undefined;
    readonly mark: number;
    readonly cgroup: string | undefined;
  },
): PacketView {
  const number = (key: 'protocol' | 'dscp' | 'icmpType', value: number): string =>
    formatRange(key, { low: value, high: value });
  return {
    source: headers.source.toString(),
    destination: headers.destination.toString(),
    protocol: number('protocol', headers.protocol),
    sourcePort: headers.sourcePort ?? null,
    destinationPort: headers.destinationPort ?? null,
    dscp: number('dscp', headers.dscp),
    ecn: trafficClass & 3,
    flowLabel: headers.flowLabel,
    spi: headers.spi ?? null,
    icmpType: headers.icmpType === undefined ? null : number('icmpType', headers.icmpType),
    icmpCode: headers.icmpCode ?? null,
    hopLimit,
    length,
    fragment: fragment ?? null,
    interface: known.interface ?? null,
    mark: `0x${known.mark.toString(16)}`,
    cgroup: known.cgroup ?? null,
    problem: problem ?? null,
  };
}
