// Kernel tests: root, each in network namespaces of its own. They wait more than they compute, so two files run at a
// time; the tests of a file run one after the other.
export default {
  files: ['build/js/test/kernel/**/*.test.js'],
  nodeArguments: ['--enable-source-maps'],
  workerThreads: false,
  concurrency: 2,
  serial: true,
  timeout: '240s',
};
