/** TLS 1.2 and 1.3 (RFC 5246, 8446): records, alerts, and handshake messages, which stand in the fragments of handshake records. */
import {
  array,
  bodyLength,
  by,
  bytes,
  choice,
  constant,
  enumeration,
  frame,
  opcode,
  optional,
  packetsOf,
  prefixed,
  protocol,
  struct,
  tagged,
  u16,
  u24,
  u32,
  u8,
  utf8,
  when
} from "@wirewright/dsl"

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
const plaintext = packetsOf(tlsFrame, "plaintext")
const handshake = packetsOf(tlsFrame, "handshakeMessage")
const ciphertext = packetsOf(tlsFrame, "ciphertext")

const AlertDescription = enumeration("AlertDescription", u8, {
  CloseNotify: 0, UnexpectedMessage: 10, BadRecordMac: 20, RecordOverflow: 22, HandshakeFailure: 40, BadCertificate: 42,
  UnsupportedCertificate: 43, CertificateRevoked: 44, CertificateExpired: 45, CertificateUnknown: 46, IllegalParameter: 47, UnknownCa: 48,
  AccessDenied: 49, DecodeFailed: 50, DecryptFailed: 51, ProtocolVersion: 70, InsufficientSecurity: 71, InternalError: 80,
  InappropriateFallback: 86, UserCanceled: 90, NoRenegotiation: 100, MissingExtension: 109, UnsupportedExtension: 110, UnrecognizedName: 112,
  BadCertificateStatusResponse: 113, UnknownPskIdentity: 115, CertificateRequired: 116, NoApplicationProtocol: 120
})
const NamedGroup = enumeration("NamedGroup", u16, { Secp256r1: 23, Secp384r1: 24, Secp521r1: 25, X25519: 29, X448: 30, Ffdhe2048: 256 })
/** In TLS 1.2 a hash's number and a signature's. */
const SignatureScheme = enumeration("SignatureScheme", u16, {
  RsaPkcs1Sha256: 0x0401, EcdsaSecp256r1Sha256: 0x0403, RsaPssRsaeSha256: 0x0804, RsaPssRsaeSha384: 0x0805, RsaPssRsaeSha512: 0x0806,
  Ed25519: 0x0807
})
const CipherSuite = enumeration("CipherSuite", u16, {
  Aes128GcmSha256: 0x1301, Aes256GcmSha384: 0x1302, Chacha20Poly1305Sha256: 0x1303, RenegotiationInfo: 0x00ff
})
const ExtensionType = enumeration("ExtensionType", u16, {
  ServerName: 0, MaxFragmentLength: 1, StatusRequest: 5, SupportedGroups: 10, EcPointFormats: 11, SignatureAlgorithms: 13,
  ApplicationLayerProtocols: 16, SignedCertificateTimestamp: 18, Padding: 21, EncryptThenMac: 22, ExtendedMasterSecret: 23, SessionTicket: 35,
  PreSharedKey: 41, EarlyData: 42, SupportedVersions: 43, Cookie: 44, PskKeyExchangeModes: 45, CertificateAuthorities: 47,
  PostHandshakeAuth: 49, SignatureAlgorithmsCert: 50, KeyShare: 51, RenegotiationInfo: 0xff01
})

const opaque8 = prefixed(u8, bytes())
const opaque16 = prefixed(u16, bytes())
const opaque24 = prefixed(u24, bytes())
const names = prefixed(u16, array(opaque16))
const schemes = prefixed(u16, array(SignatureScheme))

/** Extensions that say the same wherever they stand. */
const common = {
  MaxFragmentLength: tagged(1, { code: u8 }),
  SupportedGroups: tagged(10, { groups: prefixed(u16, array(NamedGroup)) }),
  EcPointFormats: tagged(11, { formats: prefixed(u8, array(u8)) }),
  SignatureAlgorithms: tagged(13, { schemes }),
  ApplicationLayerProtocols: tagged(16, { protocols: prefixed(u16, array(prefixed(u8, utf8()))) }),
  Padding: tagged(21, { zeros: bytes() }),
  EncryptThenMac: tagged(22, {}),
  ExtendedMasterSecret: tagged(23, {}),
  SessionTicket: tagged(35, { ticket: bytes() }),
  Cookie: tagged(44, { cookie: opaque16 }),
  CertificateAuthorities: tagged(47, { names }),
  SignatureAlgorithmsCert: tagged(50, { schemes }),
  RenegotiationInfo: tagged(0xff01, { verifyData: opaque8 })
}

