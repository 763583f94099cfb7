import test from 'ava';
import { checkEspOffload, loadedModules } from '../../../src/doctor/tunnels.js';

const MODULES = 'esp6_offload 20480 2 - Live 0x0000000000000000\nesp6 28672 1 esp6_offload, Live 0x0\n';

test('the module that delays encryption, from the text of /proc/modules', (t) => {
  t.deepEqual([...loadedModules(MODULES)], ['esp6_offload', 'esp6']);
  t.deepEqual([...loadedModules('')], []);
  t.is(checkEspOffload(loadedModules('esp6 28672 0 - Live 0x0\n')).verdict, 'ok');
  t.like(checkEspOffload(loadedModules(MODULES)), { verdict: 'warn' });
  t.regex(checkEspOffload(loadedModules(MODULES)).advice, /rmmod esp6_offload/);
});
