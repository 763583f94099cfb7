// Unit tests: no root, no kernel objects, parallel.
export default {
  files: ['build/js/test/unit/**/*.test.js'],
  nodeArguments: ['--enable-source-maps'],
  workerThreads: false,
  timeout: '120s',
};