const ClientExtensionData = choice("ClientExtensionData", by("type"), {
  ...common,
  ServerName: tagged(0, { names: prefixed(u16, array(struct("ServerName", { type: constant(u8, 0), name: prefixed(u16, utf8()) }))) }),
  StatusRequest: tagged(5, { type: u8, responders: names, extensions: opaque16 }),
  PreSharedKey: tagged(41, {
    identities: prefixed(u16, array(struct("PskIdentity", { identity: opaque16, obfuscatedTicketAge: u32 }))),
    binders: prefixed(u16, array(opaque8))
  }),
  EarlyData: tagged(42, {}),
  SupportedVersions: tagged(43, { versions: prefixed(u8, array(Version)) }),
  PskKeyExchangeModes: tagged(45, { modes: prefixed(u8, array(u8)) }),
  PostHandshakeAuth: tagged(49, {}),
  KeyShare: tagged(51, { shares: prefixed(u16, array(struct("KeyShareEntry", { group: NamedGroup, keyExchange: opaque16 }))) })
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
  KeyShare: tagged(51, { group: NamedGroup, keyExchange: optional(opaque16) })
}, { unknown: "keep" })

/** What stands beside a certificate, in a request for one, or in a ticket. */
const OtherExtensionData = choice("OtherExtensionData", by("type"), {
  SignatureAlgorithms: common.SignatureAlgorithms,
  SignatureAlgorithmsCert: common.SignatureAlgorithmsCert,
  CertificateAuthorities: common.CertificateAuthorities,
  StatusRequest: tagged(5, { type: u8, response: opaque24 }),
  EarlyData: tagged(42, { maxEarlyDataSize: u32 })
}, { unknown: "keep" })

const clientExtensions = prefixed(u16, array(struct("ClientExtension", { type: ExtensionType, data: prefixed(u16, ClientExtensionData) })))
const serverExtensions = prefixed(u16, array(struct("ServerExtension", { type: ExtensionType, data: prefixed(u16, ServerExtensionData) })))
const otherExtensions = prefixed(u16, array(struct("OtherExtension", { type: ExtensionType, data: prefixed(u16, OtherExtensionData) })))
const in12 = { to: 12 } as const
const in13 = { from: 13 } as const
const hello = { version: Version, random: bytes({ size: 32 }), sessionId: prefixed(u8, bytes({ max: 32 })) }

/** Transport Layer Security. */
export const tls = protocol(tlsFrame, {
  name: "tls",
  module: "@wirewright/examples/gallery/tls",
  commands: [
    plaintext("ChangeCipherSpec", { opcode: 20, fields: { one: constant(u8, 1) } }),
    plaintext("Alert", { opcode: 21, fields: { level: enumeration("AlertLevel", u8, { Warning: 1, Fatal: 2 }), description: AlertDescription } }),
    /** A part of the handshake messages, one after another; one message may be in several records. */
    plaintext("Handshake", { opcode: 22, fields: { messages: bytes() } }),
    /** Encrypted always: in TLS 1.3 it is what anything encrypted calls itself. */
    plaintext("ApplicationData", { opcode: 23, fields: { encrypted: bytes() } }),
    ciphertext("Encrypted", { fields: { encrypted: bytes() } }),
    handshake("HelloRequest", { opcode: 0, fields: {} }),
    handshake("ClientHello", {
      opcode: 1,
      fields: {
        ...hello,
        cipherSuites: prefixed(u16, array(CipherSuite)),
        compressionMethods: prefixed(u8, array(u8)),
        extensions: optional(clientExtensions)
      }
    }),
    handshake("ServerHello", {
      opcode: 2,
      fields: { ...hello, cipherSuite: CipherSuite, compressionMethod: u8, extensions: optional(serverExtensions) }
    }),
    handshake("NewSessionTicket", {
      opcode: 4,
      fields: {
        lifetime: u32,
        ageAdd: when("version", u32, in13),
        nonce: when("version", opaque8, in13),
        ticket: opaque16,
        extensions: when("version", otherExtensions, in13)
      }
    }),
    handshake("EndOfEarlyData", { opcode: 5, fields: {} }),
    handshake("EncryptedExtensions", { opcode: 8, fields: { extensions: serverExtensions } }),
    handshake("Certificate", {
      opcode: 11,
      fields: {
        context: when("version", opaque8, in13),
        certificates: prefixed(
          u24,
          array(struct("CertificateEntry", { certificate: opaque24, extensions: when("version", otherExtensions, in13) }))
        )
      }
    }),
    handshake("CertificateRequest", {
      opcode: 13,
      fields: {
        types: when("version", prefixed(u8, array(u8)), in12),
        schemes: when("version", schemes, in12),
        authorities: when("version", names, in12),
        context: when("version", opaque8, in13),
        extensions: when("version", otherExtensions, in13)
      }
    }),
    handshake("ServerHelloDone", { opcode: 14, fields: {} }),
    handshake("CertificateVerify", { opcode: 15, fields: { scheme: SignatureScheme, signature: opaque16 } }),
    handshake("Finished", { opcode: 20, fields: { verifyData: bytes() } })
  ]
})
