import { describe, expect, test } from 'vitest';
import { ExpressionError } from '../errors.ts';
import { parse } from './parse.ts';
import type { Node } from './tree.ts';

function syntaxError(text: string): { message: string; marked: string } {
  try {
    parse(text);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    expect(error.code).toBe('syntax');
    return { message: error.message, marked: text.slice(error.range!.start, error.range!.end) };
  }
  throw new Error(`${text} was parsed`);
}

/** The tree as text, each operation in parentheses. */
function shape(node: Node): string {
  switch (node.op) {
    case 'binary':
      return `(${shape(node.left)} ${node.operator} ${shape(node.right)})`;
    case 'logic':
      return `(${node.operands.map(shape).join(` ${node.operator} `)})`;
    case 'unary':
      return `(${node.operator}${shape(node.operand)})`;
    case 'conditional':
      return `(${shape(node.test)} ? ${shape(node.yes)} : ${shape(node.no)})`;
    case 'select':
      return `${shape(node.object)}.${node.field}`;
    case 'name':
      return node.name;
    case 'literal':
      return String(node.value);
    default:
      return node.op;
  }
}

describe('operators bind', () => {
  const cases: Record<string, [text: string, tree: string]> = {
    'products before sums': ['a + b * c - d', '((a + (b * c)) - d)'],
    'from the left': ['a - b - c / d / e', '((a - b) - ((c / d) / e))'],
    'sums before orders before and before or': ['a || b && c < d + e', '(a || (b && (c < (d + e))))'],
    'conditions from the right': ['a ? b : c ? d : e', '(a ? b : (c ? d : e))'],
    'signs before products': ['-a * !b', '((-a) * (!b))'],
    'fields before signs': ['-a.b', '(-a.b)'],
    'a minus to a number': ['- 5 - -5', '(-5 - -5)'],
    'several signs': ['--5', '(--5)'],
    'in as an order': ['a in b == c', '((a in b) == c)'],
    'chains of and as one': ['a && b && c || d || e && f', '((a && b && c) || d || (e && f))'],
  };
  test.each(Object.entries(cases))('%s', (_, [text, tree]) => {
    expect(shape(parse(text))).toBe(tree);
  });
});

describe('a mistake is pointed to', () => {
  const cases: Record<string, [text: string, message: string, marked: string]> = {
    'a string that is not closed': ["a == 'x", 'the string is not closed', "'x"],
    'a string that ends with its line': ["'x\n'", 'the string is not closed', "'x"],
    'a character that has no meaning': ['a & b', 'unexpected character: &', '&'],
    'a character outside the BMP': ['a + 😀', 'unexpected character: 😀', '😀'],
    'a number with letters': ['1abc', '1abc is not a number', '1abc'],
    'two values': ['a b', 'unexpected token: "b"', 'b'],
    'a bracket that is not closed': ['[1, 2', 'expected "]", got end of the expression', ''],
    'a map without a value': ["{'a'}", 'expected ":", got "}"', '}'],
    'a comma behind the last argument': ['size(a,)', 'unexpected token: ")"', ')'],
    'a field without a name': ['a.1', 'unexpected token: ".1"', '.1'],
    nothing: ['', 'unexpected token: end of the expression', ''],
    'a macro without a variable': ['a.map(1, 2)', 'the first argument of map() is the name of a variable', '1'],
    'an escape within a string': ["'ab\\qcd'", '\\q is not an escape of a string literal; write \\\\ for a backslash', '\\q'],
    'a double that is too large': ['1e999', '1e999 does not fit into double', '1e999'],
    'a uint that is too large': [
      '18446744073709551616u',
      '18446744073709551616u does not fit into uint (64 bits)',
      '18446744073709551616u',
    ],
  };
  test.each(Object.entries(cases))('%s', (_, [text, message, marked]) => {
    expect(syntaxError(text)).toEqual({ message, marked });
  });
});

describe('expressions that are large', () => {
  test.each(['(', '[', '-', '!', "{'a': ", 'f(', 'a ? b : '])('%s nested too deeply is rejected', (opening) => {
    expect(syntaxError(`${opening.repeat(10_000)}1`).message).toMatch(/^the expression is nested more than 250 levels deep/);
  });

  test.each([' + 1', ' - 1', '.a', '[0]', '.size()'])('a chain of "%s" has a bound', (link) => {
    expect(parse(`1${link.repeat(200)}`)).toBeDefined();
    expect(syntaxError(`a${link.repeat(1_000)}`).message).toMatch(/^the expression is nested more than 250 levels deep/);
  });

  test('a chain of and, a list and a map may be long', () => {
    for (const text of [
      Array(5_000).fill('a').join(' && '),
      `[${Array(5_000).fill('a').join(', ')}]`,
      `{${Array(5_000).fill('a: b').join(', ')}}`,
    ]) {
      expect(parse(text).depth).toBe(2);
    }
  });

  test('a text that is too long is rejected before it is read', () => {
    expect(syntaxError(`'${'x'.repeat(100_000)}'`).message).toBe('the expression is longer than 100000 characters');
  });
});

test('comments and blank lines are passed over', () => {
  expect(shape(parse('// why\n a +\t// more\r\n b // end'))).toBe('(a + b)');
});
