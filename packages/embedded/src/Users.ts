/**
 * Who may sign in, and what they may do: passwords as SCRAM keys and as digests, never as text.
 *
 * Keys are derived once, off the event loop, when the user is made; signing in is then pure work of microseconds. A user that does not exist
 * gets a challenge like any other, so that no client learns who does.
 */
import {
  nodeCrypto,
  saltedPassword,
  type ScramCredentials,
  scramKeys,
  type ScramMechanism,
  scramMechanisms
} from "@wirewright/couchbase/internal"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Crypto from "node:crypto"
import { type Action, permits, type Role } from "./Roles.ts"

/** Somebody who may sign in. */
export interface User {
  readonly name: string
  readonly password: Redacted.Redacted<string>
  /** Whether the user may change documents, buckets and users. Default: true */
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
  roles: ReadonlyArray<Role>
  /** Keyed digest of the password, for PLAIN. */
  readonly digest: Uint8Array
  readonly scram: ReadonlyMap<ScramMechanism, ScramCredentials>
}

/** Roles of the users that a node is made with. */
const ownRoles = (mayWrite: boolean): ReadonlyArray<Role> =>
  mayWrite ? [{ role: "admin" }] : [{ role: "ro_admin" }, { role: "data_reader", bucket: "*" }]

/** Whether a name or password can take part in SCRAM and Basic: printable ASCII. */
export const isCredentialText = (text: string): boolean => /^[\x20-\x7e]+$/.test(text)

/** The users of a node. */
export class Users {
  readonly random: SaslRandom
  /** Whether no sign-in is needed: the node was made without users. */
  readonly none: boolean
  /** Names of the users that the node was made with. */
  readonly own: ReadonlySet<string>
  private readonly known = new Map<string, Known>()
  private readonly key = new Uint8Array(Crypto.randomBytes(32))

  private constructor(own: ReadonlyArray<User>, random: SaslRandom) {
    this.own = new Set(own.map(({ name }) => name))
    this.none = own.length === 0
    this.random = random
  }

  /** Derives the keys of all users. Dies when a user or password cannot take part in SCRAM (control or non-ASCII characters). */
  static make(users: ReadonlyArray<User>, random: SaslRandom = randomSource): Effect.Effect<Users> {
    const made = new Users(users, random)
    const each = ({ mayWrite, name, password }: User) => made.set(name, password, ownRoles(mayWrite !== false))
    return Effect.as(Effect.forEach(users, each), made)
  }

  /** Makes a user, or gives one another password and other roles. Dies like `make`. */
  set(name: string, password: Redacted.Redacted<string>, roles: ReadonlyArray<Role>): Effect.Effect<void> {
    const scramOf = (mechanism: ScramMechanism) => {
      const salt = this.random.salt(mechanism, name)
      return Effect.map(
        saltedPassword(mechanism, password, salt, iterations),
        (salted) => [mechanism, { ...scramKeys(nodeCrypto, mechanism, salted), salt, iterations }] as const
      )
    }
    return Effect.orDie(Effect.map(Effect.all(scramMechanisms.map(scramOf), { concurrency: "unbounded" }), (scram) => {
      this.known.set(name, { roles, digest: digestOf(this.key, Redacted.value(password)), scram: new Map(scram) })
    }))
  }

  /** Gives a user other roles. */
  setRoles(name: string, roles: ReadonlyArray<Role>): void {
    const known = this.known.get(name)
    if (known !== undefined) known.roles = roles
  }

  /** Takes a user away; what is signed in as this user no longer is. */
  remove(name: string): void {
    this.known.delete(name)
  }

  has(name: string): boolean {
    return this.known.has(name)
  }

  /** The roles of a user. */
  roles(name: string): ReadonlyArray<Role> {
    return this.known.get(name)?.roles ?? []
  }

  /** Whether a user may do something, with a bucket or with the cluster as a whole. */
  permits(user: string | undefined, action: Action, bucket?: string): boolean {
    return this.none || user !== undefined && permits(this.roles(user), action, bucket)
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

/** Whether a user has a password, as a function: of passwords only keyed digests are kept, and users that do not exist take as long. */
export const passwordCheck = (users: ReadonlyArray<Pick<User, "name" | "password">>): (user: string, password: string) => boolean => {
  const key = new Uint8Array(Crypto.randomBytes(32))
  const digests = new Map(users.map(({ name, password }) => [name, digestOf(key, Redacted.value(password))]))
  return (user, password) => {
    const given = digestOf(key, password)
    const known = digests.get(user)
    return Crypto.timingSafeEqual(given, known ?? new Uint8Array(given.length)) && known !== undefined
  }
}

const digestOf = (key: Uint8Array, text: string): Uint8Array => new Uint8Array(Crypto.createHmac("sha256", key).update(text).digest())
