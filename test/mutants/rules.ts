/** What a mutant changes: one kind of thing that can be forgotten or mixed up in code a rule. */
import ts from 'typescript';

/** The text of `node` becomes `to`. */
export interface Change {
  node: ts.Node;
  to: string;
}

type Rule = (node: ts.Node) => Change[];

const { SyntaxKind } = ts;

const EMPTY_TEXT = "''";
const FIRST_ONLY = '.slice(0, 1)';

const OPPOSITES = new Map<ts.SyntaxKind, string>([
  [SyntaxKind.EqualsEqualsEqualsToken, '!=='],
  [SyntaxKind.ExclamationEqualsEqualsToken, '==='],
  [SyntaxKind.LessThanToken, '>='],
  [SyntaxKind.LessThanEqualsToken, '>'],
  [SyntaxKind.GreaterThanToken, '<='],
  [SyntaxKind.GreaterThanEqualsToken, '<'],
]);

const OPERATORS = new Map<ts.SyntaxKind, string>([
  [SyntaxKind.LessThanToken, '<='],
  [SyntaxKind.LessThanEqualsToken, '<'],
  [SyntaxKind.GreaterThanToken, '>='],
  [SyntaxKind.GreaterThanEqualsToken, '>'],
  [SyntaxKind.AmpersandAmpersandToken, '||'],
  [SyntaxKind.BarBarToken, '&&'],
  [SyntaxKind.PlusToken, '-'],
  [SyntaxKind.MinusToken, '+'],
  [SyntaxKind.AsteriskToken, '/'],
  [SyntaxKind.SlashToken, '*'],
  [SyntaxKind.PercentToken, '*'],
  [SyntaxKind.AsteriskAsteriskToken, '*'],
  [SyntaxKind.LessThanLessThanToken, '>>'],
  [SyntaxKind.GreaterThanGreaterThanToken, '<<'],
  [SyntaxKind.GreaterThanGreaterThanGreaterThanToken, '<<'],
  [SyntaxKind.AmpersandToken, '|'],
  [SyntaxKind.BarToken, '&'],
  [SyntaxKind.CaretToken, '&'],
  [SyntaxKind.PlusEqualsToken, '-='],
  [SyntaxKind.MinusEqualsToken, '+='],
  [SyntaxKind.GreaterThanGreaterThanGreaterThanEqualsToken, '<<='],
  [SyntaxKind.QuestionQuestionEqualsToken, '='],
]);

const METHODS = new Map([
  ['some', 'every'],
  ['every', 'some'],
  ['min', 'max'],
  ['max', 'min'],
  ['allSettled', 'all'],
]);
/** Calls without which their object stands. */
const DROPPED_METHODS = new Set(['filter', 'toSorted', 'sort', 'toReversed']);

export function rules(node: ts.Node): Change[] {
  return RULES.flatMap((rule) => rule(node));
}

