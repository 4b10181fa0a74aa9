/**
 * What packets look like is said by specs: offsets into them, magics, opcodes, statuses and bits of flags are generated, and code that is written
 * by hand has them by name. Numbers in their places are found in the syntax tree. What is no packet of ours is allowed by file, with its reason;
 * a reason that nothing needs any more is a complaint too.
 */
import { parseAst } from "rolldown/parseAst"
import type { Complaints } from "./Rules.ts"
import type { Module } from "./Sources.ts"

/** Packages that work with packets whose layout a spec says. */
const ofPackets = ["connection", "memcached", "couchbase", "dcp", "deepstream", "embedded", "proxy", "testing", "examples"].map((name) =>
  `@wirewright/${name}`
)

interface Node {
  readonly type: string
  readonly start: number
  readonly [key: string]: unknown
}

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && "type" in value

/** Without what only types say. */
const plain = (node: Node): Node =>
  /^(TSNonNullExpression|TSAsExpression|TSSatisfiesExpression|ParenthesizedExpression)$/.test(node.type)
    ? plain(node["expression"] as Node)
    : node

const children = (node: Node): ReadonlyArray<Node> =>
  Object.values(node).flatMap((value) => Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : [])

/** The text of a number, if that is what a node is. */
const numberOf = (node: unknown): string | undefined => {
  if (!isNode(node)) return undefined
  const literal = plain(node)
  if (literal.type !== "Literal") return undefined
  return typeof literal["value"] === "number" || typeof literal["value"] === "bigint" ? String(literal["raw"]) : undefined
}

/** The last name of an expression: `opcode` of `packet.opcode`, `at` of `at`. */
const nameOf = (node: unknown): string => {
  if (!isNode(node)) return ""
  const { callee, expression, key, name, property, type, computed } = plain(node) as Node & { readonly computed?: boolean }
  if (type === "Identifier" || type === "PrivateIdentifier") return String(name)
  if (type === "MemberExpression" && computed !== true) return nameOf(property)
  if (type === "CallExpression") return nameOf(callee)
  return nameOf(expression ?? key)
}

/** Whether an expression is a literal place: `12`, or `at + 12`. */
const literalPlace = (node: unknown): boolean => {
  if (!isNode(node)) return false
  const place = plain(node)
  if (numberOf(place) !== undefined) return true
  return place.type === "BinaryExpression" && /^[+-]$/.test(String(place["operator"]))
    && (literalPlace(place["left"]) || literalPlace(place["right"]))
}

/** Reads and writes of views and buffers. */
const access = /^(?:get|set)(?:Big)?(?:Uint|Int|Float)\d+$|^(?:read|write)(?:Big)?(?:U?Int|Float|Double)(?:8|\d*[BL]E)$/
/** What bytes of packets are called. */
const bytesLike =
  /^(?:bytes|buffer|chunk|copy|frame|packet|head|header|body|raw|payload|extras|value|sections)$|(?:Bytes|Frame|Header|Packet)$/
/** What has a name in a spec for each of its numbers. */
const coded = /(?:^|[a-z])(?:[oO]pcodes?|[mM]agics?|[sS]tatus(?:es)?|[dD]atatypes?|[fF]eatures?|[hH]eaderSize|[eE]xtras)$/
/** Ones in all bits, and what is one more: limits and masks, no codes. */
const limit = /^0x(?:[137]?f|[137]?ff|1_?00|[137]?f?ff(?:_?ff)+|1(?:_?00)+|[137]?(?:_?ffff)+|1(?:_?0000)+)n?$/i

/** A number in a place where specs have something to say. */
export interface LiteralFinding {
  readonly kind: "offset" | "index" | "code" | "hexadecimal"
  readonly line: number
  readonly text: string
}

const findingsOf = ({ text }: Module): ReadonlyArray<LiteralFinding> => {
  const found: Array<LiteralFinding> = []
  const note = (kind: LiteralFinding["kind"], { start }: Node): void => {
    const line = text.slice(0, start).split("\n").length
    const whole = text.split("\n")[line - 1]!.trim()
    if (!found.some((one) => one.kind === kind && one.line === line)) found.push({ kind, line, text: whole })
  }
  const isCoded = (node: unknown): boolean => coded.test(nameOf(node))
  /** A number that stands for something; no bit at all stands for nothing. */
  const isCode = (number: unknown, named: unknown): boolean =>
    numberOf(number) !== undefined && isCoded(named) && !(numberOf(number) === "0" && /datatype|features/i.test(nameOf(named)))

  const visit = (node: Node): void => {
    const {
      arguments: given,
      callee,
      cases,
      computed,
      discriminant,
      elements,
      init,
      key,
      left,
      object,
      operator,
      property,
      right,
      type,
      value
    } = node as Node & {
      readonly arguments: ReadonlyArray<Node>
      readonly cases: ReadonlyArray<Node>
      readonly elements: ReadonlyArray<Node>
    }
    switch (type) {
      case "CallExpression":
        if (
          access.test(nameOf(callee)) &&
          given.some((one, index) => index < 2 && literalPlace(one) && (index === 0 || /^write/.test(nameOf(callee))))
        ) {
          note("offset", node)
        }
        if (
          isNode(callee) && callee.type === "MemberExpression" && bytesLike.test(nameOf(callee["object"]))
          && nameOf(callee) === "subarray" && given.some((one) => literalPlace(one) && !/^[01]$/.test(numberOf(one) ?? ""))
        ) {
          note("offset", node)
        }
        if (
          /^(?:has|includes|indexOf|get|add|set)$/.test(nameOf(callee)) && isCoded(isNode(callee) ? callee["object"] : undefined)
          && given.some((one) => numberOf(one) !== undefined)
        ) note("code", node)
        break
      case "MemberExpression":
        if (computed === true && bytesLike.test(nameOf(object)) && literalPlace(property)) note("index", node)
        break
      case "BinaryExpression":
        if (/^(?:[=!]==?|[&|^])$/.test(String(operator))) {
          for (const [one, other] of [[left, right], [right, left]]) if (isCode(one, other)) note("code", node)
        }
        break
      case "SwitchStatement":
        if (isCoded(discriminant)) { for (const one of cases) if (numberOf(one["test"]) !== undefined) note("code", one) }
        break
      case "Property":
      case "PropertyDefinition":
      case "VariableDeclarator": {
        const given = type === "VariableDeclarator" ? init : value
        if (isCoded(type === "VariableDeclarator" ? node["id"] : key) && isNode(given)) {
          const several = plain(given).type === "ArrayExpression" ? plain(given)["elements"] as ReadonlyArray<Node> : [given]
          // what begins with 0 has not been told yet
          for (const one of several) if (numberOf(one) !== undefined && numberOf(one) !== "0") note("code", node)
        }
        break
      }
      case "ArrayExpression":
        // numbers among names of one table
        if (
          elements.some((one) => isNode(one) && numberOf(one) !== undefined)
          && elements.some((one) => isNode(one) && one.type === "MemberExpression" && /^[A-Z](?!umber$|ath$)/.test(nameOf(one["object"])))
        ) note("code", node)
        break
      case "Literal": {
        const raw = String(node["raw"])
        if (/^0x/i.test(raw) && numberOf(node) !== undefined && !limit.test(raw)) note("hexadecimal", node)
        break
      }
    }
    for (const child of children(node)) visit(child)
  }
  visit(parseAst(text, { lang: "ts" }) as unknown as Node)
  return found
}

