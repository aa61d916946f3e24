import type { ASTNode } from '@marcbachmann/cel-js';

/** What an evaluation may cost; 6 ms was the worst found over a megabyte of data. See `filter.ts` for what a step is. */
export const stepsAtMost = 20_000;
const charactersOfStep = 256;
/** A character between others is a piece of its own to change, which takes as long as looking at so many. */
const costOfCase = 50;

/** What is left to one evaluation. */
export interface Run {
  stepsLeft: number;
}

/** What names stand for: those of the event, or of a macro's element before those around it. */
export interface Scope {
  variables: Readonly<Record<string, unknown>>;
  outer?: Scope;
}

/**
 * Why an expression has no value: a member is `missing`, something is of another kind than it has to be (`wrong_kind`),
 * or it would take more than `stepsAtMost` (`too_costly`).
 */
export class FilterFault extends Error {
  override readonly name = 'FilterFault';
  readonly kind: 'missing' | 'wrong_kind' | 'too_costly';

  constructor(kind: FilterFault['kind']) {
    super(kind);
    this.kind = kind;
  }
}

// Made once: a list may lead to thousands of them, and its stack is what an error costs.
const missing = new FilterFault('missing');
const wrongKind = new FilterFault('wrong_kind');
const tooCostly = new FilterFault('too_costly');
const stepsOfFault = 10;

/**
 * The value of an expression that `faultOf` has nothing against.
 *
 * @throws FilterFault when it has none.
 */
export function evaluate(run: Run, node: ASTNode, scope: Scope): unknown {
  spend(run, 1);
  switch (node.op) {
    case 'value':
      return literal(node.args);
    case 'id':
      return lookUp(scope, node.args);
    case '.':
      return member(evaluate(run, node.args[0], scope), node.args[1]);
    case '[]':
      return element(evaluate(run, node.args[0], scope), evaluate(run, node.args[1], scope));
    case 'call':
      return call(run, node.args, scope);
    case 'rcall':
      return callMethod(run, node.args, scope);
    case 'list':
      return node.args.map((part) => evaluate(run, part, scope));
    case 'map':
      return Object.fromEntries(
        node.args.map(([key, value]) => [text(evaluate(run, key, scope)), evaluate(run, value, scope)]),
      );
    case '?:': {
      const [condition, one, other] = node.args;
      return evaluate(run, truth(evaluate(run, condition, scope)) ? one : other, scope);
    }
    case '||':
      return decided(run, true, node.args, (part) => evaluate(run, part, scope));
    case '&&':
      return decided(run, false, node.args, (part) => evaluate(run, part, scope));
    case '!_':
      return !truth(evaluate(run, node.args, scope));
    case '-_':
      return -number(evaluate(run, node.args, scope));
    case '==':
    case '!=':
    case 'in':
    case '<':
    case '<=':
    case '>':
    case '>=':
    case '+':
    case '-':
    case '*':
    case '/':
    case '%': {
      const [left, right] = node.args;
      return operate(run, node.op, evaluate(run, left, scope), evaluate(run, right, scope));
    }
    default:
      throw wrongKind;
  }
}

function operate(run: Run, op: string, left: unknown, right: unknown): unknown {
  switch (op) {
    case '==':
      return isEqual(run, left, right);
    case '!=':
      return !isEqual(run, left, right);
    case 'in':
      return isIn(run, left, right);
    case '+':
      return sum(run, left, right);
    case '-':
      return number(left) - number(right);
    case '*':
      return number(left) * number(right);
    case '/':
      return number(left) / divisor(right);
    case '%':
      return number(left) % divisor(right);
    default:
      return isOrdered(compare(run, left, right), op);
  }
}

