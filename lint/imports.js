const BELOW_THE_PROCESSES = ['schemas', 'expressions', 'registry', 'kafka'];
const PURE_PACKAGES = ['schemas', 'expressions', 'registry'];

/**
 * Who may import what. Of several zones that hold a file the last one counts.
 * packages: ours, in the one direction in which they build on each other;
 * clients, clientTypes: third-party clients at home here, or known here by their types alone;
 * isPure: decides and never acts.
 */
const ZONES = [
  { files: ['schemas/**'], packages: [] },
  { files: ['expressions/**'], packages: ['schemas'] },
  { files: ['registry/**'], packages: ['schemas'], clients: ['@kafkajs/confluent-schema-registry', 'avsc'] },
  { files: ['registry/test/**'], packages: ['schemas', 'registry'], clients: ['avsc'] },
  { files: ['kafka/**'], packages: ['schemas'], clients: ['kafkajs'] },
  { files: ['kafka/test/**'], packages: ['schemas', 'kafka'], clients: ['kafkajs'] },
  { files: ['worker/**'], packages: BELOW_THE_PROCESSES },
  { files: ['worker/src/kafka/**'], packages: BELOW_THE_PROCESSES, clientTypes: ['kafkajs'] },
  { files: ['worker/test/**'], packages: [...BELOW_THE_PROCESSES, 'worker'], clientTypes: ['kafkajs'] },
  {
    files: ['worker/src/membership/assignment.ts', 'worker/src/pipeline/{encode,handle,dead-letter,program}.ts'],
    packages: PURE_PACKAGES,
    isPure: true,
  },
  { files: ['operator/**'], packages: BELOW_THE_PROCESSES },
  { files: ['operator/src/check/**'], packages: PURE_PACKAGES, isPure: true },
  {
    files: ['operator/src/desired/**'],
    packages: PURE_PACKAGES,
    clientTypes: ['@kubernetes/client-node'],
    isPure: true,
  },
  {
    files: ['operator/src/{reasons,resolve,facts,values}.ts', 'operator/src/reconcile/{plan,conditions,events}.ts'],
    packages: PURE_PACKAGES,
    isPure: true,
  },
  { files: ['operator/test/**'], packages: [...BELOW_THE_PROCESSES, 'operator'] },
  { files: ['local/**'], packages: [...BELOW_THE_PROCESSES, 'worker', 'operator'] },
  { files: ['cli/**'], packages: [...BELOW_THE_PROCESSES, 'operator', 'local'] },
  { files: ['bench/**'], packages: [...BELOW_THE_PROCESSES, 'worker', 'operator', 'local', 'cli'], clientTypes: ['kafkajs'] },
  // Peers are programs of their own, with clients as published
  { files: ['bench/src/peers/**', 'bench/peers/**'], packages: [], clients: ['kafkajs', 'avsc', '@platformatic/kafka'] },
  { files: ['local/test/**', 'cli/test/**', 'test/**'], packages: [...BELOW_THE_PROCESSES, 'worker', 'operator', 'local', 'cli'] },
  { files: ['test/{chaos,soak}/**'], packages: [...BELOW_THE_PROCESSES, 'local'], clientTypes: ['kafkajs'] },
];

const OWN_PACKAGES = 'schemas|expressions|registry|kafka|worker|operator|local|cli|bench';
const CLIENTS = ['kafkajs', '@kubernetes/client-node', '@kafkajs/confluent-schema-registry', 'avsc', '@platformatic/kafka'];

const ANYWHERE = [
  { regex: '^@sagafleet/[^/]+/', message: "import from the package's entry" },
  { regex: `^(\\.\\./)+(${OWN_PACKAGES})/(src|dist|test)/`, message: "import from the package's entry" },
  { regex: '(^|/)main\\.(ts|js)$', message: 'main.ts starts a process: nothing imports it' },
];

/** The zones as ESLint configuration. */
export const importRules = ZONES.map((zone) => ({
  files: zone.files,
  // A pure file's test may read a file of expected results.
  ignores: zone.isPure ? ['**/*.test.ts'] : [],
  rules: {
    ...(zone.isPure ? { 'sagafleet/pure-imports': 'error' } : {}),
    '@typescript-eslint/no-restricted-imports': [
      'error',
      {
        paths: [{ name: 'node:process', importNames: ['env'], message: 'process.env is read in main.ts alone' }],
        patterns: [...ANYWHERE, direction(zone), ...foreignClients(zone), ...(zone.isPure ? [acting()] : [])],
      },
    ],
  },
}));

function direction({ packages }) {
  const allowed = packages.map((name) => `(?!${name}(?:/|$))`).join('');
  return { regex: `^@sagafleet/${allowed}`, message: 'packages build on each other in one direction (lint/imports.js)' };
}

function foreignClients({ clients = [], clientTypes = [] }) {
  return CLIENTS.filter((name) => !clients.includes(name)).map((name) => ({
    regex: `^${name}(/|$)`,
    message: 'a client has one home (lint/imports.js)',
    allowTypeImports: clientTypes.includes(name),
  }));
}

function acting() {
  return { regex: '^node:', message: 'a pure file decides and leaves acting to its caller' };
}