/** A file that may have such numbers, which, and why. */
export interface LiteralAllowance {
  readonly path: RegExp
  readonly kinds: ReadonlyArray<LiteralFinding["kind"]>
  readonly why: string
}

export const literalAllowances: ReadonlyArray<LiteralAllowance> = [
  {
    path: /^packages\/cli\/src\/Input\.ts$/,
    kinds: ["index", "hexadecimal"],
    why: "tells recordings apart before it is known what is in them: gzip"
  },
  { path: /^packages\/embedded\/src\/Management\w+\.ts$/, kinds: ["code"], why: "statuses of HTTP" },
  {
    path: /^packages\/embedded\/src\/ErrorMapDocument\.ts$/,
    kinds: ["hexadecimal"],
    why: "the content of a document that lists errors by their numbers, those of other servers among them"
  },
  {
    path: /^packages\/embedded\/src\/(?:JsonText|SubDocument\w+)\.ts$|^packages\/couchbase\/src\/(?:Scram|KvError)\.ts$/,
    kinds: ["offset", "index", "hexadecimal"],
    why: "JSON and ASCII, whose characters are known by their codes; SCRAM's messages are text, too"
  },
  {
    path:
      /^packages\/(?:couchbase\/src\/(?:Crc32|ClusterMap|Base64|ScanSelection)|embedded\/src\/(?:Crc32c|ScanRequest|Snappy)|testing\/src\/\w+)\.ts$/,
    kinds: ["index", "hexadecimal"],
    why: "algorithms: checksums, Base64, Snappy, hashes and chance"
  },
  {
    path: /^packages\/couchbase\/src\/Documents\.ts$/,
    kinds: ["offset", "hexadecimal"],
    why: "user flags are an agreement of clients, not of the protocol; extended attributes are passed over by their length, unread"
  },
  { path: /^packages\/couchbase\/src\/Durability\.ts$/, kinds: ["hexadecimal"], why: "a limit: one less than all ones" },
  { path: /^packages\/couchbase\/src\/FeatureNeeds\.ts$/, kinds: ["offset"], why: "the beginning of a text" },
  {
    path: /^packages\/dcp\/src\/DcpEvent\.ts$|^packages\/proxy\/src\/Soundness\.ts$/,
    kinds: ["code"],
    why:
      "the size of extras of the few commands that are told by their lengths, for which nothing is generated; tests compare with the decoder"
  },
  { path: /^packages\/dcp\/src\/(?:DcpEvent|GroupName)\.ts$/, kinds: ["hexadecimal"], why: "LEB128 of one byte, and UTF-8" },
  {
    path: /^packages\/deepstream\/src\/Typed\.ts$|^packages\/examples\/src\/custom\/\w+\.ts$/,
    kinds: ["index", "hexadecimal"],
    why: "the code of custom fields, which says what a spec cannot"
  }
]

const checked = ({ generated, owner, path, test }: Module): boolean =>
  !generated && !test && (ofPackets.includes(owner) || owner === "wirewright") && !/\/(?:spec|gallery)\//.test(path)

/** Numbers where specs have names, and allowances that nothing needs. */
export const packetLiterals = (
  modules: ReadonlyArray<Module>,
  allowances: ReadonlyArray<LiteralAllowance> = literalAllowances
): Complaints => {
  const found = modules.filter(checked).flatMap((module) => findingsOf(module).map((finding) => ({ path: module.path, finding })))
  const used = new Set<string>()
  const complaints = found.flatMap(({ finding: { kind, line, text }, path }) => {
    const allowance = allowances.find((one) => one.path.test(path) && one.kinds.includes(kind))
    if (allowance === undefined) return [`${path}:${line}: ${kind}: ${text}`]
    used.add(`${allowance.path.source} ${kind}`)
    return []
  })
  const unused = allowances.flatMap(({ kinds, path }) => kinds.map((kind) => `${path.source} ${kind}`)).filter((one) => !used.has(one))
  return [...complaints, ...unused.map((one) => `${one}: is allowed, and there is none`)]
}
