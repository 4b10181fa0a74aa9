/**
 * How a connection to a Couchbase node begins, as a pure session: answers in, requests out. HELLO, SASL, error map, bucket, cluster map.
 *
 * Two flights: first everything that needs no answer (HELLO, list of mechanisms, the first SASL message), then, once signed in, everything
 * else. Answers are told apart by opcode, since each opcode is in flight at most once. It derives no keys, keeps no time and chooses no
 * nonce.
 *
 * Tolerated: a server without HELLO, error map, bucket selection or cluster map, and any trouble with the error map. Everything else is
 * fatal.
 */
import { plainMechanism, plainMessage, type SaslPlainError } from "@wirewright/memcached/internal"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type ClusterMap, parseClusterMap } from "./ClusterMap.ts"
import { type ErrorMap, emptyErrorMap, parseErrorMap } from "./ErrorMap.ts"
import { magics } from "@wirewright/memcached/gen/Frame"
import { Opcode as ClassicOpcode } from "@wirewright/memcached/gen/Tables"
import type { Request, Response } from "./gen/Packets.ts"
import type { States } from "./gen/States.ts"
import { Opcode } from "./gen/Tables.ts"
import { HelloFeature, Status, statusTable } from "./gen/Types.ts"
import {
  type ParsedServerFirst,
  type ClientFinal,
  type ClientFirst,
  readServerFirst,
  clientFinal,
  clientFirst,
  verifyServerFinal,
  isScramMechanism,
  type ScramCrypto,
  ScramError,
  scramMechanisms
} from "./Scram.ts"

/** What a client asks for by default; Snappy only with a codec for it. */
export const defaultFeatures: ReadonlyArray<HelloFeature> = [
  HelloFeature.TcpNoDelay,
  HelloFeature.MutationSeqno,
  HelloFeature.Xattr,
  HelloFeature.Xerror,
  HelloFeature.SelectBucket,
  HelloFeature.Json,
  HelloFeature.Duplex,
  HelloFeature.ClustermapChangeNotification,
  HelloFeature.UnorderedExecution,
  HelloFeature.AltRequestSupport,
  HelloFeature.SyncReplication,
  HelloFeature.Collections,
  HelloFeature.PreserveTtl,
  HelloFeature.VAttr,
  HelloFeature.SubdocCreateAsDeleted,
  HelloFeature.SubdocDocumentMacroSupport,
  HelloFeature.SubdocReplaceBodyWithXattr,
  HelloFeature.SubdocReplicaRead,
  HelloFeature.SubdocBinaryXattr,
  HelloFeature.SubdocAllowReplicaReadOnDeletedDocs
]

/** Who signs in and how. */
export interface Credentials {
  readonly user: string
  readonly password: Redacted.Redacted<string>
  /** Mechanisms in order of preference. Default: SCRAM from the strongest, and only PLAIN over TLS. */
  readonly mechanisms?: ReadonlyArray<string>
  /** Sends the password in the clear when there is no TLS and PLAIN is asked for. */
  readonly allowPlainWithoutTls?: boolean
}

/** How to begin. */
export interface BootstrapOptions {
  /** Name of the client, or JSON with the name `a` and a connection id `i`. */
  readonly agent: string
  readonly features: ReadonlyArray<HelloFeature>
  readonly credentials?: Credentials
  readonly bucket?: string
  /** Whether the connection is encrypted. */
  readonly tls: boolean
  /** The address connected to, for maps that say `$HOST`. */
  readonly host: string
  readonly network?: string
  /** Unpredictable text without commas; every attempt to sign in gets its own out of it. */
  readonly nonce: string
}

/** What came of it. */
export interface Bootstrapped {
  readonly features: ReadonlySet<number>
  readonly states: States
  readonly errorMap: ErrorMap
  readonly clusterMap: ClusterMap | undefined
  /** How this connection signed in. */
  readonly mechanism: string | undefined
  /** What the server offers, when it was asked. */
  readonly offered: ReadonlyArray<string>
  /** What was tolerated, in words. */
  readonly warnings: ReadonlyArray<string>
}

/** Steps of a bootstrap. */
export const BootstrapStep = Schema.Literals(["hello", "mechanisms", "authentication", "error map", "bucket", "cluster map"])
export type BootstrapStep = typeof BootstrapStep.Type

/** Why a bootstrap failed. */
export const BootstrapReason = Schema.Literals([
  // The server refuses the features, because one lacks another it needs
  "HelloRefused",
  // User or password are wrong, or the user may not sign in
  "AuthenticationFailed",
  // None of the allowed mechanisms is offered
  "NoMechanism",
  // PLAIN was chosen on a connection without TLS, and that was not asked for
  "PlainNeedsTls",
  // The exchange broke its rules, or the server did not prove that it knows the password
  "AuthenticationBroken",
  // No such bucket on this node, or not yet: worth another try
  "BucketNotFound",
  "BucketAccessDenied",
  // The cluster map makes no sense
  "ClusterMapInvalid",
  // A status that cannot come here
  "UnexpectedStatus"
])
export type BootstrapReason = typeof BootstrapReason.Type

