/**
 * All findings, by code: what is wrong, why it matters, what to do, and a spec that has it. `FINDINGS.md` is made of this table, and a test
 * runs every example: the finding stands at the line that ends with `// ←`, and nowhere else.
 */

/** A kind of finding. */
export interface FindingCode {
  readonly code: string
  /** What is wrong. */
  readonly title: string
  /** Why it matters. */
  readonly reason: string
  /** What to do about it. */
  readonly remedy: string
  /** A spec with the mistake, below `examplePreamble`; none for those of text protocols, whose own tests have them. */
  readonly example?: string
}

/** What the examples take for granted. */
export const examplePreamble = `import * as dsl from "@wirewright/dsl"
const { align, array, ascii, bit, bitOf, bits, bodyLength, bool, brand, by, bytes, checksum, choice, commandsOf, constant, counted, countOf, cstring, custom, decimal, dialect, enumeration, escaped, extend, f32, flags, frame, i16, i32, lazy, layouts, lengthOf, literal, magic, nibbleFrames, opcode, optional, packetsOf, prefixed, protocol, reserved, sectionLength, slice, status, statusCode, statuses, struct, tagged, tokens, types, u16, u24, u32, u64, u8, uleb128, utf16, utf8, valueOf, varint, when } = dsl as any
const kind = (fields: object) => ({ headers: [{ fields }] })
const f = frame("Chat", { sections: ["body"], kinds: { message: kind({ length: bodyLength(u16), type: opcode(u8) }) } })
const message = commandsOf(f, "message")
const P = (...commands: Array<any>) => protocol(f, { name: "p", module: "./gen", commands })
const T = (...all: Array<any>) => types({ name: "t", module: "./gen", types: all })
`

const one = (code: string, title: string, reason: string, remedy: string, example?: string): FindingCode =>
  example === undefined ? { code, title, reason, remedy } : { code, title, reason, remedy, example }

