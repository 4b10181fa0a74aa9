/**
 * PostgreSQL's protocol 3 ("Frontend/Backend Protocol", Message Formats): every message, in the phases in which each side sends it.
 *
 * A connection begins with messages that have no type. What a client answers to an authentication request always has the type `p`; which
 * of the four messages it is, the phase says.
 */
/* oxlint-disable unicorn/no-thenable -- `then` names the phase that follows a packet */
import {
  array,
  ascii,
  bodyLength,
  bytes,
  choice,
  constant,
  counted,
  cstring,
  decimal,
  enumeration,
  frame,
  i16,
  i32,
  literal,
  opcode,
  packetsOf,
  prefixed,
  protocol,
  struct,
  tagged,
  tokens,
  u16,
  u32,
  u8,
  utf8
} from "@wirewright/dsl"

const length = bodyLength(u32, { from: "length" })
const typed = { type: opcode(u8), length }

const postgresFrame = frame("PostgreSQL", {
  sections: ["body"],
  maxFrame: 1024 * 1024 * 1024,
  kinds: {
    startup: { headers: [{ fields: { length } }], sender: "client" },
    encryption: { headers: [], sender: "server" },
    password: { headers: [{ fields: typed }], sender: "client" },
    gss: { headers: [{ fields: typed }], sender: "client" },
    saslInitial: { headers: [{ fields: typed }], sender: "client" },
    sasl: { headers: [{ fields: typed }], sender: "client" },
    frontend: { headers: [{ fields: typed }], sender: "client" },
    backend: { headers: [{ fields: typed }], sender: "server" }
  },
  phases: {
    startup: { client: "startup", server: "backend" },
    encryption: { client: "startup", server: "encryption" },
    password: { client: "password", server: "backend" },
    gss: { client: "gss", server: "backend" },
    saslInitial: { client: "saslInitial", server: "backend" },
    sasl: { client: "sasl", server: "backend" },
    ready: { client: "frontend", server: "backend" }
  }
})
const seen = (origin: string, hex: string, fields = {}) => [{ origin: `${origin}; PostgreSQL 15.18`, hex, fields }]
const startup = packetsOf(postgresFrame, "startup")
const frontend = packetsOf(postgresFrame, "frontend")
const backend = packetsOf(postgresFrame, "backend")

/** How a value is spelled. */
const Format = enumeration("Format", i16, { text: 0, binary: 1 }, { unknown: "error" })
const formats = counted(u16, Format)
/** A parameter or column; NULL is null. */
const value = prefixed(i32, bytes(), { absent: -1 })

/** What comes after the first message, until the server is ready. */
const greetings: ReadonlyArray<string> =
  "Ok KerberosV5 CleartextPassword MD5Password SCMCredential GSS GSSContinue SSPI SASL SASLContinue SASLFinal".split(" ")
    .map((one) => `Authentication${one}`).concat("NegotiateProtocolVersion", "BackendKeyData", "ErrorResponse", "ReadyForQuery")
/** What comes after queries, until the server is ready for the next. */
const results: ReadonlyArray<string> =
  ("RowDescription DataRow CommandComplete EmptyQueryResponse PortalSuspended NoData ParameterDescription ParseComplete BindComplete " +
    "CloseComplete CopyInResponse CopyOutResponse CopyBothResponse BackendCopyData BackendCopyDone FunctionCallResponse " +
    "ErrorResponse ReadyForQuery").split(" ")
const untilReady = { answeredBy: results, last: ["ReadyForQuery"] }

/** A run-time parameter, or an option of the protocol. */
const Parameter = struct("Parameter", { name: cstring({ min: 1 }), value: cstring() })

const startupMessage = startup("StartupMessage", {
  then: "password",
  answeredBy: greetings,
  last: ["ErrorResponse", "ReadyForQuery"],
  fields: { majorVersion: constant(u16, 3), minorVersion: u16, parameters: array(Parameter, { until: 0 }) }
})
const cancelRequest = startup("CancelRequest", {
  fields: { code: constant(u32, 80877102), processId: i32, secretKey: bytes({ max: 256 }) }
})
const sslRequest = startup("SSLRequest", {
  then: "encryption",
  answeredBy: ["EncryptionAnswer"],
  examples: seen("psql 15.18", "0000000804d2162f"),
  fields: { code: constant(u32, 80877103) }
})
const gssEncRequest = startup("GSSENCRequest", {
  then: "encryption",
  answeredBy: ["EncryptionAnswer"],
  fields: { code: constant(u32, 80877104) }
})

