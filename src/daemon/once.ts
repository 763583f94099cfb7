import type { Config } from '../config/index.js';
import type { ControllerStatus } from '../views/index.js';
import { InstanceLock, pidFilePath } from './instance-lock.js';
import { createLog, logChanges } from './log.js';

/**
 * Loads and reconciles once, without staying: what is pinned works on by itself, but nobody follows
 * addresses and neighbours until a daemon adopts it.
 * @throws DaemonError `INSTANCE_RUNNING` when a daemon does this already
 */
export async function bringUp(config: Config): Promise<ControllerStatus> {
  const lock = InstanceLock.acquire(pidFilePath(config.socket, config.instance), { purpose: 'up' });
  try {
    const { createController } = await import('./controller-factory.js');
    const log = createLog(process.env.COAX_LOG_LEVEL ?? 'warn');
    const controller = await createController(config, log);
    logChanges(controller, log);
    try {
      await controller.start();
      return controller.status();
    } finally {
      await controller.stop();
    }
  } finally {
    lock.release();
  }
}
