/** The findings WW001 to WW189: specs as modules, names, kinds, commands, statuses, extensions. */
import { type FindingCode, one } from "./FindingCode.ts"

/** Findings about protocols, by code. */
export const protocolCodes: ReadonlyArray<FindingCode> = [
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
    "WW159",
    "Answers told by a field, and no client of it",
    "A client has to know from the header what a packet answers, which command that was, and whether it succeeded.",
    "Give requests an `opcode` and answers a `statusCode` in headers of fixed layout, or name with `answeredBy` what answers each command.",
    "const g = frame(\"G\", { sections: [\"body\"], correlation: \"id\", // ←\n  kinds: { m: kind({ length: bodyLength(u16), id: u16, type: opcode(u8) }), n: { answers: \"m\", ...kind({ length: bodyLength(u16), id: u16, type: opcode(u8) }) } } })\nexport const x = protocol(g, { name: \"p\", module: \"./gen\", commands: [] })"
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
    "A trailer without a fixed size, or with values",
    "Where the body ends could not be told; and nothing of a trailer is handed out.",
    "Keep literals, constants, reserved bytes and checksums there.",
    "const g = frame(\"G\", { sections: [\"body\"], kinds: { m: { trailer: { t: cstring() }, ...kind({ length: bodyLength(u16), type: opcode(u8) }) } } }) // ←\nexport const x = protocol(g, { name: \"p\", module: \"./gen\", commands: [] })"
  ),
  one(
    "WW165",
    "A length that counts its own bytes, of which there are more or fewer",
    "Two lengths would fit some packets.",
    "Count from the body or from after the field, or use an integer of fixed size.",
    "const g = frame(\"G\", { sections: [\"body\"], kinds: { m: kind({ type: opcode(u8), length: bodyLength(varint(), { from: \"frame\" }) }) } }) // ←\nexport const x = protocol(g, { name: \"p\", module: \"./gen\", commands: [] })"
  ),
  one(
    "WW166",
    "Answers told by a field that is not there",
    "Which request a packet answers could not be told.",
    "Name a field that the headers of requests and answers have.",
    "const g = frame(\"G\", { sections: [\"body\"], correlation: \"id\", // ←\n  kinds: { m: kind({ length: bodyLength(u16), type: opcode(u8) }), n: { answers: \"m\", ...kind({ length: bodyLength(u16), type: opcode(u8) }) } } })\nexport const x = protocol(g, { name: \"p\", module: \"./gen\", commands: [] })"
  ),
  one(
    "WW167",
    "A refusal by a status that is not there",
    "Servers would have nothing to write.",
    "Name a status of the frame's table.",
    "const s = statuses(\"Status\", u16, { Ok: status(0, \"success\") })\nconst g = frame(\"G\", { sections: [\"body\"], statuses: s, refusals: { unknown: \"No\" }, // ←\n  kinds: { m: kind({ length: bodyLength(u16), type: opcode(u8) }) } })\nexport const x = protocol(g, { name: \"p\", module: \"./gen\", commands: [] })"
  ),
  one(
    "WW168",
    "Answers that cannot come",
    "Whoever waits for them would wait for ever.",
    "Name packets that servers send, and only where no header field says which request an answer is to.",
    "const g = frame(\"G\", { sections: [\"body\"], kinds: { m: kind({ length: bodyLength(u16), type: opcode(u8) }) } })\nconst m = packetsOf(g, \"m\")\nconst a = m(\"A\", { opcode: 1, answeredBy: [\"B\"], fields: {} }) // ←\nexport const x = protocol(g, { name: \"p\", module: \"./gen\", commands: [a] })"
  ),
  one(
    "WW169",
    "Answers without an end, or with another one",
    "A stream of answers would not end, or end too early.",
    "Name with `last` which packet of `answeredBy` is the last, or what it has in a field that all of them have.",
    "const g = frame(\"G\", { sections: [\"body\"], kinds: { m: kind({ length: bodyLength(u16), type: opcode(u8) }) } })\nconst m = packetsOf(g, \"m\")\nconst a = m(\"A\", { opcode: 1, answeredBy: [\"B\"], last: [\"C\"], fields: {} }) // ←\nconst b = m(\"B\", { opcode: 2, sender: \"server\", fields: {} })\nexport const x = protocol(g, { name: \"p\", module: \"./gen\", commands: [a, b] })"
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
  )
]
