/** The JSON Schema of what `wirewright decode --json` prints, one object a line. It describes all protocols alike, not single packets. */

const hex = {
  type: "object",
  required: ["hex"],
  properties: { hex: { type: "string", pattern: "^([0-9a-f]{2})*$" } },
  additionalProperties: false
}
const text = { anyOf: [{ type: "string" }, { $ref: "#/$defs/hex" }] }
const hexNumber = { type: "string", pattern: "^-?0x[0-9a-f]+$" }

/** Where a packet of a capture comes from; absent for bytes given otherwise. */
const capture = {
  flow: { description: "Connection within the capture, client first.", type: "string" },
  direction: { description: "Who sent it: c2s the client, s2c the server.", enum: ["c2s", "s2c"] },
  time: {
    description: "When the packet's last byte was captured: seconds since 1970 with nine decimals.",
    type: "string",
    pattern: "^[0-9]+\\.[0-9]{9}$"
  },
  frame: { description: "Number of the capture's frame with the packet's last byte.", type: "integer", minimum: 0 }
}

/** JSON Schema (2020-12) of one object of `wirewright decode --json`: a packet, an error, or what of a capture was passed over. */
export const decodeJsonSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "A decoded packet, why bytes are none, or what of a capture was passed over",
  oneOf: [{ $ref: "#/$defs/packet" }, { $ref: "#/$defs/failure" }, { $ref: "#/$defs/passedOver" }],
  $defs: {
    hex: { description: "Bytes.", ...hex },
    text: { description: "Text; bytes when they are no UTF-8.", ...text },
    flags: {
      description: "Flags; `number` has unknown bits too.",
      type: "object",
      required: ["names", "number"],
      properties: { names: { type: "array", items: { type: "string" } }, number: { type: "integer", minimum: 0 } },
      additionalProperties: false
    },
    enumeration: {
      description: "A named value; the name is null when the value has none.",
      type: "object",
      required: ["name", "number"],
      properties: { name: { type: ["string", "null"] }, number: { type: ["integer", "string"] } },
      additionalProperties: false
    },
    value: {
      description:
        "A field: a number, a 64-bit number as decimal string, text, a truth value, null where it is absent, bytes, flags, an enumeration, " +
        "a record, or a list of these.",
      anyOf: [
        { type: ["number", "string", "boolean", "null"] },
        { $ref: "#/$defs/hex" },
        { $ref: "#/$defs/flags" },
        { $ref: "#/$defs/enumeration" },
        { type: "array", items: { $ref: "#/$defs/value" } },
        { $ref: "#/$defs/record" }
      ]
    },
    record: { description: "Fields by name.", type: "object", additionalProperties: { $ref: "#/$defs/value" } },
    packet: {
      type: "object",
      required: ["packet", "kind", "fields", "length"],
      not: { required: ["error"] },
      properties: {
        packet: { description: "Name of the command, or `Unknown`.", type: "string" },
        protocol: {
          description: "The protocol, where a server speaks several on one port: that of text lines. Missing for that of packets.",
          type: "string"
        },
        kind: { description: "request, response, serverRequest or serverResponse, or as the protocol has it.", type: "string" },
        magic: hexNumber,
        opcode: hexNumber,
        status: { description: "Name of the status, or its code in hexadecimal.", type: "string" },
        statusCode: { type: "integer", minimum: 0 },
        datatype: { description: "Names of the bits that are set; unknown ones in hexadecimal.", type: "array", items: { type: "string" } },
        vbucket: { type: "integer", minimum: 0, maximum: 65535 },
        opaque: { type: "integer", minimum: 0, maximum: 4294967295 },
        cas: { type: "string", pattern: "^[0-9]{1,20}$" },
        framing: {
          description: "Framing extras.",
          type: "array",
          items: {
            type: "object",
            required: ["frame"],
            properties: { frame: { type: "string" } },
            additionalProperties: { $ref: "#/$defs/value" }
          }
        },
        layout: { description: "Name of the layout, where there are several.", type: "string" },
        fields: { $ref: "#/$defs/record" },
        key: { $ref: "#/$defs/value" },
        value: { $ref: "#/$defs/value" },
        length: { description: "Bytes of the packet.", type: "integer", minimum: 0 },
        ...capture
      }
    },
    failure: {
      type: "object",
      required: ["error"],
      properties: {
        error: {
          type: "object",
          required: ["packet", "path", "offset", "expected", "got", "incomplete", "hex"],
          properties: {
            reason: { description: "What kind of objection: a `DecodeReason`.", type: "string" },
            packet: { type: "string" },
            path: { description: "Field path; empty for the packet as a whole.", type: "string" },
            offset: { description: "From the packet's first byte.", type: "integer", minimum: 0 },
            expected: { type: "string" },
            got: { type: "string" },
            incomplete: { description: "More bytes may make it a packet.", type: "boolean" },
            hex: { description: "The bytes.", type: "string", pattern: "^([0-9a-f]{2})*$" }
          },
          additionalProperties: false
        },
        ...capture
      },
      additionalProperties: false
    },
    passedOver: {
      description: "Comes once, behind all packets, if anything of the capture was passed over.",
      type: "object",
      required: ["passedOver"],
      properties: {
        passedOver: {
          type: "array",
          minItems: 1,
          items: {
            type: "object",
            required: ["reason", "what", "count", "unit", "finding"],
            properties: {
              reason: {
                description:
                  "notTcp: known to be something else. unsupported: a header that is not understood. cutOff: the capture kept too little. "
                  + "damaged: headers that contradict themselves. fragment: IP fragments without the others. otherPort: connections to ports "
                  + "that were not asked for. gap: bytes that are not in the capture. stray: bytes that belong to no packet. undecoded: packets "
                  + "that do not decode. limit: more unfinished packets than are held. damagedFile: the file ends within a record, or is none "
                  + "from there on. nothingFound: there was something, but no packet.",
                enum: [
                  "notTcp",
                  "unsupported",
                  "cutOff",
                  "damaged",
                  "fragment",
                  "otherPort",
                  "gap",
                  "stray",
                  "undecoded",
                  "limit",
                  "damagedFile",
                  "nothingFound"
                ]
              },
              what: { description: "The same for people, in more detail.", type: "string" },
              count: { type: "integer", minimum: 1 },
              unit: { enum: ["frames", "connections", "bytes", "packets", "files"] },
              firstFrame: { description: "Number of the first frame.", type: "integer", minimum: 1 },
              finding: { description: "Whether it makes the exit code 100.", type: "boolean" }
            },
            additionalProperties: false
          }
        }
      },
      additionalProperties: false
    }
  }
} as const
