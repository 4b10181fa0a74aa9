/**
 * SCRAM for both sides as pure steps: messages in, messages out (RFC 5802, RFC 7677). Mechanism names as Couchbase spells them, without the
 * dash before the digits.
 *
 * Nonces and salts are given; keyed hashes come from a `ScramCrypto`; deriving the salted password is the caller's, between two steps,
 * because it is the slow part. Channel binding is not offered. Nothing here keeps a password, and no error repeats one.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { decodeBase64, encodeBase64 } from "./Base64.ts"

/** Mechanisms, strongest first. */
export const scramMechanisms = ["SCRAM-SHA512", "SCRAM-SHA256", "SCRAM-SHA1"] as const

/** A SCRAM mechanism. */
export type ScramMechanism = typeof scramMechanisms[number]

/** Whether a name is that of a SCRAM mechanism. */
export const isScramMechanism = (name: string): name is ScramMechanism => (scramMechanisms as ReadonlyArray<string>).includes(name)

/** Length of a mechanism's hash in bytes. */
export const hashLength = (mechanism: ScramMechanism): 64 | 32 | 20 =>
  mechanism === "SCRAM-SHA512" ? 64 : mechanism === "SCRAM-SHA256" ? 32 : 20

/** The hash functions of a mechanism. */
export interface ScramCrypto {
  readonly hash: (mechanism: ScramMechanism, bytes: Uint8Array) => Uint8Array
  readonly hmac: (mechanism: ScramMechanism, key: Uint8Array, bytes: Uint8Array) => Uint8Array
}

/** Fewest iterations accepted: what RFC 7677 asks of SHA-256, and what Couchbase's servers use. */
export const fewestIterations = 4096

/** Most iterations accepted; a server that asks for more makes the client burn its time. */
export const maxIterations = 1_000_000

/** Why an exchange failed. */
export const ScramReason = Schema.Literals([
  // A message is not what RFC 5802 section 7 says
  "MalformedMessage",
  // The server's nonce does not begin with the client's, or the client's final nonce is another
  "NonceMismatch",
  "IterationsTooFew",
  "IterationsTooMany",
  // The client asks for channel binding
  "ChannelBindingUnsupported",
  // The peer needs an extension that is not known here (attribute `m`)
  "ExtensionUnsupported",
  // The client does not know the password
  "ProofMismatch",
  // The server does not know the password either: it is an impostor
  "ServerSignatureMismatch",
  // The server's `e=`; the text says what it is
  "RefusedByServer",
  // User or password has characters that need SASLprep, which is not implemented
  "NotAscii",
  // User or password has a control character, which SASLprep prohibits
  "ControlCharacter"
])
export type ScramReason = typeof ScramReason.Type

/** An exchange failed. The message never has a password, a proof or a key. */
export class ScramError extends Schema.TaggedError<ScramError>()("ScramError", { reason: ScramReason, message: Schema.String }) {}

const fail = (reason: ScramReason, message: string): Result.Result<never, ScramError> => Result.fail(new ScramError({ reason, message }))

/**
 * A user name or password as it enters the exchange. Printable ASCII is its own SASLprep (RFC 4013); everything else is refused by name
 * instead of being sent in a form that the server may spell differently.
 */
export const prepare = (text: string, what: "user" | "password"): Result.Result<string, ScramError> => {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code > 0x7e) return code === 0x7f ? control(what) : fail("NotAscii", `the ${what} has characters beyond ASCII, which need SASLprep`)
    if (code < 0x20) return control(what)
  }
  return Result.succeed(text)
}

const control = (what: string) => fail("ControlCharacter", `the ${what} has a control character`)

const utf8 = new TextEncoder()

/** `name=value,name=value…`; values may contain `=` and spaces. */
const attributes = (message: string): ReadonlyArray<readonly [name: string, value: string]> | undefined => {
  const out: Array<readonly [string, string]> = []
  for (const part of message.split(",")) {
    if (!/^[A-Za-z]=/.test(part)) return undefined
    out.push([part[0]!, part.slice(2)])
  }
  return out
}

const escapeName = (name: string): string => name.replaceAll("=", "=3D").replaceAll(",", "=2C")

const unescapeName = (name: string): string | undefined =>
  /=(?!2C|3D)/.test(name) ? undefined : name.replaceAll("=2C", ",").replaceAll("=3D", "=")

const xor = (left: Uint8Array, right: Uint8Array): Uint8Array => left.map((byte, at) => byte ^ right[at]!)