/** The byte that answers SSLRequest and GSSENCRequest. After `ssl` and `gss` the connection is encrypted. */
const EncryptionSupport = enumeration("EncryptionSupport", u8, { ssl: "S", gss: "G", none: "N" }, { unknown: "error" })
const encryptionAnswer = packetsOf(postgresFrame, "encryption")("EncryptionAnswer", {
  then: "startup",
  fields: { answer: EncryptionSupport }
})

/** An attribute of SCRAM (RFC 5802); binary ones are in base64. */
const ScramAttribute = choice("ScramAttribute", u8, {
  AuthorizationIdentity: tagged("a", { is: literal("="), name: utf8() }),
  UserName: tagged("n", { is: literal("="), name: utf8() }),
  Nonce: tagged("r", { is: literal("="), nonce: ascii() }),
  ChannelBinding: tagged("c", { is: literal("="), binding: ascii() }),
  Salt: tagged("s", { is: literal("="), salt: ascii() }),
  Iterations: tagged("i", { is: literal("="), count: decimal() }),
  ClientProof: tagged("p", { is: literal("="), proof: ascii() }),
  ServerSignature: tagged("v", { is: literal("="), signature: ascii() }),
  ServerError: tagged("e", { is: literal("="), error: ascii() })
})
const scram = tokens(",", { attributes: array(ScramAttribute) })
/** SCRAM's first message. `channelBinding` is `n` (not supported), `y` (the server is thought not to support it) or `p=` and its type. */
const ScramClientFirst = struct("ScramClientFirst", {
  line: tokens(",", { channelBinding: ascii(), authorizationIdentity: utf8(), attributes: array(ScramAttribute) })
})

const passwordMessage = packetsOf(postgresFrame, "password")("PasswordMessage", { opcode: "p", fields: { password: cstring() } })
const gssResponse = packetsOf(postgresFrame, "gss")("GSSResponse", { opcode: "p", fields: { token: bytes() } })
const saslInitialResponse = packetsOf(postgresFrame, "saslInitial")("SASLInitialResponse", {
  opcode: "p",
  examples: seen(
    "npm's pg 8.23.1",
    "7000000037534352414d2d5348412d32353600000000216e2c2c6e3d2a2c723d6b794c50796c332f737565466a352b4d4a6a785157736c35",
    { mechanism: "SCRAM-SHA-256" }
  ),
  then: "sasl",
  fields: { mechanism: cstring(), response: prefixed(i32, ScramClientFirst, { absent: -1 }) }
})
const saslResponse = packetsOf(postgresFrame, "sasl")("SASLResponse", { opcode: "p", fields: { response: scram } })

const authenticationOk = backend("AuthenticationOk", { opcode: "R", then: "ready", fields: { code: constant(u32, 0) } })
const authenticationKerberosV5 = backend("AuthenticationKerberosV5", { opcode: "R", fields: { code: constant(u32, 2) } })
const authenticationCleartextPassword = backend("AuthenticationCleartextPassword", { opcode: "R", fields: { code: constant(u32, 3) } })
const authenticationMd5Password = backend("AuthenticationMD5Password", {
  opcode: "R",
  fields: { code: constant(u32, 5), salt: bytes({ size: 4 }) }
})
const authenticationScmCredential = backend("AuthenticationSCMCredential", { opcode: "R", fields: { code: constant(u32, 6) } })
const authenticationGss = backend("AuthenticationGSS", { opcode: "R", then: "gss", fields: { code: constant(u32, 7) } })
const authenticationGssContinue = backend("AuthenticationGSSContinue", { opcode: "R", fields: { code: constant(u32, 8), token: bytes() } })
const authenticationSspi = backend("AuthenticationSSPI", { opcode: "R", then: "gss", fields: { code: constant(u32, 9) } })
const authenticationSasl = backend("AuthenticationSASL", {
  opcode: "R",
  then: "saslInitial",
  fields: { code: constant(u32, 10), mechanisms: array(cstring({ min: 1 }), { until: 0 }) }
})
const authenticationSaslContinue = backend("AuthenticationSASLContinue", {
  opcode: "R",
  fields: { code: constant(u32, 11), challenge: scram }
})
const authenticationSaslFinal = backend("AuthenticationSASLFinal", { opcode: "R", fields: { code: constant(u32, 12), outcome: scram } })

