/**
 * How the command fails: one error, made of whatever a library fails with. Here, and nowhere else, it is said which reason leads to which
 * exit of `Exits`. Pure; `FailureReport` prints.
 */
import type { ConnectionError, ConnectionReason } from "@wirewright/connection"
import type {
  BootstrapError,
  BootstrapReason,
  CertificateError,
  ConnectionStringError,
  KvError as CouchbaseError
} from "@wirewright/couchbase"
import type { CheckpointErrorReason, DcpError } from "@wirewright/dcp"
import type { DeepstreamError, DeepstreamReason } from "@wirewright/deepstream"
import type { MemcachedError } from "@wirewright/memcached"
import { Status } from "@wirewright/couchbase/gen"
import type { InvalidTarget } from "@wirewright/proxy"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import { exits, type FailureExit } from "./Exits.ts"

/** The command failed. */
export class Failure extends Data.TaggedError("Failure")<{
  readonly exit: FailureExit
  /** Name of the reason, such as `AuthenticationFailed`: the library's, or that of the exit with a capital. */
  readonly error: string
  readonly message: string
  /** What it is about, where that is several things: a line for each. */
  readonly details?: ReadonlyArray<string> | undefined
  /** The details as people read them, on several lines, made visible and maybe in colours. */
  readonly frames?: ReadonlyArray<string> | undefined
  /** The write may have happened. */
  readonly ambiguous?: boolean | undefined
  /** What may help. */
  readonly hint?: string | undefined
  /** People have read it already, where it was found. */
  readonly told?: boolean
  /** What was thrown and nobody expected. */
  readonly cause?: unknown
}> {
  override readonly [Runtime.errorReported] = false
  override get [Runtime.errorExitCode](): number {
    return exits[this.exit].code
  }
}

/** The command line, or what it names, cannot be used. */
export const usage = (message: string, hint?: string): Failure => new Failure({ exit: "usage", error: "Usage", message, hint })

/** Something is wrong with what was looked at, and people have read what. */
export const findings = (message: string, error = "Findings"): Failure => new Failure({ exit: "findings", error, message, told: true })

/** Stops a handler with a usage error. */
export const refuse = (message: string, details?: ReadonlyArray<string>): never => {
  throw new Failure({ exit: "usage", error: "Usage", message, details })
}

/** Refuses a number that is no port of a server. */
export const expectPort = (option: string, port: number): void => {
  if (port < 1 || port > 65_535) refuse(`${option} ${port}: there are ports 1 to 65535`)
}

const connection = {
  ConnectFailed: "unreachable",
  CertificateRefused: "unreachable",
  ConnectTimeout: "unreachable",
  ConnectionLost: "unreachable",
  ConnectionClosed: "unreachable",
  PeerMisbehaved: "unreachable",
  PeerStalled: "unreachable",
  RequestTimeout: "unreachable",
  LimitExceeded: "findings",
  ListenFailed: "usage"
} as const satisfies { readonly [Reason in ConnectionReason["_tag"]]: FailureExit }

const bootstrap = {
  HelloRefused: "findings",
  AuthenticationFailed: "denied",
  NoMechanism: "denied",
  PlainNeedsTls: "usage",
  AuthenticationBroken: "findings",
  BucketNotFound: "findings",
  BucketAccessDenied: "denied",
  ClusterMapInvalid: "findings",
  UnexpectedStatus: "findings"
} as const satisfies { readonly [Reason in BootstrapReason]: FailureExit }

/** Reasons of both clients for documents that are neither the connection's nor a refusal by status. */
const kv: { readonly [reason: string]: FailureExit | undefined } = {
  NoActiveNode: "unreachable",
  NoCopyInServerGroup: "unreachable",
  PathFailed: "findings",
  FeatureMissing: "findings",
  InvalidRequest: "usage",
  InvalidValue: "usage",
  NotInProtocol: "usage",
  PasswordWithheld: "usage",
  NoMechanism: "denied",
  AuthFailed: "denied",
  AuthError: "denied",
  AuthStale: "denied",
  AuthContinue: "denied",
  Eaccess: "denied"
} satisfies { readonly [Reason in CouchbaseError["reason"]["_tag"] | MemcachedError["reason"]["_tag"]]?: FailureExit }

const checkpoints = {
  Unavailable: "usage",
  Corrupt: "usage",
  UnknownVersion: "usage",
  Fenced: "findings",
  Held: "findings"
} as const satisfies { readonly [Reason in CheckpointErrorReason]: FailureExit }

