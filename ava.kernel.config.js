// Kernel tests: root, one file after the other, each in network namespaces of its own.
export default {
  files: ['build/js/test/kernel/**/*.test.js'],
  nodeArguments: ['--enable-source-maps'],
  workerThreads: false,
  concurrency: 1,
  serial: true,
  timeout: '240s',
};
