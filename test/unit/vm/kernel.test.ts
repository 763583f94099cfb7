import test from 'ava';
import { chooseRelease, NEWEST } from '../../vm/kernel.js';

const RELEASES = [
  '6.1.0-9-cloud-amd64',
  '6.1.0-56-cloud-amd64',
  '6.12.117+deb12-cloud-amd64',
  '6.12.90+deb13-cloud-amd64',
  '7.3.4+deb13-cloud-amd64',
  '7.2.13+deb14-cloud-amd64',
];

test('a name means the newest release that begins with it', (t) => {
  t.is(chooseRelease('6.1', RELEASES), '6.1.0-56-cloud-amd64');
  t.is(chooseRelease('6.1.0-9', RELEASES), '6.1.0-9-cloud-amd64');
  t.is(chooseRelease('6.12', RELEASES), '6.12.117+deb12-cloud-amd64');
  t.is(chooseRelease('6.12.90+deb13', RELEASES), '6.12.90+deb13-cloud-amd64');
  t.is(chooseRelease(NEWEST, RELEASES), '7.3.4+deb13-cloud-amd64');
});

test('a number is not the beginning of a longer one', (t) => {
  t.is(chooseRelease('6.1.0-5', RELEASES), undefined);
  t.is(chooseRelease('6', RELEASES), '6.12.117+deb12-cloud-amd64');
  t.is(chooseRelease('5.10', RELEASES), undefined);
  t.is(chooseRelease(NEWEST, []), undefined);
});
