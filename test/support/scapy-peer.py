"""Mobility packets by scapy: a list of questions in JSON on standard input, a list of answers on standard output.

{"build": {...}}      -> hex of a packet that scapy makes
{"dissect": hex}      -> the layers, fields and options that scapy sees, and whether the checksum is right
{"authenticator": hex, "key": hex, "careOf": address, "home": address}
                      -> the value of RFC 4285 section 5.1 for the last authentication option, by Python's own hmac
"""
import hashlib
import hmac
import ipaddress
import json
import sys

from scapy.layers import inet6
from scapy.layers.inet6 import (
    HAO, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrRouting, MIP6MH_BA, MIP6MH_BE, MIP6MH_BRR, MIP6MH_BU,
    MIP6OptAltCoA, MIP6OptMobNetPrefix, MIP6OptMsgAuth, MIP6OptNonceIndices, MIP6OptReplayProtection,
    MIP6OptUnknown, Pad1, PadN)

MESSAGES = {'binding-update': MIP6MH_BU, 'binding-acknowledgement': MIP6MH_BA,
            'binding-refresh-request': MIP6MH_BRR, 'binding-error': MIP6MH_BE}
OPTIONS = {'alternate-care-of': MIP6OptAltCoA, 'nonce-indices': MIP6OptNonceIndices,
           'mobile-network-prefix': MIP6OptMobNetPrefix, 'authentication': MIP6OptMsgAuth,
           'replay-protection': MIP6OptReplayProtection, 'other': MIP6OptUnknown}


def option_of(spec):
    fields = dict(spec['fields'])
    for name in ('authdata', 'odata'):
        if name in fields:
            fields[name] = bytes.fromhex(fields[name])
    if 'timestamp' in fields:
        fields['timestamp'] = int(fields['timestamp'])
    return OPTIONS[spec['type']](**fields)


def build(spec):
    packet = IPv6(src=spec['source'], dst=spec['destination'])
    if spec.get('routedTo'):
        packet /= IPv6ExtHdrRouting(type=2, addresses=[spec['routedTo']])
    if spec.get('homeAddress'):
        packet /= IPv6ExtHdrDestOpt(options=[HAO(hoa=spec['homeAddress'])])
    message = MESSAGES[spec['type']](**spec['fields'])
    message.options = [option_of(option) for option in spec['options']]
    return bytes(packet / message).hex()


def plain(value):
    if isinstance(value, bytes):
        return value.hex()
    return value if isinstance(value, (int, str)) else str(value)


def fields_of(layer, without=()):
    # 64 bits are too many for a number of JavaScript.
    return {field.name: str(getattr(layer, 'timestamp')) if field.name == 'timestamp' else
            plain(getattr(layer, field.name))
            for field in layer.fields_desc if field.name not in without and hasattr(layer, field.name)}


def dissect(packet):
    seen = IPv6(packet)
    message = next(layer for layer in MESSAGES.values() if layer in seen)
    found = seen[message]
    # scapy counts a home address option for the checksum only where it stands alone, without padding.
    extension = IPv6(packet)
    if IPv6ExtHdrDestOpt in extension:
        layer = extension[IPv6ExtHdrDestOpt]
        layer.options = [option for option in layer.options if not isinstance(option, (Pad1, PadN))]
    header = bytearray(packet[len(packet) - (found.len + 1) * 8:])
    header[4:6] = b'\0\0'
    right = inet6.in6_chksum(135, extension[message].underlayer, bytes(header))
    home = [option.hoa for layer in [seen.getlayer(IPv6ExtHdrDestOpt)] if layer
            for option in layer.options if isinstance(option, HAO)]
    routing = seen.getlayer(IPv6ExtHdrRouting)
    return {
        'message': message.__name__,
        'fields': fields_of(found, ('options', 'autopad')),
        'rightChecksum': right,
        'homeAddress': home[0] if home else None,
        'routing': [routing.type, routing.segleft, routing.addresses] if routing else None,
        'options': [{'name': type(option).__name__, **fields_of(option)}
                    for option in found.options if not isinstance(option, (Pad1, PadN))],
    }


def authenticator(question):
    packet = bytes.fromhex(question['authenticator'])
    message = IPv6(packet).getlayer(MIP6MH_BU)
    header = packet[len(packet) - (message.len + 1) * 8:]
    option = bytes([option for option in message.options if isinstance(option, MIP6OptMsgAuth)][-1])
    covered = bytearray(header[:header.rindex(option) + 7])
    covered[4:6] = b'\0\0'
    data = ipaddress.ip_address(question['careOf']).packed + ipaddress.ip_address(question['home']).packed
    value = hmac.new(bytes.fromhex(question['key']), data + bytes(covered), hashlib.sha1).digest()
    return value[:12].hex()


def answer(question):
    if 'build' in question:
        return build(question['build'])
    if 'dissect' in question:
        return dissect(bytes.fromhex(question['dissect']))
    return authenticator(question)


inet6.conf.verb = 0
json.dump([answer(question) for question in json.load(sys.stdin)], sys.stdout)