/** The first that is `deciding` decides, whatever the others are, those without a value included. */
function decided<Part>(
  run: Run,
  deciding: boolean,
  parts: Iterable<Part>,
  valueFor: (part: Part) => unknown,
): boolean {
  let fault: FilterFault | undefined;
  for (const part of parts) {
    try {
      if (truth(valueFor(part)) === deciding) return deciding;
    } catch (error) {
      if (!(error instanceof FilterFault) || error === tooCostly) throw error;
      spend(run, stepsOfFault);
      // What is wrong is to be seen rather than what is not there.
      if (fault !== wrongKind) fault = error;
    }
  }
  if (fault !== undefined) throw fault;
  return !deciding;
}

function call(run: Run, [name, [argument]]: [string, ASTNode[]], scope: Scope): unknown {
  if (argument === undefined) throw wrongKind;
  if (name === 'has') return has(run, argument, scope);
  const value = evaluate(run, argument, scope);
  switch (name) {
    case 'size':
      return size(run, value);
    case 'string':
      if (typeof value === 'number' || typeof value === 'boolean') return String(value);
      return text(value);
    case 'int':
      return Math.trunc(toNumber(value));
    case 'double':
      return toNumber(value);
    default:
      throw wrongKind;
  }
}

function has(run: Run, node: ASTNode, scope: Scope): boolean {
  if (node.op !== '.') throw wrongKind;
  try {
    member(evaluate(run, node.args[0], scope), node.args[1]);
    return true;
  } catch (error) {
    if (error !== missing) throw error;
    spend(run, stepsOfFault);
    return false;
  }
}

function callMethod(run: Run, [name, receiver, given]: [string, ASTNode, ASTNode[]], scope: Scope): unknown {
  const value = evaluate(run, receiver, scope);
  const [first, second] = given;
  if (first?.op === 'id' && second !== undefined) {
    return overElements(run, name, itemsOf(run, value), (item) =>
      evaluate(run, second, { variables: { [first.args]: item }, outer: scope }),
    );
  }
  if (name === 'size') return size(run, value);
  const subject = text(value);
  const part = first === undefined ? '' : text(evaluate(run, first, scope));
  switch (name) {
    case 'startsWith':
      spendText(run, part.length);
      return subject.startsWith(part);
    case 'endsWith':
      spendText(run, part.length);
      return subject.endsWith(part);
    case 'contains':
      // A search may look at all of the one for each character of the other.
      spendText(run, subject.length * Math.max(1, part.length));
      return subject.includes(part);
    case 'lowerAscii':
      spendText(run, costOfCase * subject.length);
      return subject.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
    case 'upperAscii':
      spendText(run, costOfCase * subject.length);
      return subject.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
    case 'trim':
      spendText(run, subject.length);
      return subject.trim();
    default:
      throw wrongKind;
  }
}

function overElements(
  run: Run,
  macro: string,
  items: readonly unknown[],
  valueFor: (item: unknown) => unknown,
): unknown {
  switch (macro) {
    case 'all':
      return decided(run, false, items, valueFor);
    case 'exists':
      return decided(run, true, items, valueFor);
    case 'exists_one':
      return items.filter((item) => truth(valueFor(item))).length === 1;
    case 'filter':
      return items.filter((item) => truth(valueFor(item)));
    case 'map':
      return items.map(valueFor);
    default:
      throw wrongKind;
  }
}

/** Of a list its elements, of a map its keys. */
function itemsOf(run: Run, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  const keys = Object.keys(map(value));
  spend(run, keys.length);
  return keys;
}

function lookUp({ variables, outer }: Scope, name: string): unknown {
  if (Object.hasOwn(variables, name)) return variables[name];
  if (outer === undefined) throw missing;
  return lookUp(outer, name);
}

/** An object's own member: it has no prototype as far as filters are concerned. */
function member(value: unknown, name: string): unknown {
  const object = map(value);
  if (!Object.hasOwn(object, name)) throw missing;
  return object[name];
}

function element(value: unknown, key: unknown): unknown {
  if (!Array.isArray(value)) return member(value, text(key));
  const index = number(key);
  if (!Number.isInteger(index) || index < 0 || index >= value.length) throw missing;
  return value[index];
}