const deepstream: { readonly [reason: string]: FailureExit | undefined } = {
  ConnectionFailed: "unreachable",
  OutcomeUnknown: "unreachable",
  NotConnected: "unreachable",
  WriteUnconfirmed: "unreachable",
  ReconnectsExhausted: "unreachable",
  Closed: "unreachable",
  LoginTimeout: "unreachable",
  AckTimeout: "unreachable",
  ResponseTimeout: "unreachable",
  DeleteTimeout: "unreachable",
  LoginRefused: "denied",
  LoginMalformed: "denied",
  TooManyLogins: "denied",
  MessageDenied: "denied",
  ChallengeDenied: "findings",
  InvalidMessage: "usage",
  InvalidRecordData: "usage"
} satisfies { readonly [Reason in DeepstreamReason["_tag"]]?: FailureExit }

const clear = "use TLS (memcacheds://, couchbases://), or ask for it with ?allowed_sasl_mechanisms=PLAIN"

const hints: { readonly [reason: string]: string | undefined } = {
  PlainNeedsTls: clear,
  PasswordWithheld: clear,
  CheckpointHeld: "stop it first; if it was killed and is gone, or is to end, use --force"
}

/** What the libraries fail with. */
export type LibraryError =
  | ConnectionError
  | BootstrapError
  | ConnectionStringError
  | CertificateError
  | CouchbaseError
  | MemcachedError
  | DcpError
  | DeepstreamError
  | InvalidTarget

const exitOf = (error: LibraryError): readonly [exit: FailureExit, name: string] => {
  switch (error._tag) {
    case "ConnectionError":
      return [connection[error.reason._tag], error.reason._tag]
    case "BootstrapError":
      return [bootstrap[error.reason], error.reason]
    case "KvError":
    case "MemcachedError": {
      const { reason } = error
      if (reason._tag === "NotReady") return exitOf(reason.error)
      const known = kv[reason._tag] ?? connection[reason._tag as keyof typeof connection]
      return [known ?? "findings", reason._tag]
    }
    case "DeepstreamError":
      return [deepstream[error.reason._tag] ?? "findings", error.reason.code]
    case "CheckpointError":
      return [checkpoints[error.reason], `Checkpoint${error.reason}`]
    case "NegotiationRefused":
      return [error.status === Status.Eaccess ? "denied" : "findings", error._tag]
    case "DcpStreamFailed":
      return [error.status === Status.Eaccess ? "denied" : "findings", error.cause]
    case "NameConflictSuspected":
    case "BucketChanged":
      return ["findings", error._tag]
    case "TooManyUnsettled":
      return ["unexpected", error._tag]
    default:
      return ["usage", error._tag]
  }
}

/** A library's error as one of the command. */
export const failureOf = (error: LibraryError): Failure => {
  const [exit, name] = exitOf(error)
  const ambiguous = "ambiguous" in error ? error.ambiguous : undefined
  const message = error._tag === "DeepstreamError" ? `${name}: ${error.message}` : error.message
  return new Failure({ exit, error: name, message, ambiguous, hint: hints[name] })
}

/** System calls on files; those on sockets are the libraries' business. */
const fileCalls = new Set(
  "open read write close mkdir mkdtemp rename unlink rmdir rm scandir stat lstat fstat fsync ftruncate access copyfile".split(" ")
)

/** What the system says about a file, when the error is that. Its names go to people who named the file, so it is no fault of the command. */
const fileFailure = (error: unknown): Failure | undefined => {
  const { code, message, path, syscall } = error as NodeJS.ErrnoException
  if (!(error instanceof Error) || typeof code !== "string" || typeof syscall !== "string" || !fileCalls.has(syscall)) return undefined
  const words = message.replace(/^\w+: /, "").replace(/,.*$/s, "")
  return usage(path === undefined ? `${words} (${code}, ${syscall})` : `${path}: ${words} (${code})`)
}

/** Anything that was thrown, as a failure; what is unexpected is `unexpected`. */
export const failureOfDefect = (defect: unknown): Failure => {
  if (defect instanceof Failure) return defect
  const message = defect instanceof Error ? `${defect.name}: ${defect.message}` : String(defect)
  return fileFailure(defect) ?? new Failure({ exit: "unexpected", error: "Unexpected", message, cause: defect })
}

/** Runs a handler that prints what it finds and returns how much that was; `words` says of what. */
export const handler = (run: () => Promise<number>, words: (count: number) => string): Effect.Effect<void, Failure> =>
  Effect.tryPromise({
    try: async () => {
      const count = await run()
      if (count > 0) throw findings(words(count))
    },
    catch: failureOfDefect
  })

/** A number of things, for messages. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`
