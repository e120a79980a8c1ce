#!/usr/bin/env node
// Plain JavaScript that an old Node understands: it says which Node is needed, or finds it in the checkout.
import { spawn } from 'child_process';
import { existsSync } from 'fs';
import { constants } from 'os';
import { fileURLToPath } from 'url';

const NEEDED_MAJOR = 24;
const EXIT_USAGE = 2;

const pathOf = (relative) => fileURLToPath(new URL(relative, import.meta.url));

const major = Number(process.versions.node.split('.')[0]);
const ownNode = pathOf('../../node_modules/node/bin/node');
const node = major >= NEEDED_MAJOR ? process.execPath : ownNode;
const source = pathOf('../src/main.ts');
const program = existsSync(source) ? ['-C', 'source', source] : [pathOf('../dist/main.js')];

if (existsSync(node)) {
  run(node, [...program, ...process.argv.slice(2)]);
} else {
  console.error(`sagafleet needs Node ${NEEDED_MAJOR} or newer, this is ${process.versions.node}: install it from https://nodejs.org`);
  process.exitCode = EXIT_USAGE;
}

/** Not spawnSync: while it waits, a signal would end this process and leave the other one running. */
function run(command, args) {
  const child = spawn(command, args, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to both, and a second one would mean "at once".
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('exit', (code, signal) => {
    process.exitCode = code === null ? 128 + constants.signals[signal] : code;
  });
}
