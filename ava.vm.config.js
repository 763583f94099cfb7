// Kernel tests in a guest with another kernel: what needs no clock and no great amount of traffic, with the patience
// that emulation takes. A test with daemons in the lab takes a minute and more there, so few of these are in it.
export default {
  files: [
    'build/js/test/kernel/{libbpf-ts,netlink,datapath-state,datapath,tunnels}/**/*.test.js',
    'build/js/test/kernel/packets/fragments.test.js',
  ],
  nodeArguments: ['--enable-source-maps'],
  workerThreads: false,
  concurrency: 1,
  serial: true,
  timeout: '600s',
};
