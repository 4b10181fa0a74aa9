/** TLS 1.2 and 1.3 (RFC 5246, 8446): records, alerts, and handshake messages, which stand in the fragments of handshake records. */
import { bodyLength, type Fields, frame, numbered, opcode, packetsOf, protocol, type Type } from "@wirewright/dsl"
import { array, by, bytes, choice, constant, enumeration, optional, prefixed, struct, tagged } from "@wirewright/dsl"
import { type NumberType, u16, u24, u32, u8, utf8, when } from "@wirewright/dsl"

/** Bytes of OpenSSL 3.0; `test/fixtures/gallery` has more. */
const recorded = (hex: string) => [{ origin: "OpenSSL 3.0", hex }]

const ContentType = enumeration("ContentType", u8, { ChangeCipherSpec: 20, Alert: 21, Handshake: 22, ApplicationData: 23 })
/** On the wire 1.2 is 3.3, and 1.3 too: an extension says it. */
const Version = enumeration("Version", u16, { Ssl3: 0x0300, Tls10: 0x0301, Tls11: 0x0302, Tls12: 0x0303, Tls13: 0x0304 })

const tlsFrame = frame("TLS", {
  sections: ["fragment"],
  kinds: {
    plaintext: { headers: [{ fields: { type: opcode(u8), version: Version, length: bodyLength(u16) } }] },
    ciphertext: { headers: [{ fields: { contentType: ContentType, version: Version, length: bodyLength(u16) } }] },
    handshakeMessage: { headers: [{ fields: { type: opcode(u8), length: bodyLength(u24) } }] }
  },
  states: { version: "12 or 13, as the ServerHello has chosen: certificates, their requests and tickets differ" },
  maxFrame: 0xffffff
})
const [records, ciphertext] = [packetsOf(tlsFrame, "plaintext"), packetsOf(tlsFrame, "ciphertext")]
const messages = packetsOf(tlsFrame, "handshakeMessage")
/** A record, and a handshake message, with bytes of it where they were not encrypted. */
const record = (name: string, opcode: number, hex: string, fields: Fields) => records(name, { examples: recorded(hex), opcode, fields })
const message = (name: string, opcode: number, fields: Fields, ...hex: ReadonlyArray<string>) =>
  messages(name, { examples: hex.flatMap(recorded), opcode, fields })

const AlertDescription = enumeration("AlertDescription", u8, {
  ...numbered(0, "CloseNotify", 10, "UnexpectedMessage", 20, "BadRecordMac", 22, "RecordOverflow", 40, "HandshakeFailure"),
  ...numbered(42, "BadCertificate", "UnsupportedCertificate", "CertificateRevoked", "CertificateExpired", "CertificateUnknown"),
  ...numbered(47, "IllegalParameter", "UnknownCa", "AccessDenied", "DecodeFailed", "DecryptFailed"),
  ...numbered(70, "ProtocolVersion", "InsufficientSecurity", 80, "InternalError", 86, "InappropriateFallback", 90, "UserCanceled"),
  ...numbered(100, "NoRenegotiation", 109, "MissingExtension", "UnsupportedExtension", 120, "NoApplicationProtocol"),
  ...numbered(112, "UnrecognizedName", "BadCertificateStatusResponse", 115, "UnknownPskIdentity", "CertificateRequired")
})
const alert = { level: enumeration("AlertLevel", u8, { Warning: 1, Fatal: 2 }), description: AlertDescription }
const NamedGroup = enumeration("NamedGroup", u16, { Secp256r1: 23, Secp384r1: 24, Secp521r1: 25, X25519: 29, X448: 30, Ffdhe2048: 256 })
/** In TLS 1.2 a hash's number and a signature's. */
const SignatureScheme = enumeration("SignatureScheme", u16, {
  ...numbered(0x0401, "RsaPkcs1Sha256", 0x0403, "EcdsaSecp256r1Sha256"),
  ...numbered(0x0804, "RsaPssRsaeSha256", "RsaPssRsaeSha384", "RsaPssRsaeSha512", "Ed25519")
})
const CipherSuite = enumeration("CipherSuite", u16, {
  ...numbered(0x1301, "Aes128GcmSha256", "Aes256GcmSha384", "Chacha20Poly1305Sha256", 0x00ff, "RenegotiationInfo")
})