/** A bootstrap failed. The message has no password in it. */
export class BootstrapError extends Schema.TaggedError<BootstrapError>()("BootstrapError", {
  reason: BootstrapReason,
  step: BootstrapStep,
  status: Schema.UndefinedOr(Schema.Number),
  message: Schema.String,
  scram: Schema.optionalKey(ScramError)
}) {}

/** What the session wants done. */
export type BootstrapOutput =
  /** Send these requests in one flight. */
  | { readonly _tag: "Send"; readonly requests: ReadonlyArray<Request> }
  /** Derive the salted password and hand it to `derived`. */
  | { readonly _tag: "Derive"; readonly challenge: ParsedServerFirst }
  /** From now on packets have this shape. */
  | { readonly _tag: "Negotiated"; readonly states: States }
  | { readonly _tag: "Done"; readonly result: Bootstrapped }
  | { readonly _tag: "Failed"; readonly error: BootstrapError }

type Outputs = ReadonlyArray<BootstrapOutput>

const head = { magic: magics.request[0], datatype: 0, vbucket: 0, opaque: 0, cas: 0n, framing: [] } as const

const utf8 = new TextEncoder()
const text = new TextDecoder()

const nameOf = (status: number): string => statusTable[status]?.name ?? `0x${status.toString(16).padStart(4, "0")}`

/** Statuses with which servers that do not know a command answer it. */
const unknown = (status: number): boolean => status === Status.UnknownCommand || status === Status.NotSupported

/** One connection's beginning. */
export class Bootstrap {
  private readonly options: BootstrapOptions
  private readonly crypto: ScramCrypto
  private readonly warnings: Array<string> = []
  private features: ReadonlySet<number> = new Set()
  private states: States = { collections: false }
  private errorMap: ErrorMap = emptyErrorMap
  private clusterMap: ClusterMap | undefined
  private offered: ReadonlyArray<string> | undefined
  private untried: ReadonlyArray<string>
  private mechanism: string | undefined
  private attempts = 0
  private scram: ClientFirst | undefined
  private final: ClientFinal | undefined
  /** The mechanism was refused and the list of mechanisms, which says whether that means anything, is not there yet. */
  private refused: number | undefined
  private signedIn = false
  private readonly awaited = new Set<string>()
  private over = false

  constructor(options: BootstrapOptions, crypto: ScramCrypto) {
    this.options = options
    this.crypto = crypto
    this.untried = options.credentials?.mechanisms ?? (options.tls ? [plainMechanism] : scramMechanisms)
    this.signedIn = options.credentials === undefined
  }

  /** The first flight. */
  start(): Outputs {
    const requests: Array<Request> = [
      { ...head, _tag: "Hello", opcode: Opcode.Hello, agent: this.options.agent, features: this.options.features }
    ]
    this.awaited.add("hello")
    if (this.options.credentials === undefined) return [this.send(requests)]
    requests.push({ ...head, _tag: "SaslListMechs", opcode: ClassicOpcode.SaslListMechs })
    this.awaited.add("mechanisms")
    const first = this.authenticate()
    if (first instanceof BootstrapError) return this.fail(first)
    return [this.send([...requests, first])]
  }

  /** Takes an answer. */
  receive(answer: Response): Outputs {
    if (this.over) return []
    switch (answer.opcode) {
      case Opcode.Hello:
        return this.hello(answer)
      case ClassicOpcode.SaslListMechs:
        return this.mechanisms(answer)
      case ClassicOpcode.SaslAuth:
      case ClassicOpcode.SaslStep:
        return this.sasl(answer)
      case Opcode.GetErrorMap:
        return this.errors(answer)
      case Opcode.SelectBucket:
        return this.bucket(answer)
      case Opcode.GetClusterConfig:
        return this.config(answer)
      default:
        return this.broken(
          "authentication",
          answer.status,
          `an answer with opcode 0x${answer.opcode.toString(16)}, which was not asked for`
        )
    }
  }

  /** Takes the salted password that was asked for. */
  derived(challenge: ParsedServerFirst, saltedPassword: Uint8Array): Outputs {
    if (this.over) return []
    this.final = clientFinal(this.crypto, challenge, saltedPassword)
    const clientData = utf8.encode(this.final.message)
    return [this.send([{ ...head, _tag: "SaslStep", opcode: ClassicOpcode.SaslStep, mechanism: challenge.mechanism, clientData }])]
  }

