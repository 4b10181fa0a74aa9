/**
 * The reference of the words around packets: frames and what their headers have, packets, protocols. Each has a whole spec, of which the
 * reference shows the part that the word is about, and a packet in both directions.
 */

/** A word as the reference shows it. */
export interface FrameRow {
  readonly word: string
  /** The part of the spec that is shown. */
  readonly shown: string
  /** All of the spec, after its imports; it exports `x`, and what `x` extends as `base`. */
  readonly spec: string
  readonly bytes: string
  readonly says: string
  /** The packet or record. */
  readonly name: string
  readonly value: string
  readonly hex: string
}

type Said = Omit<FrameRow, "spec" | "shown">

const plainHeader = "{ length: bodyLength(u16), type: opcode(u8) }"

const withKinds = (options: string, commands = `[packetsOf(f, "m")("Say", { opcode: 1, fields: { text: utf8() } })]`): string =>
  `const f = frame("F", { sections: ["body"], ${options} })\nexport const x = protocol(f, { name: "x", module: "./x", commands: ${commands} })`

/** A row about the fields of a header. */
const ofHeader = (fields: string, said: Said): FrameRow => ({
  ...said,
  shown: fields,
  spec: withKinds(`kinds: { m: { headers: [{ fields: ${fields} }] } }`)
})

/** A row about what is said of a kind of packet. */
const ofKind = (shown: string, said: Said, commands?: string): FrameRow => ({
  ...said,
  shown,
  spec: withKinds(`kinds: { m: { ${shown} } }`, commands)
})

const say = { name: "Say", value: "{ text: \"hi\" }" }

const asking = `const f = frame("F", {
  sections: ["body"],
  statuses: statuses("Status", u16, { Success: status(0, "success"), Busy: status(2, "retry") }),
  kinds: {
    request: { headers: [{ magic: 1, fields: { magic: magic(u8), type: opcode(u8), length: bodyLength(u16) } }] },
    response: {
      answers: "request",
      headers: [{ magic: 2, fields: { magic: magic(u8), type: opcode(u8), length: bodyLength(u16), status: statusCode(u16) } }]
    }
  }
})
const command = commandsOf(f, "request")
`

/** A row about a command with responses. */
const ofCommand = (shown: string, said: Said): FrameRow => ({
  ...said,
  shown,
  spec: `${asking}export const x = protocol(f, { name: "x", module: "./x", commands: [\n  ${shown}\n] })`
})

const extended = (shown: string, said: Said): FrameRow => ({
  ...said,
  shown,
  spec: `${
    withKinds(`kinds: { m: { headers: [{ fields: ${plainHeader} }] } }`).replace("const x", "const base").replace(
      "name: \"x\", module: \"./x\"",
      "name: \"base\", module: \"./base\""
    )
  }\nexport const x = ${shown}`
})

