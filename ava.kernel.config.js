// Kernel tests: root, each in network namespaces of its own. They wait about as long as they compute, so two files run at
// a time. The tests of a file run one after the other, as each of them says: `serial` here would be one file at a time, too.
export default {
  files: ['build/js/test/kernel/**/*.test.js'],
  nodeArguments: ['--enable-source-maps'],
  workerThreads: false,
  concurrency: 2,
  timeout: '240s',
};
