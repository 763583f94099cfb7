/** `node fake-daemon.js daemon CONFIG`: a real daemon process around a controller without a kernel. */
import { runDaemon } from '../../src/daemon/index.js';
import { FakeController } from './fake-controller.js';

const [, , , file = ''] = process.argv;
await runDaemon(file, {
  createController: () => {
    const controller = new FakeController();
    process.once('SIGUSR2', () => {
      controller.emit({
        kind: 'binding',
        router: 'mr',
        bid: 1,
        name: 'lte-a',
        from: 'usable',
        to: 'no-carrier',
      });
    });
    process.once('SIGUSR1', () => {
      setImmediate(() => {
        throw new Error('a fault on purpose');
      });
    });
    return controller;
  },
});
