// Kernel tests: root, each in network namespaces of its own. They wait about as long as they compute, so three files run
// at a time on two processors; the tests of a file run one after the other.
export default {
  files: ['build/js/test/kernel/**/*.test.js'],
  nodeArguments: ['--enable-source-maps'],
  workerThreads: false,
  concurrency: 3,
  serial: true,
  timeout: '240s',
};
