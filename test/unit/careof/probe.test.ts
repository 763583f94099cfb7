import test from 'ava';
import { readPing } from '../../../src/careof/probe.js';

const SILENCE = 'no answer';

test('the fastest answer counts', (t) => {
  const said = `PING 2001:db8::1 (2001:db8::1) from 2001:db8::2 : 56 data bytes
64 bytes from 2001:db8::1: icmp_seq=1 ttl=64 time=1.03 ms
64 bytes from 2001:db8::1: icmp_seq=2 ttl=64 time=0.045 ms

--- 2001:db8::1 ping statistics ---
3 packets transmitted, 2 received, 33% packet loss, time 400ms
`;
  t.deepEqual(readPing(said, '', SILENCE), { rttMs: 0.045 });
});

test('without an answer: the error that came back, or what ping complains of', (t) => {
  const refused = `PING 2001:db8::1 (2001:db8::1) 56 data bytes
From 2001:db8:a::1 icmp_seq=1 Destination unreachable: No route
`;
  t.deepEqual(readPing(refused, '', SILENCE), {
    failure: 'no answer: 2001:db8:a::1 says Destination unreachable: No route',
  });
  t.deepEqual(readPing('PING x\n', '', SILENCE), { failure: 'no answer' });
  t.deepEqual(readPing('', 'ping: bind icmp socket: Cannot assign requested address\n', SILENCE), {
    failure: 'no answer: bind icmp socket: Cannot assign requested address',
  });
});
