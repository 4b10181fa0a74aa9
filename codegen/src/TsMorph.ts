/**
 * The only file that knows ts-morph: it reads the comments and positions of spec sources.
 *
 * ts-morph bundles a whole TypeScript (about 0.9 s to load), so everybody else imports this file dynamically and only when generating.
 */
import {
  type ArrayLiteralExpression,
  type CallExpression,
  type JSDocableNode,
  Node,
  type ObjectLiteralExpression,
  Project,
  type SourceFile,
  type VariableDeclaration
} from "ts-morph"

/** Reads a source file by path, or nothing. */
export interface SourceHost {
  readonly read: (path: string) => string | undefined
  /** The file an import specifier names, seen from another file. */
  readonly resolve: (specifier: string, from: string) => string | undefined
}

/** Comments and positions of spec sources, loaded as they are asked for. */
export class Sources {
  private readonly host: SourceHost
  private readonly project = new Project({ useInMemoryFileSystem: true, skipLoadingLibFiles: true, compilerOptions: { allowJs: true } })
  private readonly files = new Map<string, SourceFile | undefined>()

  constructor(host: SourceHost) {
    this.host = host
  }

  /** The call expression around a position that a builder noted. */
  call(path: string, line: number, column: number): Call | undefined {
    const file = this.file(path)
    const start = file?.compilerNode.getLineStarts()[line - 1]
    if (file === undefined || start === undefined) return undefined
    let node: Node | undefined = file.getDescendantAtPos(start + column - 1)
    while (node !== undefined && !Node.isCallExpression(node)) node = node.getParent()
    return node === undefined ? undefined : new Call(node, this)
  }

  /** The declaration that an identifier names: in its file, or in one it imports from. */
  declaration(node: Node): VariableDeclaration | undefined {
    const name = node.getText()
    for (let scope = node.getParent(); scope !== undefined; scope = scope.getParent()) {
      const found = Node.isBlock(scope) ? scope.getVariableDeclaration(name) : undefined
      if (found !== undefined) return found
    }
    return this.declared(node.getSourceFile(), name, 0)
  }

  private declared(file: SourceFile, name: string, depth: number): VariableDeclaration | undefined {
    const local = file.getVariableDeclaration(name)
    if (local !== undefined || depth > 6) return local
    for (const statement of file.getImportDeclarations()) {
      const named = statement.getNamedImports().find((one) => (one.getAliasNode()?.getText() ?? one.getName()) === name)
      const specifier = statement.getModuleSpecifierValue()
      // the words of the DSL say nothing about a field
      const target = named === undefined || specifier === "@wirewright/dsl" ? undefined : this.imported(specifier, file)
      if (named !== undefined && target !== undefined) return this.declared(target, named.getName(), depth + 1)
    }
    for (const statement of file.getExportDeclarations()) {
      const specifier = statement.getModuleSpecifierValue()
      const target = specifier === undefined ? undefined : this.imported(specifier, file)
      const found = target === undefined ? undefined : this.declared(target, name, depth + 1)
      if (found !== undefined) return found
    }
    return undefined
  }

  private imported(specifier: string, from: SourceFile): SourceFile | undefined {
    const path = this.host.resolve(specifier, from.getFilePath())
    return path === undefined ? undefined : this.file(path)
  }

  private file(path: string): SourceFile | undefined {
    if (!this.files.has(path)) {
      const text = this.host.read(path)
      this.files.set(path, text === undefined ? undefined : this.project.createSourceFile(path, text.replaceAll("\r\n", "\n")))
    }
    return this.files.get(path)
  }
}

/** A position in a source, counted from 1. */
export interface Position {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** A builder call in a spec source. */
export class Call {
  private readonly node: CallExpression
  private readonly sources: Sources

  constructor(node: CallExpression, sources: Sources) {
    this.node = node
    this.sources = sources
  }

  /** The comment of the constant, property or array element that holds the call's result. */
  get doc(): string | undefined {
    let node: Node | undefined = this.node
    while (node !== undefined) {
      const holds = Node.isVariableStatement(node) || Node.isPropertyAssignment(node) || Node.isArrayLiteralExpression(node.getParent())
      if (holds) return docOf(node)
      if (Node.isArrowFunction(node) || Node.isFunctionDeclaration(node) || Node.isBlock(node)) return undefined
      node = node.getParent()
    }
    return undefined
  }