// `<floor..ceiling>` of the RFCs: most lists and much of what is opaque must not be empty; tickets of 1.2 may be
const [opaque8, opaque16] = [prefixed(u8, bytes()), prefixed(u16, bytes())]
const atLeastOne = (by: NumberType, of: Type) => prefixed(by, array(of, { min: 1 }))
const [some16, some24, schemes] = [prefixed(u16, bytes({ min: 1 })), prefixed(u24, bytes({ min: 1 })), atLeastOne(u16, SignatureScheme)]

/** Extensions that say the same wherever they stand. */
const common = {
  MaxFragmentLength: tagged(1, { code: u8 }),
  SupportedGroups: tagged(10, { groups: atLeastOne(u16, NamedGroup) }),
  EcPointFormats: tagged(11, { formats: atLeastOne(u8, u8) }),
  SignatureAlgorithms: tagged(13, { schemes }),
  ApplicationLayerProtocols: tagged(16, { protocols: atLeastOne(u16, prefixed(u8, utf8({ min: 1 }))) }),
  Padding: tagged(21, { zeros: bytes() }),
  EncryptThenMac: tagged(22, {}),
  ExtendedMasterSecret: tagged(23, {}),
  SessionTicket: tagged(35, { ticket: bytes() }),
  Cookie: tagged(44, { cookie: some16 }),
  CertificateAuthorities: tagged(47, { names: atLeastOne(u16, some16) }),
  SignatureAlgorithmsCert: tagged(50, { schemes }),
  RenegotiationInfo: tagged(0xff01, { verifyData: opaque8 })
}

const ServerName = struct("ServerName", { type: constant(u8, 0), name: prefixed(u16, utf8({ min: 1 })) })
const PskIdentity = struct("PskIdentity", { identity: some16, obfuscatedTicketAge: u32 })
const KeyShareEntry = struct("KeyShareEntry", { group: NamedGroup, keyExchange: some16 })

const ClientExtensionData = choice("ClientExtensionData", by("type"), {
  ...common,
  ServerName: tagged(0, { names: atLeastOne(u16, ServerName) }),
  StatusRequest: tagged(5, { type: u8, responders: prefixed(u16, array(some16)), extensions: opaque16 }),
  PreSharedKey: tagged(41, { identities: atLeastOne(u16, PskIdentity), binders: atLeastOne(u16, prefixed(u8, bytes({ min: 32 }))) }),
  EarlyData: tagged(42, {}),
  SupportedVersions: tagged(43, { versions: atLeastOne(u8, Version) }),
  PskKeyExchangeModes: tagged(45, { modes: atLeastOne(u8, u8) }),
  PostHandshakeAuth: tagged(49, {}),
  KeyShare: tagged(51, { shares: prefixed(u16, array(KeyShareEntry)) })
}, { unknown: "keep" })

/** What a server says in its ServerHello and EncryptedExtensions. */
const ServerExtensionData = choice("ServerExtensionData", by("type"), {
  ...common,
  ServerName: tagged(0, {}),
  StatusRequest: tagged(5, {}),
  PreSharedKey: tagged(41, { selectedIdentity: u16 }),
  EarlyData: tagged(42, {}),
  SupportedVersions: tagged(43, { version: Version }),
  /** A HelloRetryRequest has no key. */
  KeyShare: tagged(51, { group: NamedGroup, keyExchange: optional(some16) })
}, { unknown: "keep" })

/** What stands beside a certificate, in a request for one, or in a ticket. */
const OtherExtensionData = choice("OtherExtensionData", by("type"), {
  SignatureAlgorithms: common.SignatureAlgorithms,
  SignatureAlgorithmsCert: common.SignatureAlgorithmsCert,
  CertificateAuthorities: common.CertificateAuthorities,
  StatusRequest: tagged(5, { type: u8, response: some24 }),
  EarlyData: tagged(42, { maxEarlyDataSize: u32 })
}, { unknown: "keep" })

