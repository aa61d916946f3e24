import type { ASTNode } from '@marcbachmann/cel-js';

/** What an expression gives, as far as that is known without an event. */
type Kind = 'bool' | 'number' | 'string' | 'list' | 'map' | 'null' | 'any';

/** What is wrong with an expression; undefined when it can be used. */
export function faultOf(root: ASTNode): string | undefined {
  const faults: string[] = [];
  const kind = kindOf(root, new Set(variables), (fault) => faults.push(fault));
  if (!mayBe(kind, 'bool')) faults.push(`must be true or false, and is a ${kind}`);
  return faults[0];
}

const variables = ['type', 'subject', 'source', 'data'];

/** `has`, which takes a member rather than its value, is none of them. */
const functions: Readonly<Record<string, Kind>> = {
  size: 'number',
  string: 'string',
  int: 'number',
  double: 'number',
};

const methods: Readonly<Record<string, { kind: Kind; of: Kind; takes: Kind[] }>> = {
  startsWith: { kind: 'bool', of: 'string', takes: ['string'] },
  endsWith: { kind: 'bool', of: 'string', takes: ['string'] },
  contains: { kind: 'bool', of: 'string', takes: ['string'] },
  lowerAscii: { kind: 'string', of: 'string', takes: [] },
  upperAscii: { kind: 'string', of: 'string', takes: [] },
  trim: { kind: 'string', of: 'string', takes: [] },
  size: { kind: 'number', of: 'any', takes: [] },
};

const macros: Readonly<Record<string, Kind>> = {
  all: 'bool',
  exists: 'bool',
  exists_one: 'bool',
  filter: 'list',
  map: 'list',
};

type Tell = (fault: string) => void;

/** The kind of an expression in which these names are known. */
function kindOf(node: ASTNode, names: ReadonlySet<string>, tell: Tell): Kind {
  const kindIn = (part: ASTNode) => kindOf(part, names, tell);
  const expect = (part: ASTNode, kind: Kind) => {
    const found = kindIn(part);
    if (!mayBe(found, kind)) tell(`needs a ${kind} where it has a ${found}`);
  };
  switch (node.op) {
    case 'value':
      return kindOfLiteral(node.args, tell);
    case 'id':
      if (!names.has(node.args)) tell(`knows no ${node.args}: there are ${variables.join(', ')}`);
      return node.args === 'type' ? 'string' : 'any';
    case '.':
      expect(node.args[0], 'map');
      return 'any';
    case '[]':
      for (const part of node.args) kindIn(part);
      return 'any';
    case 'call':
      return kindOfCall(node.args, names, tell);
    case 'rcall':
      return kindOfMethod(node.args, names, tell);
    case 'list':
      for (const part of node.args) kindIn(part);
      return 'list';
    case 'map':
      for (const [key, value] of node.args) {
        expect(key, 'string');
        kindIn(value);
      }
      return 'map';
    case '?:': {
      const [condition, one, other] = node.args;
      expect(condition, 'bool');
      const [first, second] = [kindIn(one), kindIn(other)];
      return first === second ? first : 'any';
    }
    case '||':
    case '&&':
      for (const part of node.args) expect(part, 'bool');
      return 'bool';
    case '!_':
      expect(node.args, 'bool');
      return 'bool';
    case '-_':
      expect(node.args, 'number');
      return 'number';
    case '==':
    case '!=':
    case 'in':
      for (const part of node.args) kindIn(part);
      return 'bool';
    case '<':
    case '<=':
    case '>':
    case '>=':
      sameKind(node.args.map(kindIn), tell);
      return 'bool';
    case '+':
      return sameKind(node.args.map(kindIn), tell);
    case '-':
    case '*':
    case '/':
    case '%':
      for (const part of node.args) expect(part, 'number');
      return 'number';
    default:
      tell(`has ${node.op}, which filters have not`);
      return 'any';
  }
}

function kindOfLiteral(value: unknown, tell: Tell): Kind {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    default:
      if (value instanceof Uint8Array) tell('has bytes, which filters have not');
      return 'number';
  }
}

function kindOfCall([name, given]: [string, ASTNode[]], names: ReadonlySet<string>, tell: Tell): Kind {
  for (const part of given) kindOf(part, names, tell);
  if (name === 'has') {
    if (given.length !== 1 || given[0]?.op !== '.')
      tell('asks has() for something else than a member: has(data.x)');
    return 'bool';
  }
  const kind = Object.hasOwn(functions, name) ? functions[name] : undefined;
  if (kind === undefined)
    tell(`knows no ${name}(): there are ${[...Object.keys(functions), 'has'].join(', ')}`);
  else if (given.length !== 1) tell(`gives ${name}() another number of arguments than 1`);
  return kind ?? 'any';
}

function kindOfMethod(
  [name, receiver, given]: [string, ASTNode, ASTNode[]],
  names: ReadonlySet<string>,
  tell: Tell,
): Kind {
  const of = kindOf(receiver, names, tell);
  if (Object.hasOwn(macros, name)) {
    if (!mayBe(of, 'list') && of !== 'map') tell(`asks ${name}() of a ${of}`);
    const [variable, body] = given;
    if (given.length !== 2 || variable?.op !== 'id' || body === undefined) {
      tell(`needs a name and an expression in ${name}(): data.items.${name}(item, item.price > 10)`);
    } else {
      const kind = kindOf(body, new Set([...names, variable.args]), tell);
      if (name !== 'map' && !mayBe(kind, 'bool')) tell(`needs a bool in ${name}() where it has a ${kind}`);
    }
    return macros[name] ?? 'any';
  }
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
  if (method === undefined) {
    const known = [...Object.keys(methods), ...Object.keys(macros)].join(', ');
    tell(`knows no .${name}(): there are ${known}`);
    return 'any';
  }
  if (!mayBe(of, method.of)) tell(`asks ${name}() of a ${of}`);
  if (given.length !== method.takes.length)
    tell(`gives ${name}() another number of arguments than ${method.takes.length}`);
  given.forEach((part, index) => {
    const kind = kindOf(part, names, tell);
    if (!mayBe(kind, method.takes[index] ?? 'any')) tell(`gives ${name}() a ${kind}`);
  });
  return method.kind;
}

function sameKind([one = 'any', other = 'any']: Kind[], tell: Tell): Kind {
  if (one !== other && one !== 'any' && other !== 'any') tell(`brings a ${one} and a ${other} together`);
  return one === 'any' ? other : one;
}

function mayBe(kind: Kind, needed: Kind): boolean {
  return kind === 'any' || needed === 'any' || kind === needed;
}