const RULES: readonly Rule[] = [
  function swapsOperators(node) {
    if (!ts.isBinaryExpression(node) || (isProduct(node) && isSetting(node))) return [];
    const { operatorToken } = node;
    // A condition becomes true and false as well: its opposite shows no more than they do
    const opposite = isCondition(node) ? undefined : OPPOSITES.get(operatorToken.kind);
    return [OPERATORS.get(operatorToken.kind), opposite].filter((to) => to !== undefined).map((to) => ({ node: operatorToken, to }));
  },

  function dropsSideOfDefault(node) {
    if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== SyntaxKind.QuestionQuestionToken) return [];
    return [node.left, node.right].map((side) => ({ node, to: side.getText() }));
  },

  function settlesConditions(node) {
    const condition = conditionOf(node);
    if (!condition) return [];
    // A loop that never ends shows nothing
    const answers = ts.isIfStatement(node) || ts.isConditionalExpression(node) ? ['true', 'false'] : ['false'];
    return answers.map((to) => ({ node: condition, to }));
  },

  function changesUnary(node) {
    if (ts.isPostfixUnaryExpression(node) || ts.isPrefixUnaryExpression(node)) {
      const { operator, operand } = node;
      if (operator === SyntaxKind.PlusPlusToken) return [{ node, to: node.getText().replace('++', '--') }];
      if (operator === SyntaxKind.MinusMinusToken) return [{ node, to: node.getText().replace('--', '++') }];
      return operator === SyntaxKind.ExclamationToken && isCondition(node) ? [] : [{ node, to: operand.getText() }];
    }
    return [];
  },

  function changesLiterals(node) {
    if (node.kind === SyntaxKind.TrueKeyword) return [{ node, to: 'false' }];
    if (node.kind === SyntaxKind.FalseKeyword) return [{ node, to: 'true' }];
    if (isErrorText(node)) return [];
    if (ts.isStringLiteral(node)) return isName(node) ? [] : [{ node, to: EMPTY_TEXT }];
    if (ts.isArrayLiteralExpression(node)) return node.elements.length > 0 && !isTarget(node) ? [{ node, to: '[]' }] : [];
    if (ts.isNumericLiteral(node) || ts.isBigIntLiteral(node)) return isSetting(node) ? [] : [{ node, to: oneMore(node) }];
    return [];
  },

  function dropsPartsOfTemplates(node) {
    return ts.isTemplateSpan(node) && !isErrorText(node) ? [{ node: node.expression, to: EMPTY_TEXT }] : [];
  },

  function dropsStatements(node) {
    // As where its condition is false
    if (ts.isStatement(node) && ts.isIfStatement(node.parent) && !node.parent.elseStatement) return [];
    if (ts.isThrowStatement(node) || ts.isBreakOrContinueStatement(node)) return [{ node, to: ';' }];
    if (ts.isReturnStatement(node) && !node.expression) return [{ node, to: ';' }];
    if (!ts.isExpressionStatement(node)) return [];
    const isSuper = ts.isCallExpression(node.expression) && node.expression.expression.kind === SyntaxKind.SuperKeyword;
    return isSuper ? [] : [{ node, to: ';' }];
  },

  function doesNotWait(node) {
    return ts.isAwaitExpression(node) ? [{ node, to: node.expression.getText() }] : [];
  },

  function looksAtTheFirstOnly(node) {
    if (!ts.isForOfStatement(node)) return [];
    return [{ node: node.expression, to: `[...${node.expression.getText()}]${FIRST_ONLY}` }];
  },

  function changesMethods(node) {
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return [];
    const { name, expression: object } = node.expression;
    if (DROPPED_METHODS.has(name.text)) return [{ node, to: object.getText() }];
    const to = METHODS.get(name.text);
    return to === undefined ? [] : [{ node: name, to }];
  },

  function takesOptionalForGiven(node) {
    return node.kind === SyntaxKind.QuestionDotToken ? [{ node, to: ts.isPropertyAccessExpression(node.parent) ? '!.' : '!' }] : [];
  },
];

function conditionOf(node: ts.Node): ts.Expression | undefined {
  if (ts.isIfStatement(node) || ts.isWhileStatement(node)) return node.expression;
  return ts.isConditionalExpression(node) || ts.isForStatement(node) ? node.condition : undefined;
}

function isCondition(node: ts.Expression): boolean {
  return conditionOf(node.parent) === node && (ts.isIfStatement(node.parent) || ts.isConditionalExpression(node.parent));
}

/** People read it; tests look for a part of it. */
function isErrorText(node: ts.Node): boolean {
  for (let at = node.parent; at && !ts.isStatement(at); at = at.parent) {
    if (ts.isNewExpression(at) && at.expression.getText().endsWith('Error')) return true;
    if (ts.isCallExpression(at) && at.expression.kind === SyntaxKind.SuperKeyword) return true;
  }
  return false;
}

function isName(node: ts.StringLiteral): boolean {
  const { parent } = node;
  return ts.isImportDeclaration(parent) || ts.isExportDeclaration(parent) || (ts.isPropertyAssignment(parent) && parent.name === node);
}

/** Of a destructuring assignment. */
function isTarget(node: ts.ArrayLiteralExpression): boolean {
  return ts.isBinaryExpression(node.parent) && node.parent.left === node;
}

function isProduct({ operatorToken }: ts.BinaryExpression): boolean {
  return operatorToken.kind === SyntaxKind.AsteriskToken;
}

/** How large or how long something is, chosen and given a name: one more is as good. */
function isSetting(node: ts.Node): boolean {
  for (let at = node.parent; at && !ts.isFunctionLike(at); at = at.parent) {
    if (ts.isVariableDeclaration(at)) return /^[A-Z\d_]+$/.test(at.name.getText());
  }
  return false;
}

function oneMore(node: ts.NumericLiteral | ts.BigIntLiteral): string {
  if (node.text.includes('.')) return String(Number(node.text) + 1);
  return `${BigInt(node.text.replace(/n$/, '')) + 1n}${ts.isBigIntLiteral(node) ? 'n' : ''}`;
}