const extension = (name: string, data: Type) => struct(name, { type: u16, data: prefixed(u16, data) })
const clientExtensions = prefixed(u16, array(extension("ClientExtension", ClientExtensionData)))
const serverExtensions = prefixed(u16, array(extension("ServerExtension", ServerExtensionData)))
const OtherExtension = extension("OtherExtension", OtherExtensionData)
const otherExtensions = prefixed(u16, array(OtherExtension))
const [in12, in13] = [(of: Type) => when("version", of, { to: 12 }), (of: Type) => when("version", of, { from: 13 })]
const hello = { version: Version, random: bytes({ size: 32 }), sessionId: prefixed(u8, bytes({ max: 32 })) }
const offered = { cipherSuites: atLeastOne(u16, CipherSuite), compressionMethods: atLeastOne(u8, u8) }
const chosen = { cipherSuite: CipherSuite, compressionMethod: u8 }
const ticket = { ageAdd: in13(u32), nonce: in13(opaque8), ticket: when("version", some16, { from: 13, else: opaque16 }) }
const CertificateEntry = struct("CertificateEntry", { certificate: some24, extensions: in13(otherExtensions) })
const wanted12 = { types: in12(atLeastOne(u8, u8)), schemes: in12(schemes), authorities: in12(prefixed(u16, array(some16))) }
const wanted13 = { context: in13(opaque8), extensions: in13(atLeastOne(u16, OtherExtension)) }

const encrypted = "16030300289dd952ae97532f55d3ac0ca268c528f4ff39ec209842c94431bc6dd9b3295a6eddc282461cbee093"
const serverHello = "02000035030318e1f1b524c0e0158c414818b126a596c02fbf359ed267fe444f574e4752440100009e00000dff010001000023000000170000"
const certificateRequest = "0d000030030102400028040305030603080708080809080a080b0804080508060401050106010303030103020402050206020000"

/** Transport Layer Security. */
export const tls = protocol(tlsFrame, {
  name: "tls",
  module: "@wirewright/examples/gallery/tls",
  commands: [
    record("ChangeCipherSpec", 20, "140303000101", { one: constant(u8, 1) }),
    record("Alert", 21, "15030300020246", alert),
    /** A part of the handshake messages, one after another; one message may be in several records. */
    record("Handshake", 22, "160303002510000021206eae533a6075d8c63583ff3a2448c925b96bec1c524ecb220a66cd2121d8845e", { messages: bytes() }),
    /** Encrypted always: in TLS 1.3 it is what anything encrypted calls itself. */
    record("ApplicationData", 23, "1703030017ef34132a9c0f4d7aa1feb9b60163c18eb974fee298fe51", { encrypted: bytes() }),
    ciphertext("Encrypted", { examples: recorded(encrypted), fields: { encrypted: bytes() } }),
    message("HelloRequest", 0, {}),
    message("ClientHello", 1, { ...hello, ...offered, extensions: optional(clientExtensions) }),
    message("ServerHello", 2, { ...hello, ...chosen, extensions: optional(serverExtensions) }, serverHello),
    message("NewSessionTicket", 4, { lifetime: u32, ...ticket, extensions: in13(otherExtensions) }),
    message("EndOfEarlyData", 5, {}),
    message("EncryptedExtensions", 8, { extensions: serverExtensions }),
    message("Certificate", 11, { context: in13(opaque8), certificates: prefixed(u24, array(CertificateEntry)) }),
    message("CertificateRequest", 13, { ...wanted12, ...wanted13 }, certificateRequest),
    message("ServerHelloDone", 14, {}, "0e000000"),
    message("CertificateVerify", 15, { scheme: SignatureScheme, signature: opaque16 }),
    message("Finished", 20, { verifyData: bytes() })
  ]
})