  private hello(answer: Response): Outputs {
    this.awaited.delete("hello")
    if (answer._tag === "HelloResponse") {
      this.features = new Set(answer.features)
      this.states = { collections: this.features.has(HelloFeature.Collections) }
      return [{ _tag: "Negotiated", states: this.states }, ...this.proceed()]
    }
    if (!unknown(answer.status)) return this.broken("hello", answer.status, "the server refuses the features", "HelloRefused")
    this.warnings.push("the server does not know HELLO; it has none of the features")
    return this.proceed()
  }

  private mechanisms(answer: Response): Outputs {
    this.awaited.delete("mechanisms")
    if (answer._tag === "SaslListMechsResponse") this.offered = answer.mechanisms.split(/\s+/).filter((name) => name !== "")
    else {
      this.offered = []
      this.warnings.push(`the server does not list its mechanisms: ${nameOf(answer.status)}`)
    }
    return this.refused === undefined ? this.proceed() : this.fallBack(this.refused)
  }

  private sasl(answer: Response): Outputs {
    if (answer._tag === "SaslAuthResponse" && answer.status === Status.AuthContinue && this.scram !== undefined) {
      return this.challenged(this.scram, text.decode(answer.serverData))
    }
    if (answer._tag === "SaslStepResponse" && this.final !== undefined) {
      const verified = verifyServerFinal(this.final, text.decode(answer.serverData))
      return Result.isFailure(verified) ? this.scramFailed(verified.failure) : this.authenticated()
    }
    if (answer.status === Status.AuthError && answer.opcode === ClassicOpcode.SaslAuth) return this.fallBack(answer.status)
    if (answer.status === Status.Success && answer.opcode === ClassicOpcode.SaslAuth) {
      // a server that lets us in without its part of SCRAM has not proved that it is the one we know
      return this.scram === undefined
        ? this.authenticated()
        : this.broken("authentication", answer.status, "the server skipped its part of SCRAM", "AuthenticationBroken")
    }
    if ([Status.AuthError, Status.Eaccess, Status.AuthStale].some((status) => status === answer.status)) {
      return this.broken("authentication", answer.status, "user or password are wrong", "AuthenticationFailed")
    }
    return this.broken("authentication", answer.status, "an unexpected status")
  }

  private challenged(first: ClientFirst, message: string): Outputs {
    const challenge = readServerFirst(first, message)
    return Result.isFailure(challenge) ? this.scramFailed(challenge.failure) : [{ _tag: "Derive", challenge: challenge.success }]
  }

  private authenticated(): Outputs {
    this.signedIn = true
    return this.proceed()
  }

  /** The first message of a mechanism was refused: another one may do when the server does not have this one. */
  private fallBack(status: number): Outputs {
    if (this.offered === undefined) {
      this.refused = status
      return []
    }
    this.refused = undefined
    const offered = this.offered
    if (offered.length === 0 || offered.includes(this.mechanism!)) {
      return this.broken("authentication", status, "user or password are wrong", "AuthenticationFailed")
    }
    this.untried = this.untried.filter((name) => offered.includes(name))
    const next = this.authenticate()
    return next instanceof BootstrapError ? this.fail(next) : [this.send([next])]
  }

  /** The first message of the next mechanism. */
  private authenticate(): Request | BootstrapError {
    const credentials = this.options.credentials!
    const [mechanism, ...rest] = this.untried
    if (mechanism === undefined) {
      const offer = this.offered === undefined || this.offered.length === 0 ? "" : `; the server offers ${this.offered.join(", ")}`
      return this.error("NoMechanism", "authentication", undefined, `no mechanism left to sign in with${offer}`)
    }
    this.untried = rest
    this.mechanism = mechanism
    this.scram = undefined
    this.final = undefined
    if (mechanism === plainMechanism) {
      const message = plainMessage({
        user: credentials.user,
        password: credentials.password,
        tls: this.options.tls,
        allowWithoutTls: credentials.allowPlainWithoutTls === true
      })
      return Result.isFailure(message)
        ? this.plainFailed(message.failure)
        : { ...head, _tag: "SaslAuth", opcode: ClassicOpcode.SaslAuth, mechanism, clientData: message.success }
    }
    if (!isScramMechanism(mechanism)) return this.error("NoMechanism", "authentication", undefined, `unknown mechanism ${mechanism}`)
    const nonce = this.attempts++ === 0 ? this.options.nonce : `${this.options.nonce}${this.attempts}`
    const first = clientFirst(mechanism, credentials.user, nonce)
    if (Result.isFailure(first)) {
      return this.error("AuthenticationFailed", "authentication", undefined, first.failure.message, first.failure)
    }
    this.scram = first.success
    return { ...head, _tag: "SaslAuth", opcode: ClassicOpcode.SaslAuth, mechanism, clientData: utf8.encode(first.success.message) }
  }