/** Whether two byte strings are the same, in a time that does not tell where they differ. */
const same = (left: Uint8Array, right: Uint8Array): boolean => {
  if (left.length !== right.length) return false
  let difference = 0
  for (let at = 0; at < left.length; at++) difference |= left[at]! ^ right[at]!
  return difference === 0
}

/** What is derived from a salted password; a server stores these instead of the password. */
export interface ScramKeys {
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
}

/** The keys of a salted password. */
export const scramKeys = (crypto: ScramCrypto, mechanism: ScramMechanism, saltedPassword: Uint8Array): ScramKeys => ({
  storedKey: crypto.hash(mechanism, crypto.hmac(mechanism, saltedPassword, utf8.encode("Client Key"))),
  serverKey: crypto.hmac(mechanism, saltedPassword, utf8.encode("Server Key"))
})

// ---- client

/** A client that has sent its first message. */
export interface ClientFirst {
  readonly mechanism: ScramMechanism
  /** What goes to the server. */
  readonly message: string
  readonly bare: string
  readonly nonce: string
}

/** Begins: `n,,n=user,r=nonce`. The nonce has no comma. */
export const clientFirst = (mechanism: ScramMechanism, user: string, nonce: string): Result.Result<ClientFirst, ScramError> => {
  if (nonce === "" || nonce.includes(",")) return fail("MalformedMessage", "a nonce is not empty and has no comma")
  return Result.map(prepare(user, "user"), (name) => {
    const bare = `n=${escapeName(name)},r=${nonce}`
    return { mechanism, message: `n,,${bare}`, bare, nonce }
  })
}

/** A client that has the server's challenge; the salted password is `PBKDF2(password, salt, iterations)` with the mechanism's hash. */
export interface ParsedServerFirst extends ClientFirst {
  readonly salt: Uint8Array
  readonly iterations: number
  readonly serverFirst: string
  readonly fullNonce: string
}

/** Takes the server's first message: `r=…,s=…,i=…`. */
export const readServerFirst = (first: ClientFirst, serverFirst: string): Result.Result<ParsedServerFirst, ScramError> => {
  const found = attributes(serverFirst)
  if (found === undefined) return fail("MalformedMessage", "the server's first message is no list of attributes")
  const [nonce, salt, count] = found
  if (nonce?.[0] === "m") return fail("ExtensionUnsupported", "the server needs an extension")
  if (nonce?.[0] === "e") return fail("RefusedByServer", `the server refuses: ${nonce[1]}`)
  if (nonce?.[0] !== "r" || salt?.[0] !== "s" || count?.[0] !== "i") {
    return fail("MalformedMessage", "the server's first message is not nonce, salt, iterations")
  }
  if (!nonce[1].startsWith(first.nonce) || nonce[1].length === first.nonce.length) {
    return fail("NonceMismatch", "the server's nonce does not continue the client's")
  }
  const saltBytes = decodeBase64(salt[1])
  if (saltBytes === undefined || saltBytes.length === 0) return fail("MalformedMessage", "the salt is not base64")
  if (!/^[1-9]\d{0,9}$/.test(count[1])) return fail("MalformedMessage", "the iteration count is not a positive number")
  const iterations = Number(count[1])
  if (iterations < fewestIterations) return fail("IterationsTooFew", `${iterations} iterations, fewer than ${fewestIterations}`)
  if (iterations > maxIterations) return fail("IterationsTooMany", `${iterations} iterations, more than ${maxIterations}`)
  return Result.succeed({ ...first, salt: saltBytes, iterations, serverFirst, fullNonce: nonce[1] })
}

/** A client that has sent its proof. */
export interface ClientFinal {
  /** What goes to the server. */
  readonly message: string
  readonly serverSignature: Uint8Array
}

/** Proves that the client knows the password. */
export const clientFinal = (crypto: ScramCrypto, challenge: ParsedServerFirst, saltedPassword: Uint8Array): ClientFinal => {
  const { mechanism } = challenge
  const withoutProof = `c=biws,r=${challenge.fullNonce}`
  const authMessage = utf8.encode(`${challenge.bare},${challenge.serverFirst},${withoutProof}`)
  const clientKey = crypto.hmac(mechanism, saltedPassword, utf8.encode("Client Key"))
  const { storedKey, serverKey } = scramKeys(crypto, mechanism, saltedPassword)
  const proof = xor(clientKey, crypto.hmac(mechanism, storedKey, authMessage))
  return { message: `${withoutProof},p=${encodeBase64(proof)}`, serverSignature: crypto.hmac(mechanism, serverKey, authMessage) }
}