/** What Close and Describe are about. */
const Target = enumeration("Target", u8, { statement: "S", portal: "P" }, { unknown: "error" })

const bind = frontend("Bind", {
  opcode: "B",
  fields: { portal: cstring(), statement: cstring(), parameterFormats: formats, parameters: counted(u16, value), resultFormats: formats }
})
const close = frontend("Close", { opcode: "C", fields: { target: Target, name: cstring() } })
const copyData = frontend("CopyData", { opcode: "d", fields: { data: bytes() } })
const copyDone = frontend("CopyDone", { opcode: "c", fields: {} })
const copyFail = frontend("CopyFail", { opcode: "f", fields: { reason: cstring() } })
const describe = frontend("Describe", { opcode: "D", fields: { target: Target, name: cstring() } })
const execute = frontend("Execute", { opcode: "E", fields: { portal: cstring(), maximumRows: i32 } })
const flush = frontend("Flush", { opcode: "H", fields: {} })
const functionCall = frontend("FunctionCall", {
  ...untilReady,
  opcode: "F",
  fields: { functionOid: u32, argumentFormats: formats, arguments: counted(u16, value), resultFormat: Format }
})
const parse = frontend("Parse", { opcode: "P", fields: { statement: cstring(), query: cstring(), parameterTypes: counted(u16, u32) } })
const query = frontend("Query", { opcode: "Q", ...untilReady, fields: { query: cstring() } })
/** What it is answered with tells of the messages of the extended query before it, too. */
const sync = frontend("Sync", { opcode: "S", ...untilReady, fields: {} })
const terminate = frontend("Terminate", { opcode: "X", fields: {} })

const backendKeyData = backend("BackendKeyData", { opcode: "K", fields: { processId: i32, secretKey: bytes({ max: 256 }) } })
const bindComplete = backend("BindComplete", { opcode: "2", fields: {} })
const closeComplete = backend("CloseComplete", { opcode: "3", fields: {} })
const commandComplete = backend("CommandComplete", { opcode: "C", fields: { tag: cstring() } })

/** Whether all of a COPY is text or binary. */
const CopyFormat = enumeration("CopyFormat", u8, { text: 0, binary: 1 }, { unknown: "error" })
const copy = { format: CopyFormat, columnFormats: formats }
const copyInResponse = backend("CopyInResponse", { opcode: "G", fields: copy })
const copyOutResponse = backend("CopyOutResponse", { opcode: "H", fields: copy })
const copyBothResponse = backend("CopyBothResponse", { opcode: "W", fields: copy })
const backendCopyData = backend("BackendCopyData", { opcode: "d", fields: { data: bytes() } })
const backendCopyDone = backend("BackendCopyDone", { opcode: "c", fields: {} })

const dataRow = backend("DataRow", {
  opcode: "D",
  examples: seen("psql 15.18", "440000001700030000000131ffffffff000000047a776569", { columns: [{ hex: "31" }, null, { hex: "7a776569" }] }),
  fields: { columns: counted(u16, value) }
})
const emptyQueryResponse = backend("EmptyQueryResponse", { opcode: "I", fields: {} })

