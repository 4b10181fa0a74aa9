/** What SCRAM needs of Node: hashes, keyed hashes, key derivation off the event loop, nonces. It knows no messages. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Crypto from "node:crypto"
import { hashLength, prepare, type ScramCrypto, type ScramError, type ScramMechanism } from "./Scram.ts"

const digest = (mechanism: ScramMechanism): string =>
  mechanism === "SCRAM-SHA512" ? "sha512" : mechanism === "SCRAM-SHA256" ? "sha256" : "sha1"

const plain = (buffer: Uint8Array): Uint8Array => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)

/** The hash functions of Node. */
export const nodeCrypto: ScramCrypto = {
  hash: (mechanism, bytes) => plain(Crypto.createHash(digest(mechanism)).update(bytes).digest()),
  hmac: (mechanism, key, bytes) => plain(Crypto.createHmac(digest(mechanism), key).update(bytes).digest())
}

/** `PBKDF2(password, salt, iterations)` in a thread of Node's pool: 4096 iterations take milliseconds, a million a second. */
export const saltedPassword = (
  mechanism: ScramMechanism,
  password: Redacted.Redacted<string>,
  salt: Uint8Array,
  iterations: number
): Effect.Effect<Uint8Array, ScramError> =>
  Effect.flatMap(Effect.fromResult(prepare(Redacted.value(password), "password")), (prepared) =>
    Effect.callback<Uint8Array>((resume) => {
      Crypto.pbkdf2(prepared, salt, iterations, hashLength(mechanism), digest(mechanism), (error, key) => {
        resume(error === null ? Effect.succeed(plain(key)) : Effect.die(error))
      })
    }))

/** Eighteen random bytes as 24 characters that need no escaping. */
export const randomNonce: Effect.Effect<string> = Effect.sync(() => Crypto.randomBytes(18).toString("base64"))
