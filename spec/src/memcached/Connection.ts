/**
 * The commands about the connection and the server, the same in every dialect: an extension inherits them.
 *
 * Source: kv_engine docs/BinaryProtocol.md and docs/sasl.md; memcached 1.6.18 observed live.
 */
import { bytes, u32, utf8 } from "@wirewright/dsl"
import { command } from "./Frame.ts"

/** Ends the connection after the answer. */
export const quit = command("Quit", {
  opcode: 0x07,
  label: "QUIT",
  request: {},
  examples: [
    { origin: "kv_engine docs/BinaryProtocol.md:1294", hex: "800700000000000000000000000000000000000000000000", fields: { opaque: 0 } },
    {
      kind: "response",
      origin: "memcached-1.6.18 quit s2c",
      hex: "810700000000000000000000000000370000000000000000",
      fields: { opaque: 55 }
    }
  ]
})

/** Does nothing. Its answer shows that all quiet commands before it are done. */
export const noop = command("Noop", {
  opcode: 0x0a,
  label: "NOOP",
  request: {},
  examples: [
    {
      origin: "memcached-1.6.18 opaque echoed and vbucket ignored c2s",
      hex: "800a00000000123400000000fffffffe0000000000000000",
      fields: { opaque: 4_294_967_294, vbucket: 4660 }
    },
    {
      kind: "response",
      origin: "memcached-1.6.18 opaque echoed and vbucket ignored s2c",
      hex: "810a00000000000000000000fffffffe0000000000000000",
      fields: { opaque: 4_294_967_294 }
    }
  ]
})

/** Asks for the server's version. */
export const version = command("Version", {
  opcode: 0x0b,
  label: "VERSION",
  request: {},
  responses: {
    Success: {
      value: {
        /** Numbers and dots, maybe more. */
        version: utf8()
      }
    }
  },
  examples: [
    { origin: "kv_engine docs/BinaryProtocol.md:1489", hex: "800b00000000000000000000000000000000000000000000", fields: { opaque: 0 } },
    {
      kind: "response",
      origin: "kv_engine docs/BinaryProtocol.md:1523",
      hex: "810b00000000000000000005000000000000000000000000312e332e31",
      fields: { version: "1.3.1" }
    }
  ]
})

/** Sets how much the server logs. memcached 1.6.18 knows the opcode, but waits for the body a second time before it answers. */
export const verbosity = command("Verbosity", {
  opcode: 0x1b,
  label: "VERBOSITY",
  request: {
    extras: {
      /** 0 is least. */
      verbosity: u32
    }
  },
  examples: [
    {
      origin: "memcached-1.6.18 verbosity (reply withheld: server swallows bodylen more bytes) c2s",
      hex: "801b000004000000000000040000002e000000000000000000000000",
      fields: { verbosity: 0 }
    }
  ]
})

const saslRequest = {
  key: {
    /** Name of the SASL mechanism, such as `SCRAM-SHA512`. */
    mechanism: utf8()
  },
  value: {
    /** What the mechanism sends; PLAIN: authorization id, NUL, user, NUL, password. */
    clientData: bytes()
  }
}

const saslResponses = {
  /** Authenticated. */
  Success: {
    value: {
      /** What the mechanism answers. */
      serverData: bytes()
    }
  },
  /** The exchange goes on with SaslStep. */
  AuthContinue: "Success"
} as const

/** Asks which SASL mechanisms the server offers. */
export const saslListMechs = command("SaslListMechs", {
  opcode: 0x20,
  label: "SASL_LIST_MECHS",
  request: {},
  responses: {
    Success: {
      value: {
        /** Names separated by spaces, preferred ones first. */
        mechanisms: utf8()
      }
    }
  },
  examples: [
    { origin: "kv_engine docs/sasl.md:33", hex: "802000000000000000000000000000000000000000000000", fields: { opaque: 0 } },
    {
      kind: "response",
      origin: "memcached-1.6.18 sasl: list mechs s2c",
      hex: "81200000000000000000000e000000020000000000000000504c41494e204352414d2d4d4435",
      fields: { mechanisms: "PLAIN CRAM-MD5" }
    }
  ]
})

/** Begins to authenticate the connection. */
export const saslAuth = command("SaslAuth", {
  opcode: 0x21,
  label: "SASL_AUTH",
  request: saslRequest,
  responses: saslResponses,
  examples: [
    {
      origin: "kv_engine docs/sasl.md:174",
      hex: "802100050000000000000011000000000000000000000000504c41494e00757365720070656e63696c",
      fields: { mechanism: "PLAIN", clientData: { hex: "00757365720070656e63696c" } }
    },
    {
      kind: "response",
      origin: "kv_engine docs/sasl.md:213",
      hex: "812100000000000000000000000000000000000000000000",
      fields: { serverData: { hex: "" } }
    },
    {
      kind: "response",
      origin: "kv_engine docs/sasl.md:302",
      hex: "812100000000002100000046000000000000000000000000723d64343061303265333438303430353930656338616337" +
        "383464343666616639642c733d667733475251596c467936514571543579374f66345862476147673d2c693d3130",
      fields: { status: 33 }
    }
  ]
})

/** Goes on with an exchange that SaslAuth began. */
export const saslStep = command("SaslStep", {
  opcode: 0x22,
  label: "SASL_STEP",
  request: saslRequest,
  responses: saslResponses,
  examples: [
    {
      origin: "kv_engine docs/sasl.md:367",
      hex: "8022000a0000000000000052000000000000000000000000534352414d2d53484131633d626977732c723d6434306130" +
        "3265333438303430353930656338616337383464343666616639642c703d636f366b57774e6870565975754648575176" +
        "355656635772504a4d3d",
      fields: { mechanism: "SCRAM-SHA1" }
    },
    {
      kind: "response",
      origin: "kv_engine docs/sasl.md:438",
      hex: "81220000000000000000001e000000000000000000000000763d696e5a4a3264304d7334646e454e6e48775061715666" +
        "4e6e3744593d",
      fields: { status: 0 }
    }
  ]
})

/** The commands that are the same in every dialect. */
export const connectionCommands = [quit, noop, version, verbosity, saslListMechs, saslAuth, saslStep]