/** Takes the server's final message, `v=…`: succeeds only when the server has proved that it knows the password too. */
export const verifyServerFinal = (final: ClientFinal, serverFinal: string): Result.Result<void, ScramError> => {
  const found = attributes(serverFinal)?.[0]
  if (found?.[0] === "e") return fail("RefusedByServer", `the server refuses: ${found[1]}`)
  const signature = found?.[0] === "v" ? decodeBase64(found[1]) : undefined
  if (signature === undefined) return fail("MalformedMessage", "the server's final message has no signature")
  return same(signature, final.serverSignature)
    ? Result.void
    : fail("ServerSignatureMismatch", "the server's signature is wrong: it does not know the password")
}

// ---- server

/** A client's first message, read. */
export interface ParsedClientFirst {
  readonly mechanism: ScramMechanism
  /** Whose password is to be looked up. */
  readonly user: string
  readonly clientNonce: string
  readonly header: string
  readonly bare: string
}

/** Reads a client's first message. */
export const readClientFirst = (mechanism: ScramMechanism, clientFirstMessage: string): Result.Result<ParsedClientFirst, ScramError> => {
  const header = /^([^,]*),([^,]*),/.exec(clientFirstMessage)
  if (header === null) return fail("MalformedMessage", "the client's first message has no header")
  if (header[1]!.startsWith("p=")) return fail("ChannelBindingUnsupported", "the client asks for channel binding")
  if (header[1] !== "n" && header[1] !== "y" || header[2] !== "" && !/^a=./.test(header[2]!)) {
    return fail("MalformedMessage", "the client's header is none")
  }
  const bare = clientFirstMessage.slice(header[0].length)
  const [name, nonce] = attributes(bare) ?? []
  if (name?.[0] === "m") return fail("ExtensionUnsupported", "the client needs an extension")
  const user = name?.[0] === "n" ? unescapeName(name[1]) : undefined
  if (user === undefined || user === "" || nonce?.[0] !== "r" || nonce[1] === "") {
    return fail("MalformedMessage", "the client's first message is not user, nonce")
  }
  return Result.succeed({ mechanism, user, clientNonce: nonce[1], header: header[0], bare })
}

/** What a server knows of a user. */
export interface ScramCredentials extends ScramKeys {
  readonly salt: Uint8Array
  readonly iterations: number
}

/** A server that has sent its challenge. */
export interface ServerFirst extends ParsedClientFirst {
  /** What goes to the client, with status AuthContinue. */
  readonly message: string
  readonly fullNonce: string
}

/** Challenges the client. `nonce` continues the client's; for unknown users give a made-up salt, so that no client learns who exists. */
export const serverFirst = (read: ParsedClientFirst, nonce: string, salt: Uint8Array, iterations: number): ServerFirst => {
  const fullNonce = read.clientNonce + nonce
  return { ...read, fullNonce, message: `r=${fullNonce},s=${encodeBase64(salt)},i=${iterations}` }
}

/** Takes the client's final message and answers with the server's signature, `v=…`. */
export const serverFinal = (
  crypto: ScramCrypto,
  challenge: ServerFirst,
  keys: ScramKeys,
  clientFinalMessage: string
): Result.Result<string, ScramError> => {
  const { mechanism } = challenge
  const found = attributes(clientFinalMessage)
  const [binding, nonce] = found ?? []
  const last = found?.at(-1)
  if (binding?.[0] !== "c" || nonce?.[0] !== "r" || last?.[0] !== "p") {
    return fail("MalformedMessage", "the client's final message is not binding, nonce, proof")
  }
  if (binding[1] !== encodeBase64(utf8.encode(challenge.header))) {
    return fail("MalformedMessage", "the client's binding is not its header")
  }
  if (nonce[1] !== challenge.fullNonce) return fail("NonceMismatch", "the client's final nonce is not the one of this exchange")
  const proof = decodeBase64(last[1])
  if (proof === undefined || proof.length !== hashLength(mechanism)) return fail("MalformedMessage", "the proof is not a hash in base64")
  const withoutProof = clientFinalMessage.slice(0, clientFinalMessage.lastIndexOf(",p="))
  const authMessage = utf8.encode(`${challenge.bare},${challenge.message},${withoutProof}`)
  const clientKey = xor(proof, crypto.hmac(mechanism, keys.storedKey, authMessage))
  if (!same(crypto.hash(mechanism, clientKey), keys.storedKey)) return fail("ProofMismatch", "the client does not know the password")
  return Result.succeed(`v=${encodeBase64(crypto.hmac(mechanism, keys.serverKey, authMessage))}`)
}