function isIn(run: Run, value: unknown, container: unknown): boolean {
  if (Array.isArray(container)) return container.some((item) => isEqual(run, value, item));
  return Object.hasOwn(map(container), text(value));
}

/** Deep, as CEL's: what is of different kinds is not equal. */
function isEqual(run: Run, one: unknown, other: unknown): boolean {
  spend(run, 1);
  if (one === other) return true;
  if (typeof one === 'string' && typeof other === 'string') {
    if (one.length === other.length) spendText(run, one.length);
    return one === other;
  }
  if (!isCompound(one) || !isCompound(other) || Array.isArray(one) !== Array.isArray(other)) return false;
  const keys = Object.keys(one);
  spend(run, keys.length);
  if (Object.keys(other).length !== keys.length) return false;
  return keys.every((key) => Object.hasOwn(other, key) && isEqual(run, one[key], other[key]));
}

function compare(run: Run, one: unknown, other: unknown): number {
  if (one === null || other === null) throw missing;
  if (typeof one !== typeof other) throw wrongKind;
  if (typeof one === 'string') {
    spendText(run, Math.min(one.length, (other as string).length));
    return one < (other as string) ? -1 : Number(one !== other);
  }
  if (typeof one !== 'number' && typeof one !== 'boolean') throw wrongKind;
  return Number(one) - Number(other);
}

function isOrdered(difference: number, op: string): boolean {
  switch (op) {
    case '<':
      return difference < 0;
    case '<=':
      return difference <= 0;
    case '>':
      return difference > 0;
    default:
      return difference >= 0;
  }
}

function sum(run: Run, one: unknown, other: unknown): unknown {
  if (typeof one === 'string') {
    const joined = one + text(other);
    spendText(run, joined.length);
    return joined;
  }
  if (Array.isArray(one) && Array.isArray(other)) {
    spend(run, one.length + other.length);
    return [...one, ...other];
  }
  return number(one) + number(other);
}

/** Characters (code points) of a text, elements of a list, members of a map. */
function size(run: Run, value: unknown): number {
  if (Array.isArray(value)) return value.length;
  if (typeof value === 'string') {
    spendText(run, 4 * value.length);
    let count = 0;
    for (const _ of value) count += 1;
    return count;
  }
  const { length } = Object.keys(map(value));
  spend(run, length);
  return length;
}

function literal(value: unknown): unknown {
  // An int comes as a bigint, a uint as an object of the library.
  const isInt = typeof value === 'bigint' || (typeof value === 'object' && value !== null);
  return isInt ? Number(value) : value;
}

function toNumber(value: unknown): number {
  if (typeof value !== 'string') return number(value);
  if (!/^[+-]?\d{1,20}(\.\d{1,20})?$/.test(value)) throw wrongKind;
  return Number(value);
}

function truth(value: unknown): boolean {
  return needed(value, typeof value === 'boolean') as boolean;
}

function number(value: unknown): number {
  return needed(value, typeof value === 'number') as number;
}

function divisor(value: unknown): number {
  const found = number(value);
  if (found === 0) throw wrongKind;
  return found;
}

function text(value: unknown): string {
  return needed(value, typeof value === 'string') as string;
}

function map(value: unknown): Record<string, unknown> {
  return needed(value, isCompound(value) && !Array.isArray(value)) as Record<string, unknown>;
}

function needed(value: unknown, isGood: boolean): unknown {
  if (isGood) return value;
  throw value === null ? missing : wrongKind;
}

function isCompound(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function spend(run: Run, steps: number): void {
  run.stepsLeft -= steps;
  if (run.stepsLeft >= 0) return;
  run.stepsLeft = 0;
  throw tooCostly;
}

function spendText(run: Run, characters: number): void {
  spend(run, Math.ceil(characters / charactersOfStep));
}
