/**
 * Who may sign in: passwords as SCRAM keys and as digests, never as text.
 *
 * Keys are derived once, off the event loop, when the node is made; signing in is then pure work of microseconds. A user that does not exist
 * gets a challenge like anybody else, so that nobody learns who does.
 */
import { type ScramCredentials, scramKeys, type ScramMechanism, scramMechanisms } from "@wirewright/couchbase/Scram"
import { nodeCrypto, saltedPassword } from "@wirewright/couchbase/ScramCrypto"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Crypto from "node:crypto"

/** Somebody who may sign in. */
export interface User {
  readonly name: string
  readonly password: Redacted.Redacted<string>
  /** Whether the user may change documents; yes unless said otherwise. */
  readonly mayWrite?: boolean
}

/** Where nonces and salts come from; random unless a test gives its own. */
export interface SaslRandom {
  readonly nonce: (mechanism: ScramMechanism) => string
  readonly salt: (mechanism: ScramMechanism, user: string) => Uint8Array
}

/** Iterations of the key derivation, as Couchbase's servers use. */
export const iterations = 4096

const randomSource: SaslRandom = {
  nonce: () => Crypto.randomBytes(18).toString("base64"),
  salt: () => new Uint8Array(Crypto.randomBytes(16))
}

interface Known {
  readonly mayWrite: boolean
  /** Keyed digest of the password, for PLAIN. */
  readonly digest: Uint8Array
  readonly scram: ReadonlyMap<ScramMechanism, ScramCredentials>
}

/** The users of a node. */
export class Users {
  readonly random: SaslRandom
  private readonly known: ReadonlyMap<string, Known>
  private readonly key: Uint8Array

  private constructor(known: ReadonlyMap<string, Known>, key: Uint8Array, random: SaslRandom) {
    this.known = known
    this.key = key
    this.random = random
  }

  /** Derives everybody's keys. Dies when a user or password cannot take part in SCRAM (control or non-ASCII characters). */
  static make(users: ReadonlyArray<User>, random: SaslRandom = randomSource): Effect.Effect<Users> {
    const key = new Uint8Array(Crypto.randomBytes(32))
    const scramOf = (user: User, mechanism: ScramMechanism) => {
      const salt = random.salt(mechanism, user.name)
      return Effect.map(
        saltedPassword(mechanism, user.password, salt, iterations),
        (salted) => [mechanism, { ...scramKeys(nodeCrypto, mechanism, salted), salt, iterations }] as const
      )
    }
    const knownOf = (user: User) =>
      Effect.map(Effect.all(scramMechanisms.map((mechanism) => scramOf(user, mechanism)), { concurrency: "unbounded" }), (scram) => {
        const known: Known = {
          mayWrite: user.mayWrite !== false,
          digest: digestOf(key, Redacted.value(user.password)),
          scram: new Map(scram)
        }
        return [user.name, known] as const
      })
    return Effect.orDie(Effect.map(Effect.forEach(users, knownOf), (all) => new Users(new Map(all), key, random)))
  }

  /** Whether nobody needs to sign in. */
  get none(): boolean {
    return this.known.size === 0
  }

  mayWrite(user: string): boolean {
    return this.known.get(user)?.mayWrite === true
  }

  /** Whether this is the user's password; takes as long for users that do not exist. */
  accepts(user: string, password: Redacted.Redacted<string>): boolean {
    const given = digestOf(this.key, Redacted.value(password))
    const known = this.known.get(user)
    return Crypto.timingSafeEqual(given, known?.digest ?? new Uint8Array(given.length)) && known !== undefined
  }

  /** What a user's proof is checked with; made up, but always the same, for users that do not exist. */
  credentials(mechanism: ScramMechanism, user: string): { readonly known: boolean; readonly credentials: ScramCredentials } {
    const credentials = this.known.get(user)?.scram.get(mechanism)
    if (credentials !== undefined) return { known: true, credentials }
    const madeUp = digestOf(this.key, `${mechanism} ${user}`)
    return { known: false, credentials: { salt: madeUp.slice(0, 16), iterations, storedKey: madeUp, serverKey: madeUp } }
  }
}

const digestOf = (key: Uint8Array, text: string): Uint8Array => new Uint8Array(Crypto.createHmac("sha256", key).update(text).digest())
