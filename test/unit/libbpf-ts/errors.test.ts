import test from 'ava';
import { fromNative } from '../../../src/libbpf-ts/errors.js';
import { BpfError, errnoName, VerifierError } from '../../../src/libbpf-ts/index.js';

const nativeError = (fields: object): Error =>
  Object.assign(new Error('native'), { messages: [], ...fields });

test('errno values have the names Linux gives them', (t) => {
  t.is(errnoName(1), 'EPERM');
  t.is(errnoName(95), 'EOPNOTSUPP');
  t.is(errnoName(524), 'ENOTSUPP');
  t.is(errnoName(67), 'ENOLINK');
  t.is(errnoName(99999), 'ERRNO_99999');
});

test('a native error keeps errno, operation and what libbpf said', (t) => {
  const error = fromNative(
    nativeError({ errno: 1, operation: 'create map', messages: ['libbpf: map x: no'] }),
  );
  t.true(error instanceof BpfError);
  const bpf = error as BpfError;
  t.is(bpf.code, 'EPERM');
  t.is(bpf.operation, 'create map');
  t.regex(bpf.message, /create map \(EPERM\): map x: no; hint: needs CAP_BPF/);
});

test('a refused program gives its own log, not that of another', (t) => {
  const error = fromNative(
    nativeError({
      errno: 13,
      operation: 'load object',
      messages: ["libbpf: prog 'b': BPF program load failed: Permission denied"],
      logs: [
        { name: 'a', log: 'all fine\n' },
        { name: 'b', log: 'line\ninvalid access\nprocessed 3 insns (limit 1000000)\n' },
      ],
    }),
  );
  t.true(error instanceof VerifierError);
  const refused = error as VerifierError;
  t.is(refused.code, 'VERIFIER');
  t.is(refused.errno, 13);
  t.is(refused.programName, 'b');
  t.regex(refused.message, /invalid access$/);
  t.regex(refused.log, /processed 3 insns/);
});

test('other errors pass unchanged', (t) => {
  const error = new TypeError('x');
  t.is(fromNative(error), error);
});
