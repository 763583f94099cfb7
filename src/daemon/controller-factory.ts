/** The one place where the daemon and the command line meet the controller; loaded when it is needed. */
export { createController, removeInstance } from '../careof/controller.js';