/** A field of an error or notice ("Error and Notice Message Fields"). */
const Field = choice("Field", u8, {
  Severity: tagged("S", { text: cstring() }),
  SeverityInEnglish: tagged("V", { text: cstring() }),
  SqlState: tagged("C", { code: cstring() }),
  Message: tagged("M", { text: cstring() }),
  Detail: tagged("D", { text: cstring() }),
  Hint: tagged("H", { text: cstring() }),
  Position: tagged("P", { position: decimal({ until: 0 }) }),
  InternalPosition: tagged("p", { position: decimal({ until: 0 }) }),
  InternalQuery: tagged("q", { query: cstring() }),
  Where: tagged("W", { text: cstring() }),
  Schema: tagged("s", { name: cstring() }),
  Table: tagged("t", { name: cstring() }),
  Column: tagged("c", { name: cstring() }),
  DataType: tagged("d", { name: cstring() }),
  Constraint: tagged("n", { name: cstring() }),
  File: tagged("F", { name: cstring() }),
  Line: tagged("L", { line: decimal({ until: 0 }) }),
  Routine: tagged("R", { name: cstring() })
})
const fields = array(Field, { until: 0 })
const errorResponse = backend("ErrorResponse", { opcode: "E", unasked: true, fields: { fields } })
const noticeResponse = backend("NoticeResponse", { opcode: "N", fields: { fields } })

const functionCallResponse = backend("FunctionCallResponse", { opcode: "V", fields: { result: value } })
const negotiateProtocolVersion = backend("NegotiateProtocolVersion", {
  opcode: "v",
  fields: { newestMinorVersion: u32, unrecognizedOptions: counted(u32, cstring()) }
})
const noData = backend("NoData", { opcode: "n", fields: {} })
const notificationResponse = backend("NotificationResponse", {
  opcode: "A",
  fields: { processId: i32, channel: cstring(), payload: cstring() }
})
const parameterDescription = backend("ParameterDescription", { opcode: "t", fields: { parameterTypes: counted(u16, u32) } })
const parameterStatus = backend("ParameterStatus", { opcode: "S", fields: { parameter: cstring(), value: cstring() } })
const parseComplete = backend("ParseComplete", { opcode: "1", fields: {} })
const portalSuspended = backend("PortalSuspended", { opcode: "s", fields: {} })

/** Whether a transaction is open. */
const TransactionStatus = enumeration("TransactionStatus", u8, { idle: "I", inTransaction: "T", failed: "E" }, { unknown: "error" })
const readyForQuery = backend("ReadyForQuery", {
  opcode: "Z",
  examples: seen("psql 15.18", "5a0000000549", { status: 0x49 }),
  fields: { status: TransactionStatus }
})

/** A column of a result. `tableOid` and `attribute` are 0 when it is none of a table. */
const Column = struct("Column", {
  name: cstring(),
  tableOid: u32,
  attribute: i16,
  typeOid: u32,
  typeSize: i16,
  typeModifier: i32,
  format: Format
})
const rowDescription = backend("RowDescription", { opcode: "T", fields: { columns: counted(u16, Column) } })

/** PostgreSQL. */
export const postgres = protocol(postgresFrame, {
  name: "postgres",
  module: "@wirewright/examples/gallery/postgres",
  commands: [
    startupMessage,
    cancelRequest,
    sslRequest,
    gssEncRequest,
    encryptionAnswer,
    passwordMessage,
    gssResponse,
    saslInitialResponse,
    saslResponse,
    authenticationOk,
    authenticationKerberosV5,
    authenticationCleartextPassword,
    authenticationMd5Password,
    authenticationScmCredential,
    authenticationGss,
    authenticationGssContinue,
    authenticationSspi,
    authenticationSasl,
    authenticationSaslContinue,
    authenticationSaslFinal,
    bind,
    close,
    copyData,
    copyDone,
    copyFail,
    describe,
    execute,
    flush,
    functionCall,
    parse,
    query,
    sync,
    terminate,
    backendKeyData,
    bindComplete,
    closeComplete,
    commandComplete,
    copyInResponse,
    copyOutResponse,
    copyBothResponse,
    backendCopyData,
    backendCopyDone,
    dataRow,
    emptyQueryResponse,
    errorResponse,
    noticeResponse,
    functionCallResponse,
    negotiateProtocolVersion,
    noData,
    notificationResponse,
    parameterDescription,
    parameterStatus,
    parseComplete,
    portalSuspended,
    readyForQuery,
    rowDescription
  ]
})