/** Words around packets. */
export const frameReference: ReadonlyArray<FrameRow> = [
  ofKind(`headers: [{ fields: ${plainHeader} }]`, {
    ...say,
    word: "frame",
    hex: "0002 01 6869",
    bytes: "a header, the sections of the body, a trailer",
    says:
      "`frame(\"F\", { sections, kinds: { m: { headers } } })`. Of a frame: `byteOrder`, `states`, `phases`, `statuses`, `over: \"text\"`, " +
      "`maxFrame` (30 MiB by default), `minFrame`; `correlation`, the field that answers repeat, and `refusals`, the statuses by which " +
      "servers refuse. Of a kind: `sender`, `answers`, `trailer`, `until`, `datagram`, `shared`, `opcodeFrom`. " +
      "A header holds any words; the packet ends where its length, `until` or datagram does, else it ends itself."
  }),
  ofKind(
    "headers: [{ fields: { length: bodyLength(u16), type: opcode(u8), seq: u8 } }], trailer: { sum: checksum(\"sum8\", u8, { over: [\"seq\", \"body\"] }) }",
    {
      name: "Say",
      value: "{ seq: 5, text: \"hi\" }",
      word: "`frame` with `trailer`",
      hex: "0002 01 05 6869 d6",
      bytes: "what stands after the body",
      says: "Literals, constants, reserved bytes and checksums. A checksum may be over fields of the header, the body by the name of its " +
        "section, and the trailer. Header fields that have no role are fields of every packet."
    }
  ),
  ofKind("headers: [{ fields: {} }], until: \"\\n\"", {
    ...say,
    word: "`frame` with `until`",
    hex: "6869 0a",
    bytes: "the body, then what ends it",
    says: "One or two ASCII characters, or a byte. For frames without a length."
  }, `[packetsOf(f, "m")("Say", { fields: { text: utf8() } })]`),
  ofKind("headers: [{ fields: { type: opcode(u8) } }], datagram: true", {
    ...say,
    word: "`frame` with `datagram`",
    hex: "01 6869",
    bytes: "all that a datagram holds",
    says: "For frames without a length, over UDP or WebSocket."
  }),
  ofHeader("{ length: bodyLength(u16, { from: \"frame\" }), type: opcode(u8) }", {
    ...say,
    word: "bodyLength",
    hex: "0005 01 6869",
    bytes: "the length of the packet",
    says: "An integer, `varint` or `escaped`. `from`: `\"body\"` (default, after the header), `\"frame\"` (all of it), `\"length\"` " +
      "(from the length on), `\"field\"` (after the length); `plus` is added before it is written."
  }),
  ofHeader("{ head: bits(u8, { version: slice(7, 6, { value: 1 }), type: opcode(slice(5, 0)) }), length: bodyLength(u16) }", {
    ...say,
    word: "opcode",
    hex: "41 0002 6869",
    bytes: "which packet it is",
    says: "An integer or a slice of bits. Opcodes that no command has are `Unknown…` packets and keep their bytes."
  }),
  {
    name: "Say",
    value: "{ text: \"hi\" }",
    word: "magic",
    shown: "{ magic: 0x80, fields: { magic: magic(u8), type: opcode(u8), length: bodyLength(u16) } }",
    spec: withKinds(
      "kinds: { m: { headers: [{ magic: 0x80, fields: { magic: magic(u8), type: opcode(u8), length: bodyLength(u16) } }] } }"
    ),
    hex: "80 01 0002 6869",
    bytes: "a number that tells which header it is",
    says: "An integer or a slice. It stands first, and each header has its own."
  },
  {
    name: "Put",
    value: "{ key: \"k\", value: \"v\" }",
    word: "sectionLength",
    shown: "{ length: bodyLength(u16), keyLength: sectionLength(u8, \"key\"), type: opcode(u8) }",
    spec: `const f = frame("F", { sections: ["key", "value"], kinds: { m: { headers: [{ fields: ` +
      `{ length: bodyLength(u16), keyLength: sectionLength(u8, "key"), type: opcode(u8) } }] } } })
export const x = protocol(f, { name: "x", module: "./x", commands: [
  packetsOf(f, "m")("Put", { opcode: 1, body: { key: { key: utf8() }, value: { value: utf8() } } })
] })`,
    hex: "0002 01 01 6b 76",
    bytes: "the length of a section of the body",
    says: "Of all sections but the last, which takes what is left. Only in headers of integers at fixed places."
  },
  ofKind(`headers: [{ fields: ${plainHeader} }]`, {
    ...say,
    word: "packetsOf",
    hex: "0002 01 6869",
    bytes: "a packet that stands for itself",
    says:
      "`packetsOf(f, \"m\")(\"Say\", { opcode: 1, fields: { text: utf8() } })`; `body` where there are several sections. `opcode` (or none, where " +
      "literals tell), `header` (fields that are the same in every such packet), `then` (the phase that begins), `sender`, `lifecycle`, " +
      "`label`, `examples`. Where no header field says what a packet answers: `answeredBy`, the packets that may answer this one, `last`, those " +
      "after which no more come, or what the end has in a field of all of them (`{ more: 0 }`), `reply: \"optional\"` when callers know whether it is answered, and `unasked`, an answer that also comes " +
      "when nothing asked for it. More kinds: `packetsOf(f, \"m\", \"other\")`."
  }),
  ofCommand("command(\"Get\", { opcode: 1, request: { body: { key: utf8() } }, responses: { Success: { body: { value: utf8() } } } })", {
    name: "GetResponse",
    value: "{ value: \"hi\" }",
    word: "commandsOf",
    hex: "02 01 0002 0000 6869",
    bytes: "a request with its responses by status",
    says:
      "`const command = commandsOf(f, \"request\")`. `responses` by the names of statuses, of which those that are not listed carry an error; `reply`, " +
      "`last` (of many answers, what the end has in its fields), `quiet`, and what `packetsOf` has. `replaces` the opcode of a base."
  }),
  ofCommand("command(\"Get\", { opcode: 1, request: { body: { key: utf8() } }, responses: { Busy: { body: { seconds: u8 } } } })", {
    name: "GetBusy",
    value: "{ seconds: 9 }",
    word: "statusCode, statuses, status",
    hex: "02 01 0001 0002 09",
    bytes: "what came of a request",
    says:
      "`statuses(\"Status\", u16, { Success: status(0, \"success\"), Busy: status(2, \"retry\") })` of the frame, `statusCode(u16)` in a header. " +
      "What a client may do: `success`, `retry`, `ambiguous`, `caller`, `miss`, `fatal`."
  }),
  ofCommand("command(\"Set\", { opcode: 1, request: layouts({ Short: { body: { n: u8 } }, Long: { body: { n: u16, m: u16 } } }) })", {
    name: "Set",
    value: "{ layout: \"Short\", n: 7 }",
    word: "layouts",
    hex: "01 01 0001 07",
    bytes: "one of several bodies",
    says: "Told apart by their lengths and by constants in them; each is a type of its own."
  }),
  {
    name: "Get",
    value: "{ frames: [{ _tag: \"Wait\", seconds: 9 }], key: \"k\" }",
    word: "nibbleFrames",
    shown: "nibbleFrames(\"Extra\", { Wait: tagged(1, { seconds: u8 }) })",
    spec: `const f = frame("F", { sections: ["frames", "body"], kinds: { request: {
  headers: [{ magic: 1, fields: { magic: magic(u8), type: opcode(u8), framesLength: sectionLength(u8, "frames"), length: bodyLength(u16) } }],
  shared: { frames: nibbleFrames("Extra", { Wait: tagged(1, { seconds: u8 }) }) }
} } })
export const x = protocol(f, { name: "x", module: "./x", commands: [commandsOf(f, "request")("Get", { opcode: 1, request: { body: { key: utf8() } } })] })`,
    hex: "01 01 02 0003 11 09 6b",
    bytes: "records after a byte each: a number of four bits, a length of four",
    says: "A section that all packets of a kind `share`. 15 in either half adds the next byte. Unknown ones keep their bytes."
  },
  ofKind(`headers: [{ fields: ${plainHeader} }]`, {
    ...say,
    word: "protocol",
    hex: "0002 01 6869",
    bytes: "a frame and its packets",
    says:
      "`protocol(f, { name, module, commands, types })`; what `extend` makes has a `base`, and its own `frame` and `removes`. `module`: where extensions find its generated code, as a path from the spec's file or " +
      "the name of a package. `types` are generated although no packet has them."
  }),
  extended(
    "extend(base, { name: \"x\", module: \"./x\", commands: [packetsOf(base.frame, \"m\")(\"Bye\", { opcode: 2, fields: { code: u8 } })] })",
    {
      name: "Bye",
      value: "{ code: 9 }",
      word: "extend",
      hex: "0001 02 09",
      bytes: "a protocol that speaks all of another, and more",
      says: "`frame` (a `dialect`), `removes` commands of the base. A command with an opcode of the base says which it `replaces`."
    }
  ),
  extended("extend(base, { name: \"x\", module: \"./x\", frame: dialect(base.frame, { maxFrame: 64 }), commands: [] })", {
    ...say,
    word: "dialect",
    hex: "0002 01 6869",
    bytes: "the same header, other rules",
    says: "`statuses`, `states`, `maxFrame`."
  }),
  {
    name: "Point",
    value: "{ x: 1, y: 2 }",
    word: "types",
    shown: "types({ name: \"x\", module: \"./x\", types: [struct(\"Point\", { x: u8, y: u8 })] })",
    spec: "export const x = types({ name: \"x\", module: \"./x\", types: [struct(\"Point\", { x: u8, y: u8 })] })",
    hex: "01 02",
    bytes: "records without packets around them",
    says: "For file formats, and what other code wraps."
  },
  {
    name: "Say",
    value: "{ data: Uint8Array.of(0xf0) }",
    word: "custom",
    shown: "{ data: custom(\"Inverted\", { module: \"./Inverted.ts\", minimum: 0, ends: false }) }",
    spec: withKinds(
      `kinds: { m: { headers: [{ fields: ${plainHeader} }] } }`,
      `[packetsOf(f, "m")("Say", { opcode: 1, fields: { data: custom("Inverted", { module: "./Inverted.ts", minimum: 0, ends: false }) } })]`
    ),
    hex: "0001 01 0f",
    bytes: "what your code makes of it",
    says:
      "`module`: where the functions are, from the generated code; `minimum` and `fixed` number of bytes; `ends: false` for what does not tell " +
      "where it ends."
  }
]