/** The table, by code. */
export const findingCodes: ReadonlyArray<FindingCode> = [
  one(
    "WW001",
    "The spec exports no protocol",
    "Code is generated for what a spec exports.",
    "Export it.",
    "const x = T(struct(\"S\", { a: u8 })) // ←"
  ),
  one(
    "WW002",
    "A record is used before it is described",
    "The module cannot be loaded; a record that contains itself has to name itself later.",
    "Write `lazy(() => V)`.",
    "const V: any = choice(\"V\", u8, { L: tagged(1, { items: counted(u8, V) }) }) // ←\nexport const x = T(V)"
  ),
  one("WW003", "The spec throws while it is loaded", "A spec only describes.", "Correct the call.", "export const x = T(undefined.a) // ←"),
  one(
    "WW004",
    "A spec in a package whose files are no modules",
    "Specs are ES modules, and Node takes them for something else.",
    "Say `\"type\": \"module\"` in the `package.json` that the finding names."
  ),
  one(
    "WW010",
    "A word without its call, or no word at all",
    "Specs run without the type checker; `utf8` alone is a function.",
    "Call it: `utf8()`.",
    "export const x = T(struct(\"S\", { n: lengthOf(u8, \"a\"), a: utf8 })) // ←"
  ),
  one(
    "WW011",
    "An option that the word does not have",
    "It would be ignored in silence.",
    "Correct its spelling.",
    "export const x = T(struct(\"S\", { a: utf8({ sise: 4 }) })) // ←"
  ),
  one(
    "WW012",
    "An option with a value that it cannot have",
    "It would be taken for something else.",
    "Give one of the values that the finding lists.",
    "export const x = T(struct(\"S\", { a: u16 }, { byteOrder: \"LE\" })) // ←"
  ),
  one(
    "WW100",
    "A name that a protocol cannot have",
    "Files and directories are named after it.",
    "Use letters, digits, `-` and `_`, beginning with a letter.",
    "export const x = types({ name: \"../x\", module: \"./gen\", types: [] }) // ←"
  ),
  one(
    "WW101",
    "An opcode that does not fit the header",
    "It would be cut off.",
    "Choose a smaller one, or widen the header's.",
    "export const x = P(message(\"A\", { opcode: 300, request: {} })) // ←"
  ),
  one(
    "WW102",
    "Two commands with one opcode",
    "A decoder could not tell them apart.",
    "Give each an opcode of its own.",
    "export const x = P(message(\"A\", { opcode: 1, request: {} }),\n  message(\"B\", { opcode: 1, request: {} })) // ←"
  ),
  one(
    "WW103",
    "Two packets with one name",
    "Each packet is a type and a `_tag`.",
    "Rename one of the commands.",
    "export const x = P(message(\"A\", { opcode: 1, request: {} }),\n  message(\"A\", { opcode: 2, request: {} })) // ←"
  ),
  one(
    "WW104",
    "A name that a generated type cannot have",
    "Types are PascalCase, and some names are generated code's own.",
    "Choose another name.",
    "export const x = T(struct(\"member\", { a: u8 })) // ←"
  ),
  one("WW105", "A spec file that no module can be named after", "The commands of a file become a module.", "Rename the file."),
  one(
    "WW106",
    "A command of a kind that the frame does not have",
    "Kinds of packets are the frame's.",
    "Name one of its kinds.",
    "export const x = P(commandsOf(f, \"request\")(\"A\", { opcode: 1, request: {} })) // ←"
  ),
  one(
    "WW107",
    "An outcome of a status that nobody knows",
    "Outcomes are told by the status in the header.",
    "Use a name of the frame's table.",
    "export const x = P(message(\"A\", { opcode: 1, request: {}, responses: { Sucess: {} } })) // ←"
  ),
  one(
    "WW108",
    "A section that packets do not have",
    "Sections are the frame's.",
    "Name one of them.",
    "export const x = P(message(\"A\", { opcode: 1, request: { boby: { a: u8 } } })) // ←"
  ),
  one(
    "WW109",
    "An opcode that the header has no place for, or a header without its opcode",
    "It is not written, so that the packets would be confused.",
    "Add `opcode(u8)` to the header, or leave it out and put a literal or constant in front.",
    "const g = frame(\"G\", { sections: [\"body\"], kinds: { m: kind({ length: bodyLength(u16) }) } })\nexport const x = protocol(g, { name: \"p\", module: \"./gen\", commands: [commandsOf(g, \"m\")(\"A\", { opcode: 1, request: {} })] }) // ←"
  ),
  one(
    "WW110",
    "Two types with one name",
    "Each becomes a TypeScript type.",
    "Rename one, or share one constant.",
    "export const x = T(struct(\"S\", { a: u8 }),\n  struct(\"S\", { a: u16 })) // ←"
  ),
  one(
    "WW111",
    "A brand of two TypeScript types",
    "64-bit integers are bigints, others numbers.",
    "Brand integers of one of them only.",
    "export const x = T(struct(\"S\", { a: brand(\"B\", u8),\n  b: brand(\"B\", u64) })) // ←"
  ),
  one(
    "WW112",
    "A value, tag or bit that is given twice",
    "One of the names would never be read.",
    "Give each its own.",
    "export const x = T(choice(\"C\", u8, { A: tagged(1, {}), B: tagged(1, {}) })) // ←"
  ),
  one(
    "WW113",
    "A module that code cannot be imported from",
    "It stands in import statements.",
    "Give what an import says, such as `@acme/protocol/gen`.",
    "export const x = types({ name: \"t\", module: \"a b\", types: [] }) // ←"
  ),
  one(
    "WW114",
    "A name that generated code would say twice",
    "Types, packets and kinds of packets share an index.",
    "Rename one of them.",
    "export const x = P(message(\"Member\", { opcode: 1, request: { body: { a: struct(\"Member\", { a: u8 }) } } })) // ←"
  ),
  one(
    "WW115",
    "An extension that takes an opcode of its base without saying so",
    "It may be an accident, and the base's command can then not be spoken.",
    "Say `replaces: \"Name\"`; a command of the same name says as much.",
    "const base = P(message(\"A\", { opcode: 1, request: {} }))\nexport const x = extend(base, { name: \"q\", module: \"./q\", commands: [message(\"B\", { opcode: 1, request: {} })] }) // ←"
  ),
  one(
    "WW116",
    "A header field that a command cannot fix",
    "It is not there, or derived.",
    "Name a plain field of the header.",
    "export const x = P(message(\"A\", { opcode: 1, header: { qos: 1 }, request: {} })) // ←"
  ),
  one(
    "WW117",
    "A phase that the frame does not have",
    "`then` names the phase after a packet.",
    "Name one of the frame's phases.",
    "export const x = P(message(\"A\", { opcode: 1, then: \"ready\", request: {} })) // ←"
  ),
  one(
    "WW118",
    "A kind of packet that is not there",
    "Phases and `answers` name kinds of the same frame.",
    "Correct the name.",
    "const g = frame(\"G\", { sections: [\"body\"], kinds: { m: { answers: \"n\", ...kind({ length: bodyLength(u16), type: opcode(u8) }) } } }) // ←\nexport const x = protocol(g, { name: \"p\", module: \"./gen\", commands: [] })"
  ),
  one(
    "WW119",
    "`opcodeFrom` a state that the frame does not declare",
    "The state tells the opcode.",
    "Declare it in `states`.",
    "const g = frame(\"G\", { sections: [\"body\"], kinds: { m: { opcodeFrom: \"api\", ...kind({ length: bodyLength(u16) }) } } }) // ←\nexport const x = protocol(g, { name: \"p\", module: \"./gen\", commands: [] })"
  ),
  one(
    "WW120",
    "A name that a property cannot have",
    "Names like integers are reordered by JavaScript; `__proto__` and its like are every object's.",
    "Choose another name.",
    "export const x = T(struct(\"S\", { \"1\": u8 })) // ←"
  ),
  one(
    "WW121",
    "A field with a name that is taken",
    "All fields of a packet, its header's included, share one object.",
    "Choose another name.",
    "export const x = P(message(\"A\", { opcode: 1, request: { body: { _tag: u8 } } })) // ←"
  ),
  one(
    "WW122",
    "A length or count of something that is not there",
    "It could not be derived.",
    "Name a sibling.",
    "export const x = T(struct(\"S\", { n: lengthOf(u8, \"txet\"), text: utf8() })) // ←"
  ),
  one(
    "WW123",
    "A length or count of something that has none",
    "Fixed sizes need no length, and only arrays have a number of elements.",
    "Measure bytes, text, an array or a record.",
    "export const x = T(struct(\"S\", { n: countOf(u8, \"data\"), data: bytes() })) // ←"
  ),
  one(
    "WW124",
    "A length after what it measures, or a second count",
    "It is needed before.",
    "Put it in front.",
    "export const x = T(struct(\"S\", { text: utf8(), n: lengthOf(u8, \"text\") })) // ←"
  ),
  one(
    "WW125",
    "Two fields that want all that is left",
    "Where one ends and the other begins cannot be found.",
    "Give one of them a length.",
    "export const x = T(struct(\"S\", { a: utf8(), b: bytes() })) // ←"
  ),
  one(
    "WW126",
    "Optional fields that the length does not tell apart",
    "One length would mean several sets of fields.",
    "Say what `requires` what, or use layouts.",
    "export const x = T(struct(\"S\", { b: optional(u16), c: u16, d: optional(u16) })) // ←"
  ),
  one(
    "WW127",
    "A field that requires what is not optional",
    "What is always there need not be required.",
    "Name an optional sibling.",
    "export const x = T(struct(\"S\", { a: u8, b: optional(u16, { requires: \"a\" }) })) // ←"
  ),
  one(
    "WW128",
    "An optional length",
    "Whether it is there could not be told.",
    "Use layouts, or `if`.",
    "export const x = T(struct(\"S\", { n: optional(lengthOf(u8, \"a\")), a: bytes() })) // ←"
  ),
  one(
    "WW129",
    "A connection state that the frame does not declare",
    "Nobody could turn it on.",
    "Declare it in the frame's states.",
    "export const x = P(message(\"A\", { opcode: 1, request: { body: { a: when(\"new\", u8) } } })) // ←"
  ),
  one(
    "WW130",
    "A number that does not fit",
    "It would be cut off.",
    "Give one of its range, or widen the integer.",
    "export const x = T(struct(\"S\", { a: constant(u8, 300) })) // ←"
  ),
  one(
    "WW131",
    "Elements that take no bytes, or do not say where they end",
    "Their number could not be found.",
    "Give the element a length, an end or a size.",
    "export const x = T(struct(\"S\", { a: array(utf8()) })) // ←"
  ),
  one(
    "WW133",
    "A size that is none",
    "Sizes are whole numbers of bytes.",
    "Give a whole number.",
    "export const x = T(struct(\"S\", { n: lengthOf(u8, \"a\"), a: utf8({ max: 1.5 }) })) // ←"
  ),
  one(
    "WW134",
    "A rule of flags about a bit that is not there",
    "It could never hold.",
    "Name bits of these flags.",
    "export const x = T(flags(\"F\", u8, { a: bit(0) }, { exclusive: [[\"a\", \"b\"]] })) // ←"
  ),
  one(
    "WW135",
    "An integer that cannot carry flags or an enumeration",
    "Operators on bits take 32, and named values are numbers.",
    "Use a smaller, unsigned one.",
    "export const x = T(flags(\"F\", u64, { a: bit(0) })) // ←"
  ),
  one(
    "WW140",
    "Layouts that cannot be told apart",
    "The decoder would guess.",
    "Let them differ in the length of a section or in a constant.",
    "export const x = P(message(\"A\", { opcode: 1, request: layouts({ A: { body: { a: u32 } },\n  B: { body: { b: u32 } } }) })) // ←"
  ),
  one(
    "WW141",
    "A name that a layout cannot have",
    "It is a value of `layout` and part of a type's name.",
    "Use letters, digits and underscores.",
    "export const x = P(message(\"A\", { opcode: 1, request: layouts({ \"a b\": { body: { a: u32 } } }) })) // ←"
  ),
  one("WW150", "A kind without a header", "Nothing would be read.", "Describe one."),
  one(
    "WW151",
    "Headers of one kind that differ in size",
    "Sections begin after them.",
    "Give them the same number of bytes.",
    "const g = frame(\"G\", { sections: [\"body\"], kinds: { m: { headers: [{ magic: 1, fields: { m: magic(u8), type: opcode(u8), length: bodyLength(u16) } }, // ←\n  { magic: 2, fields: { m: magic(u8), type: opcode(u8), length: bodyLength(u16), a: u8 } }] } } })\nexport const x = protocol(g, { name: \"p\", module: \"./gen\", commands: [] })"
  ),
  one(
    "WW152",
    "A magic that is taken or missing",
    "The magic tells which header this is.",
    "Give each header its own.",
    "const g = frame(\"G\", { sections: [\"body\"], kinds: { m: { headers: [{ magic: 1, fields: { m: magic(u8), type: opcode(u8), length: bodyLength(u16) } }] },\n  n: { headers: [{ magic: 1, fields: { m: magic(u8), type: opcode(u8), length: bodyLength(u16) } }] } } }) // ←\nexport const x = protocol(g, { name: \"p\", module: \"./gen\", commands: [] })"
  ),
  one(
    "WW153",
    "A role at another place than in the first header",
    "Framing reads it in one place.",
    "Reorder the fields.",
    "const g = frame(\"G\", { sections: [\"body\"], kinds: { m: { headers: [{ magic: 1, fields: { m: magic(u8), type: opcode(u8), length: bodyLength(u16), a: u8 } }] },\n  n: { headers: [{ magic: 2, fields: { m: magic(u8), type: opcode(u8), a: u8, length: bodyLength(u16) } }] } } }) // ←\nexport const x = protocol(g, { name: \"p\", module: \"./gen\", commands: [] })"
  ),
  one(
    "WW154",
    "A shared section that is not among the first",
    "Shared sections stand in front.",
    "Reorder the sections.",
    "const g = frame(\"G\", { sections: [\"body\", \"extras\"], kinds: { m: { shared: { extras: nibbleFrames(\"Fx\", {}) }, // ←\n  ...kind({ length: bodyLength(u16), e: sectionLength(u8, \"extras\"), b: sectionLength(u8, \"body\"), type: opcode(u8) }) } } })\nexport const x = protocol(g, { name: \"p\", module: \"./gen\", commands: [] })"
  ),
  one(
    "WW155",
    "A length of a section that is not there",
    "Sections are the frame's.",
    "Correct the name, or add the section.",
    "const g = frame(\"G\", { sections: [\"body\"], kinds: { m: { headers: [{ fields: { length: bodyLength(u16), k: sectionLength(u8, \"key\"), type: opcode(u8) } }] } } }) // ←\nexport const x = protocol(g, { name: \"p\", module: \"./gen\", commands: [] })"
  ),
  one("WW156", "A header that does not say how long the packet is", "Framing needs it.", "Add a `bodyLength`."),
  one(
    "WW157",
    "A header whose magic does not stand first",
    "The first byte tells which header this is.",
    "Put `magic(u8)` first.",
    "const g = frame(\"G\", { sections: [\"body\"], kinds: { m: { headers: [{ magic: 0x80, fields: { length: bodyLength(u16), type: opcode(u8) } }] } } }) // ←\nexport const x = protocol(g, { name: \"p\", module: \"./gen\", commands: [] })"
  ),
  one(
    "WW158",
    "A section whose length no header says",
    "Only the last section takes what is left.",
    "Add a `sectionLength`.",
    "const g = frame(\"G\", { sections: [\"key\", \"body\"], kinds: { m: kind({ length: bodyLength(u16), type: opcode(u8) }) } })\nexport const x = protocol(g, { name: \"p\", module: \"./gen\", commands: [commandsOf(g, \"m\")(\"A\", { opcode: 1, request: { key: { k: u8 } } })] }) // ←"
  ),
  one(
    "WW160",
    "A status that does not fit",
    "It would be cut off.",
    "Give a smaller code.",
    "const g = frame(\"G\", { sections: [\"body\"], statuses: statuses(\"St\", u8, { Success: status(0, \"success\"), Big: status(256, \"retry\") }), // ←\n  kinds: { m: kind({ length: bodyLength(u16), type: opcode(u8), s: statusCode(u8) }) } })\nexport const x = protocol(g, { name: \"p\", module: \"./gen\", commands: [] })"
  ),
  one(
    "WW161",
    "Two statuses with one code",
    "One of them would never be read.",
    "One code, one name.",
    "const g = frame(\"G\", { sections: [\"body\"], statuses: statuses(\"St\", u8, { Success: status(0, \"success\"), Same: status(0, \"retry\") }), // ←\n  kinds: { m: kind({ length: bodyLength(u16), type: opcode(u8), s: statusCode(u8) }) } })\nexport const x = protocol(g, { name: \"p\", module: \"./gen\", commands: [] })"
  ),
  one(
    "WW162",
    "A status of an integer that it cannot have",
    "The header and the table must agree.",
    "Give both the same unsigned integer.",
    "const g = frame(\"G\", { sections: [\"body\"], statuses: statuses(\"St\", u16, { Success: status(0, \"success\") }),\n  kinds: { m: { headers: [{ fields: { length: bodyLength(u16), type: opcode(u8), s: statusCode(u24) } }] } } }) // ←\nexport const x = protocol(g, { name: \"p\", module: \"./gen\", commands: [] })"
  ),
  one(
    "WW163",
    "What a header that is read field by field cannot have",
    "It has no lengths of sections, and there is one.",
    "Measure fields of the body with `lengthOf`; make each header a kind of its own.",
    "const g = frame(\"G\", { sections: [\"body\"], kinds: { m: { headers: [{ fields: { length: bodyLength(u16.le), b: sectionLength(u8, \"body\"), type: opcode(u8) } }] } } }) // ←\nexport const x = protocol(g, { name: \"p\", module: \"./gen\", commands: [] })"
  ),
  one(
    "WW164",
    "A trailer without a fixed size",
    "Where the body ends could not be told.",
    "Keep trailers fixed.",
    "const g = frame(\"G\", { sections: [\"body\"], kinds: { m: { trailer: { t: cstring() }, ...kind({ length: bodyLength(u16), type: opcode(u8) }) } } }) // ←\nexport const x = protocol(g, { name: \"p\", module: \"./gen\", commands: [] })"
  ),
  one(
    "WW170",
    "An example that is not hex",
    "Golden bytes are written as two digits each.",
    "Write whole bytes.",
    "export const x = P(message(\"A\", { opcode: 1, request: { body: { a: u16 } }, examples: [{ origin: \"me\", hex: \"zz\" }] })) // ←"
  ),
  one(
    "WW171",
    "An example that does not decode",
    "Either the bytes or the layout are wrong.",
    "Correct the one that is.",
    "export const x = P(message(\"A\", { opcode: 1, request: { body: { a: u16 } }, examples: [{ origin: \"me\", hex: \"00030100\" }] })) // ←"
  ),
  one(
    "WW172",
    "An example of another packet",
    "It proves nothing here.",
    "Move it, or say its `kind`.",
    "export const x = P(message(\"A\", { opcode: 1, request: {}, examples: [{ origin: \"me\", hex: \"000002\" }] }), // ←\n  message(\"B\", { opcode: 2, request: {} }))"
  ),
  one(
    "WW173",
    "An example in a state that the frame does not declare",
    "States are the frame's.",
    "Declare it, or drop it.",
    "export const x = P(message(\"A\", { opcode: 1, request: {}, examples: [{ origin: \"me\", hex: \"000001\", states: [\"new\"] }] })) // ←"
  ),
  one(
    "WW180",
    "An extension that changes the headers of its base",
    "The base's codecs are used for them.",
    "Use `dialect`, or write a protocol of its own.",
    "const g = frame(\"G\", { sections: [\"body\"], kinds: { message: kind({ length: bodyLength(u32), type: opcode(u8) }) } }) // ←\nexport const x = extend(P(), { name: \"q\", module: \"./q\", frame: g, commands: [] })"
  ),
  one(
    "WW181",
    "A command that is removed and not there, twice, or replaced as well",
    "There is nothing to remove; a command replaces its namesake without being removed.",
    "Correct the name, or leave it out of `removes`.",
    "export const x = extend(P(), { name: \"q\", module: \"./q\", commands: [], removes: [\"B\"] }) // ←"
  ),
  one(
    "WW190",
    "Two values with the same bytes",
    "Encoding loses which one it was. The finding prints both.",
    "Give what is ambiguous a length, an end, a tag or a bit.",
    "export const x = T(struct(\"S\", { a: u8, b: optional(u16), c: utf8() })) // ←"
  ),
  one(
    "WW191",
    "A value whose bytes begin like another's, where nothing else says how long it is",
    "A reader would stop too early.",
    "Give the field a length or another end, or the frame a `bodyLength`.",
    "const g = frame(\"G\", { sections: [\"body\"], kinds: { m: kind({ type: opcode(u8) }) } })\nexport const x = protocol(g, { name: \"p\", module: \"./gen\", commands: [commandsOf(g, \"m\")(\"A\", { opcode: 1, request: { body: { a: utf8() } } })] }) // ←"
  ),
  one(
    "WW199",
    "A notice: what could not be decided",
    "Neither a proof nor a counterexample was found; silence means proved.",
    "Look at it yourself, or say it in words that can be decided.",
    "export const x = T(struct(\"S\", { a: custom(\"Name\", { module: \"./Name\", minimum: 1 }) })) // ←"
  ),
  one(
    "WW201",
    "A varint of bytes that its encoding does not have",
    "It could not hold its bits, or never has so many bytes.",
    "Correct `maxBytes`.",
    "export const x = T(struct(\"S\", { a: varint({ maxBytes: 6 }) })) // ←"
  ),
  one(
    "WW202",
    "Escapes that overlap, do not ascend or do not fit",
    "A value would have two spellings, or none.",
    "Let escapes lie above `max`, each wider than the one before.",
    "export const x = T(struct(\"S\", { n: lengthOf(escaped(u8, { max: 126, 126: u16, 127: u64 }), \"a\"), a: bytes() })) // ←"
  ),
  one(
    "WW204",
    "An end, separator or literal that is none",
    "Ends are one or two bytes, and ASCII where they are text.",
    "Give such as `\"\\r\\n\"` or `0`.",
    "export const x = T(struct(\"S\", { a: utf8({ until: \"€\" }) })) // ←"
  ),
  one(
    "WW205",
    "A size and an end",
    "Which of them ends it?",
    "Keep one.",
    "export const x = T(struct(\"S\", { a: utf8({ size: 8, until: 0 }) })) // ←"
  ),
  one(
    "WW207",
    "UTF-16 that ends with more than one character",
    "Ends are looked for character by character.",
    "End it with one: `until: 0`.",
    "export const x = T(struct(\"S\", { a: utf16({ until: \"\\0\\0\" }) })) // ←"
  ),
  one(
    "WW208",
    "Two truth values of which one begins like the other",
    "Which one it is could not be told.",
    "Give two texts that differ: `bool(\"T\", \"F\")`.",
    "export const x = T(struct(\"S\", { a: bool(\"T\", \"TF\") })) // ←"
  ),
  one(
    "WW210",
    "A slice outside its integer",
    "Those bits are not there.",
    "Give the higher bit first, within the integer.",
    "export const x = T(struct(\"S\", { b: bits(u8, { type: slice(8, 4) }) })) // ←"
  ),
  one(
    "WW211",
    "Slices that overlap",
    "One would overwrite the other.",
    "Let them not overlap.",
    "export const x = T(struct(\"S\", { b: bits(u8, { type: slice(7, 4), qos: slice(4, 3) }) })) // ←"
  ),
  one(
    "WW212",
    "Bits of a signed integer, or of more than 32",
    "Operators on bits take 32 and know no sign.",
    "Use u8, u16, u24 or u32.",
    "export const x = T(struct(\"S\", { b: bits(u64, { a: slice(1) }) })) // ←"
  ),
  one(
    "WW213",
    "A value that does not fit its slice",
    "It would be cut off.",
    "Widen the slice.",
    "export const x = T(struct(\"S\", { b: bits(u8, { version: slice(1, 0, { value: 4 }) }) })) // ←"
  ),
  one(
    "WW214",
    "A presence bit of more than one bit",
    "It says yes or no.",
    "Give it one bit, or use `valueOf`.",
    "export const x = T(struct(\"S\", { b: bits(u8, { has: slice(1, 0) }), a: optional(u16, { if: bitOf(\"has\") }) })) // ←"
  ),
  one(
    "WW220",
    "A value for null that does not fit",
    "It could not be written.",
    "Give one of the number's range.",
    "export const x = T(struct(\"S\", { a: prefixed(u8, utf8(), { absent: -1 }) })) // ←"
  ),
  one(
    "WW221",
    "A value for null that a length can have",
    "Null and a value of that length are the same bytes.",
    "Use a number that no length has, `plus`, or a `max`.",
    "export const x = T(struct(\"S\", { a: prefixed(u8, utf8(), { absent: 5 }) })) // ←"
  ),
  one(
    "WW222",
    "Arithmetic that makes lengths negative or too large",
    "They could not be written.",
    "Correct `plus`, or widen the number.",
    "export const x = T(struct(\"S\", { a: prefixed(u8, utf8(), { plus: -4 }) })) // ←"
  ),
  one(
    "WW223",
    "Digits in front of something, without an end",
    "Where they end could not be found.",
    "Write `decimal({ until: … })`.",
    "export const x = T(struct(\"S\", { a: prefixed(decimal(), utf8()) })) // ←"
  ),
  one(
    "WW224",
    "Two lengths that disagree on null",
    "One of them could not be written.",
    "Say `absent` in both, or in neither.",
    "export const x = T(struct(\"S\", { n: lengthOf(i16, \"a\", { absent: -1 }), m: lengthOf(u16, \"a\"), a: bytes() })) // ←"
  ),
  one(
    "WW230",
    "A presence bit that is not there, comes later, or is no bit",
    "Whether the field is there could not be told.",
    "Name a one-bit slice or a flag in front.",
    "export const x = T(struct(\"S\", { a: optional(u16, { if: bitOf(\"has\") }), b: bits(u8, { has: slice(0) }) })) // ←"
  ),
  one(
    "WW231",
    "Values of a sibling that it never has",
    "The field would never be there.",
    "Name values of its range.",
    "export const x = T(struct(\"S\", { a: u8, b: optional(u16, { if: valueOf(\"a\", [256]) }) })) // ←"
  ),
  one(
    "WW232",
    "A tag that is not there, comes later, is taken, or does not fit",
    "Which case it is could not be told.",
    "Name an integer in front, one for each choice.",
    "const C = choice(\"C\", by(\"type\"), { A: tagged(1, { a: u8 }) })\nexport const x = T(struct(\"S\", { c: C, type: u8 })) // ←"
  ),
  one(
    "WW233",
    "A version that comes after its user, or is no number",
    "Which one it is could not be told.",
    "Name an integer in front.",
    "export const x = T(struct(\"S\", { a: when(\"version\", u8, { from: 2 }), version: u16 })) // ←"
  ),
  one(
    "WW234",
    "Versions that are none",
    "The field would never be there.",
    "Let `from` be at most `to`.",
    "export const x = T(struct(\"S\", { version: u16, a: when(\"version\", u8, { from: 3, to: 2 }) })) // ←"
  ),
  one(
    "WW240",
    "A checksum over what is not there, or has gaps",
    "It covers bytes that follow one another.",
    "Name siblings in wire order.",
    "export const x = T(struct(\"S\", { a: u8, b: u8, c: u8, sum: checksum(\"crc32\", u32, { over: [\"a\", \"c\"] }) })) // ←"
  ),
  one(
    "WW241",
    "A checksum of another width than its integer",
    "It would be cut off or padded.",
    "Use the integer that the finding names.",
    "export const x = T(struct(\"S\", { a: u8, sum: checksum(\"crc32\", u16, { over: [\"a\"] }) })) // ←"
  ),
  one(
    "WW242",
    "An alignment to nothing",
    "Alignments are to 2 bytes or more.",
    "Give a whole number.",
    "export const x = T(struct(\"S\", { a: u8, pad: align(0) })) // ←"
  ),
  one(
    "WW243",
    "A custom field that is shorter than its least",
    "Sizes are checked before it is read.",
    "Let `fixed` be at least `minimum`.",
    "export const x = T(struct(\"S\", { a: custom(\"Name\", { module: \"./Name\", minimum: 4, fixed: 2 }) })) // ←"
  ),
  one(
    "WW251",
    "A record that contains itself in every case",
    "None would ever end.",
    "Let an array, an optional or another case end it.",
    "const V: any = struct(\"V\", { a: u8, next: lazy(() => V) }) // ←\nexport const x = T(V)"
  ),
  one(
    "WW261",
    "A literal that contains the separator of its tokens",
    "It would be two tokens.",
    "Write a literal for each.",
    "export const x = T(struct(\"S\", { line: tokens(\" \", { verb: literal(\"mg x\"), key: utf8() }, { until: \"\\r\\n\" }) })) // ←"
  ),
  one(
    "WW262",
    "A token with an end of its own",
    "The separator ends it.",
    "Drop its `until`.",
    "export const x = T(struct(\"S\", { line: tokens(\" \", { key: utf8({ until: \" \" }), n: decimal() }, { until: \"\\r\\n\" }) })) // ←"
  ),
  one(
    "WW263",
    "A token that is no text",
    "Its bytes may be the separator.",
    "Use text, digits or a literal.",
    "export const x = T(struct(\"S\", { line: tokens(\" \", { key: utf8(), n: u16 }, { until: \"\\r\\n\" }) })) // ←"
  ),
  one(
    "WW270",
    "A record that reads its numbers in another order than the one around it",
    "It has the protocol's order unless it says its own.",
    "Say its `byteOrder`.",
    "export const x = T(struct(\"S\", { inner: struct(\"I\", { a: u32 }) }, { byteOrder: \"little\" })) // ←"
  ),
  one(
    "WW301",
    "Separators and ends over text that are no single characters, differ, or are the same",
    "Generated code looks for one character that separates tokens and one that ends packets.",
    "Give all packets the same two ASCII characters."
  ),
  one(
    "WW302",
    "A packet over text that is not one line of tokens",
    "Generated code cuts a line at its separators.",
    "Write one `tokens` without an `until`; the kind's ends it."
  ),
  one("WW303", "Limits that contradict each other", "No packet would fit.", "Let the least be below the most."),
  one(
    "WW306",
    "A word that cannot be a token over text",
    "Its value is no text without a separator, or has an end of its own.",
    "Use one of the words that the finding names."
  ),
  one("WW308", "A literal that is empty or holds a separator", "It would be cut.", "Choose another."),
  one(
    "WW309",
    "A token that cannot be optional",
    "Whether it is there could not be told.",
    "Make it required, or leave it out at the end."
  ),
  one("WW310", "An optional token before a required one", "Optional tokens stand at the end.", "Reorder them."),
  one("WW311", "A token after an array", "The array takes all that is left.", "Reorder them."),
  one(
    "WW313",
    "Packets over text that cannot be told apart",
    "The decoder would guess.",
    "Let a literal, the number of tokens or the kind differ."
  )
]