  /** The comment of the property at `path` below the call's arguments, else of the constant that the property mentions. */
  docAt(path: ReadonlyArray<string>): string | undefined {
    const node = this.property(path)
    if (node === undefined) return undefined
    const own = docOf(node)
    if (own !== undefined) return own
    const name = Node.isShorthandPropertyAssignment(node)
      ? node.getNameNode()
      : Node.isPropertyAssignment(node) && Node.isIdentifier(node.getInitializer())
      ? node.getInitializer()
      : undefined
    const statement = name === undefined ? undefined : this.sources.declaration(name)?.getVariableStatement()
    return statement === undefined ? undefined : docOf(statement)
  }

  /** Position of the property at `path`, or of the longest part of it that is written out in the call's own file. */
  position(path: ReadonlyArray<string> = []): Position {
    const at = (node: Node): Position => ({
      file: node.getSourceFile().getFilePath(),
      ...node.getSourceFile().getLineAndColumnAtPos(node.getStart())
    })
    for (let length = path.length; length > 0; length--) {
      const node = this.property(path.slice(0, length))
      if (node !== undefined) return at(node)
    }
    return at(this.node)
  }

  private property(path: ReadonlyArray<string>): Node | undefined {
    for (const argument of this.node.getArguments()) {
      const found = this.find(argument, path)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Follows `path` through object and array literals, builder calls, constants and spreads. */
  private find(node: Node | undefined, path: ReadonlyArray<string>, depth = 0): Node | undefined {
    const literal = node === undefined ? undefined : this.literal(node, depth)
    const [name, ...rest] = path
    if (literal === undefined || name === undefined || depth > 16) return undefined
    if (Node.isArrayLiteralExpression(literal)) {
      const element = literal.getElements()[Number(name)]
      return element === undefined || rest.length === 0 ? element : this.find(element, rest, depth + 1)
    }
    for (const property of literal.getProperties().toReversed()) {
      if (Node.isSpreadAssignment(property)) {
        const found = this.find(property.getExpression(), path, depth + 1)
        if (found !== undefined) return found
      } else if (Node.isPropertyAssignment(property) || Node.isShorthandPropertyAssignment(property)) {
        const text = property.getNameNode()
        const key = Node.isStringLiteral(text) || Node.isNumericLiteral(text) ? text.getLiteralText() : text.getText()
        if (key !== name) continue
        if (rest.length === 0) return property
        return this.find(Node.isPropertyAssignment(property) ? property.getInitializer() : property.getNameNode(), rest, depth + 1)
      }
    }
    return undefined
  }

  private literal(node: Node, depth: number): ObjectLiteralExpression | ArrayLiteralExpression | undefined {
    if (Node.isObjectLiteralExpression(node) || Node.isArrayLiteralExpression(node)) return node
    if (depth > 16) return undefined
    if (Node.isAsExpression(node) || Node.isSatisfiesExpression(node) || Node.isParenthesizedExpression(node)) {
      return this.literal(node.getExpression(), depth + 1)
    }
    if (Node.isIdentifier(node)) {
      const value = this.sources.declaration(node)?.getInitializer()
      return value === undefined ? undefined : this.literal(value, depth + 1)
    }
    if (Node.isCallExpression(node)) {
      for (const argument of node.getArguments()) {
        const found = this.literal(argument, depth + 1)
        if (found !== undefined) return found
      }
    }
    return undefined
  }
}

const docOf = (node: Node): string | undefined => {
  const comments = Node.isJSDocable(node)
    ? (node as JSDocableNode & Node).getJsDocs().map((doc) => doc.getInnerText())
    : node.getLeadingCommentRanges().map((range) => range.getText()).filter((text) => text.startsWith("/**")).map(inner)
  const text = comments.at(-1)?.trim()
  return text === undefined || text === "" ? undefined : text
}

const inner = (comment: string): string => comment.slice(3, -2).split("\n").map((line) => line.replace(/^\s*\* ?/, "")).join("\n").trim()
