import importX, { createNodeResolver } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';
import { importRules } from './lint/imports.js';
import { tellingNames } from './lint/names.js';
import { pureImports } from './lint/purity.js';

const CONFIG_FILES = ['*.config.{js,ts}'];
const ANY_DEFAULT_EXPORT = { direct: true, named: true, defaultFrom: true, namedFrom: true, namespaceFrom: true };
const TESTS = ['**/*.test.ts', '*/test/**', 'test/**'];

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '**/coverage/**', '**/.sagafleet/**'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  tseslint.configs.recommended,
  {
    plugins: { sagafleet: { rules: { 'telling-names': tellingNames, 'pure-imports': pureImports } }, 'import-x': importX },
    settings: {
      'import-x/resolver-next': [createNodeResolver({ conditionNames: ['source', 'import'], extensions: ['.ts', '.js'] })],
      'import-x/extensions': ['.ts', '.js'],
    },
    rules: {
      'import-x/no-cycle': 'error',
      'import-x/order': [
        'error',
        {
          groups: ['builtin', ['external', 'internal'], 'parent', ['sibling', 'index']],
          'newlines-between': 'never',
          alphabetize: { order: 'asc', caseInsensitive: true },
        },
      ],
      'sagafleet/telling-names': 'error',
      'max-lines': ['error', 400],
      'max-lines-per-function': ['error', 60],
      'max-depth': ['error', 3],
      'max-params': ['error', 4],
      'no-restricted-exports': ['error', { restrictDefaultExports: ANY_DEFAULT_EXPORT }],
      'no-restricted-properties': ['error', { object: 'process', property: 'env', message: 'process.env is read in main.ts alone' }],
      // `== null` means "null or undefined".
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname } },
    rules: { '@typescript-eslint/no-floating-promises': 'error' },
  },
  ...importRules,
  { files: TESTS, rules: { 'max-lines': ['error', 600], 'max-lines-per-function': 'off' } },
  { files: ['**/src/main.ts', '*/bin/**', 'test/**', '*/test/**', ...CONFIG_FILES], rules: { 'no-restricted-properties': 'off' } },
  { files: CONFIG_FILES, rules: { 'no-restricted-exports': 'off' } },
);
