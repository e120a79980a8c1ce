/** `npm run -s test:cel -- FILE` */
import { readFileSync } from 'node:fs';
import { type Case, judge, tallyOf } from './judge.ts';

const USAGE = `Usage: npm run -s test:cel -- FILE [--rejected]

Evaluates the cases of a file and prints {"right", "rejected", "different", "cases"} as one line of JSON.

  right      gives the wanted value, or fails where an error is wanted
  rejected   is rejected when it is applied, with an error that says where and why
  different  gives another value, or fails where a value is wanted; listed on stderr

Cases with values of other types (? in the file) are not judged. Exits with 1 if any case is different.

  FILE        JSON lines: {"Expr": expression, "Want": value, "Bind": {variable: value}}. A value is a letter for its
              type and the value: i int, u uint, d double (8 bytes in hex), s string (hex), b bytes (hex), T, F, n null,
              t type, [value,…], {key:value,…}; the wanted value E is an error
  --rejected  also lists the rejected cases on stderr
  --help      prints this text
`;

function main(args: readonly string[]): number {
  if (args.includes('--help')) {
    process.stdout.write(USAGE);
    return 0;
  }
  const files = args.filter((arg) => !arg.startsWith('--'));
  const unknown = args.find((arg) => arg.startsWith('--') && arg !== '--rejected');
  const [file] = files;
  if (unknown !== undefined || file === undefined || files.length > 1) {
    process.stderr.write(`${unknown === undefined ? 'one FILE is needed' : `unknown option ${unknown}`}\n\n${USAGE}`);
    return 2;
  }
  return report(readCases(file), args.includes('--rejected') ? ['different', 'rejected'] : ['different']);
}

function readCases(file: string): Case[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      const parsed = JSON.parse(line) as Partial<Case>;
      if (typeof parsed.Expr === 'string' && typeof parsed.Want === 'string')
        return [{ Expr: parsed.Expr, Want: parsed.Want, Bind: parsed.Bind ?? {} }];
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    throw new Error(`${file}, line ${index + 1}: not a case; write {"Expr": …, "Want": …, "Bind": {…}}`);
  });
}

function report(cases: readonly Case[], listed: readonly string[]): number {
  const verdicts = cases.map(judge);
  verdicts.forEach(({ verdict, gave }, index) => {
    const { Expr, Want } = cases[index]!;
    if (listed.includes(verdict)) process.stderr.write(`${verdict}: ${JSON.stringify(Expr)} wants ${Want}, gave ${gave}\n`);
  });
  const tally = tallyOf(verdicts);
  process.stdout.write(`${JSON.stringify(tally)}\n`);
  return tally.different > 0 ? 1 : 0;
}

process.exitCode = main(process.argv.slice(2));