  /** The second flight, once HELLO is answered and the user is known; the end, once that is answered too. */
  private proceed(): Outputs {
    if (!this.signedIn || this.awaited.has("hello") || this.awaited.has("mechanisms")) return []
    if (this.awaited.has("second flight")) return this.finish()
    this.awaited.add("second flight")
    const requests: Array<Request> = []
    if (this.features.has(HelloFeature.Xerror)) {
      requests.push({ ...head, _tag: "GetErrorMap", opcode: Opcode.GetErrorMap, version: 2 })
      this.awaited.add("error map")
    }
    if (this.options.bucket !== undefined) {
      requests.push({ ...head, _tag: "SelectBucket", opcode: Opcode.SelectBucket, bucket: this.options.bucket })
      this.awaited.add("bucket")
    }
    requests.push({ ...head, _tag: "GetClusterConfig", opcode: Opcode.GetClusterConfig })
    this.awaited.add("cluster map")
    return [this.send(requests)]
  }

  private errors(answer: Response): Outputs {
    this.awaited.delete("error map")
    if (answer._tag === "GetErrorMapResponse") {
      const parsed = parseErrorMap(answer.errorMap)
      if (Result.isSuccess(parsed)) this.errorMap = parsed.success
      else this.warnings.push(parsed.failure.message)
    } else this.warnings.push(`the server has no error map: ${nameOf(answer.status)}`)
    return this.finish()
  }

  private bucket(answer: Response): Outputs {
    this.awaited.delete("bucket")
    const { status } = answer
    if (status === Status.Success) return this.finish()
    if (status === Status.KeyEnoent) return this.broken("bucket", status, `there is no bucket ${this.options.bucket}`, "BucketNotFound")
    if (status === Status.Eaccess) {
      return this.broken("bucket", status, `no access to bucket ${this.options.bucket}, or there is none`, "BucketAccessDenied")
    }
    if (!unknown(status) || this.features.has(HelloFeature.SelectBucket)) {
      return this.broken("bucket", status, "the bucket was not selected")
    }
    this.warnings.push("the server does not know SELECT_BUCKET; it has one bucket")
    return this.finish()
  }

  private config(answer: Response): Outputs {
    this.awaited.delete("cluster map")
    if (answer._tag === "GetClusterConfigResponse") {
      const { host, network } = this.options
      const parsed = parseClusterMap(answer.clusterMap, { host, ...(network === undefined ? {} : { network }) })
      if (Result.isFailure(parsed)) return this.broken("cluster map", answer.status, parsed.failure.message, "ClusterMapInvalid")
      this.clusterMap = parsed.success
    } else if (answer.status === Status.AuthError || answer.status === Status.Eaccess) {
      return this.broken("cluster map", answer.status, "the server wants a user", "AuthenticationFailed")
    } else this.warnings.push(`no cluster map: ${nameOf(answer.status)}`)
    return this.finish()
  }

  private finish(): Outputs {
    if (this.over || ["error map", "bucket", "cluster map"].some((step) => this.awaited.has(step))) return []
    this.over = true
    const { clusterMap, errorMap, features, states, warnings } = this
    const mechanism = this.options.credentials === undefined ? undefined : this.mechanism
    return [{ _tag: "Done", result: { features, states, errorMap, clusterMap, mechanism, offered: this.offered ?? [], warnings } }]
  }

  private send(requests: ReadonlyArray<Request>): BootstrapOutput {
    return { _tag: "Send", requests }
  }

  private error(
    reason: BootstrapReason,
    step: BootstrapStep,
    status: number | undefined,
    message: string,
    scram?: ScramError
  ): BootstrapError {
    return new BootstrapError({ reason, step, status, message, ...(scram === undefined ? {} : { scram }) })
  }

  private fail(error: BootstrapError): Outputs {
    this.over = true
    return [{ _tag: "Failed", error }]
  }

  private broken(step: BootstrapStep, status: number, message: string, reason: BootstrapReason = "UnexpectedStatus"): Outputs {
    return this.fail(this.error(reason, step, status, `${message} (${nameOf(status)})`))
  }

  private scramFailed(error: ScramError): Outputs {
    const reason = error.reason === "RefusedByServer" ? "AuthenticationFailed" : "AuthenticationBroken"
    return this.fail(this.error(reason, "authentication", undefined, error.message, error))
  }

  private plainFailed(error: SaslPlainError): BootstrapError {
    const reason = error.reason === "NeedsTls" ? "PlainNeedsTls" : "AuthenticationFailed"
    return this.error(reason, "authentication", undefined, error.message)
  }
}
