/**
 * A server for memcached clients of any protocol: handlers in, answers out.
 *
 * The first byte of a connection says which protocol is spoken on it. In the binary one it answers as memcached does: plain text with errors,
 * keys where they are echoed, silence where it was asked for, Einval and the end of the connection for what cannot be a request. Text and
 * meta are in `TextLines` and `TextServer`. It stores nothing.
 * Source: memcached `doc/protocol-binary.txt` and memcached 1.6.18 itself.
 */
import {
  type ConnectionError,
  type DatagramServer,
  type DatagramServerOptions,
  type Outcome,
  type PacketProtocol,
  type PacketServer,
  type RequestHandler,
  requestProtocol,
  type RequestServerLimits,
  Server,
  type ServerClient,
  serveDatagrams,
  servePackets
} from "@wirewright/connection"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Gen from "./gen/index.ts"
import { openDatagram } from "./MemcachedDatagrams.ts"
import type { Found, Handle, MemcachedHandlers, SaslAnswer, Written } from "./MemcachedHandlers.ts"
import { plainMechanism, readPlain } from "./SaslPlain.ts"
import { noPlace, statusText } from "./StatusText.ts"
import { TextLines } from "./TextLines.ts"
import type { TextRequest } from "./TextRequest.ts"
import { textRequests } from "./TextServer.ts"
import { type TextTap, withoutPasswords } from "./TextTap.ts"

/** Where to serve, and limits. */
export interface MemcachedServerOptions extends RequestServerLimits {
  /**
   * What is spoken: the binary protocol, text and meta, or either, as the first byte of a connection says for all that follows it. Default:
   * either.
   */
  readonly protocol?: "auto" | "binary" | "text"
  /** Opcodes the server is to know nothing of, whatever follows them. */
  readonly unknownOpcodes?: ReadonlyArray<number>
  /** Whether an item is too large to be stored, asked before its value arrives in the text protocol. Default: only what fits no frame is. */
  readonly isTooLarge?: (key: string, length: number, flags: number) => boolean
  /** Whether a user may sign in, which all must: by SASL PLAIN, and in the text protocol by a `set`. Default: nobody needs to. */
  readonly authenticate?: (user: string, password: string) => boolean
  /** Told of every attempt to sign in, and whether it was accepted: those too of which nobody was asked, as they were none of SASL PLAIN. */
  readonly onSignIn?: (accepted: boolean) => void
}

/** What memcached tells a client it has no place for, before the client has said what it speaks. */
export const tooManyConnections = new TextEncoder().encode(`ERROR ${noPlace}\r\n`)

/** A handler for every command of classic memcached. */
export type ClassicHandlers<R> = Server.Handlers<Gen.Request, Gen.Outcomes, "opaque", R>

type Handler<Request, A, R> = Server.Handler<Request, A, R>

const notSupported = Effect.fail(Server.refusal(Gen.Status.NotSupported))
const invalid = Effect.fail({ ...Server.refusal(Gen.Status.Einval), last: true })

/** What an effect succeeds with, as a function makes it; what is already there stays so. */
const mapped = <A, B, E, R>(effect: Effect.Effect<A, E, R>, f: (value: A) => B): Effect.Effect<B, E, R> =>
  Exit.isExit(effect)
    ? Exit.isSuccess(effect as Exit.Exit<A, E>) ? Exit.succeed(f((effect as Exit.Success<A, E>).value)) : effect as Exit.Exit<never, E>
    : Effect.map(effect, f)

/** Calls a handler, where there is one, and says its answer in fields of the packet. */
const call = <Request, A, B, R>(
  handle: Handle<Request, A, R> | undefined,
  fields: (value: A, request: Request) => B
): Handler<Request, B, R> =>
  handle === undefined ? () => notSupported : (request, client) => mapped(handle(request, client), (value) => fields(value, request))

/** The same for commands with a key, which is never empty. */
const keyed = <Request extends { readonly key: string }, A, B, R>(
  handle: Handle<Request, A, R> | undefined,
  fields: (value: A, request: Request) => B
): Handler<Request, B, R> => {
  const answer = call(handle, fields)
  return (request, client) => request.key === "" ? invalid : answer(request, client)
}

const found = ({ cas, datatype, flags = 0, value }: Found) => ({ cas, datatype, flags, value })

const foundWithKey = (value: Found, { key }: { readonly key: string }) => ({ ...found(value), key })

const stored = (value: Written | void) => ({ cas: value?.cas })

/** A miss is answered with the key where a hit is. */
const withKeyOfMiss = <Request extends { readonly key: string }, A, Tag extends string, R>(
  handler: Handler<Request, A, R>,
  tag: Tag
): Handler<Request, A | { readonly _tag: Tag; readonly key: string }, R> =>
(request, client) => {
  const effect = handler(request, client)
  const miss = (why: Server.Refusal): Exit.Exit<{ readonly _tag: Tag; readonly key: string }, Server.Refusal> =>
    why.status === Gen.Status.KeyEnoent ? Exit.succeed({ _tag: tag, key: request.key }) : Exit.fail(why)
  if (!Exit.isExit(effect)) return Effect.catch(effect, miss)
  if (Exit.isSuccess(effect as Exit.Exit<A, Server.Refusal>)) return effect
  const failure = (effect as Exit.Failure<A, Server.Refusal>).cause.reasons.find((reason) => reason._tag === "Fail")
  return failure === undefined ? effect : miss(failure.error)
}

const sasl = ({ more, value }: SaslAnswer) => ({
  status: more === true ? Gen.Status.AuthContinue : Gen.Status.Success,
  serverData: value
})

/** What a classic server does with each command; for servers of protocols that extend it. Quiet commands come to the same handlers. */
export const classicHandlers = <R = never>(handlers: MemcachedHandlers<R>): ClassicHandlers<R> => {
  const set = keyed(handlers.set, stored)
  const add = keyed(handlers.add, stored)
  const replace = keyed(handlers.replace, stored)
  const remove = keyed(handlers.remove, stored)
  const append = keyed(handlers.append, stored)
  const prepend = keyed(handlers.prepend, stored)
  const increment = keyed(handlers.increment, (value) => value)
  const decrement = keyed(handlers.decrement, (value) => value)
  const get = keyed(handlers.get, found)
  const getWithKey = keyed(handlers.get, foundWithKey)
  const getAndTouch = keyed(handlers.getAndTouch, found)
  const getAndTouchWithKey = keyed(handlers.getAndTouch, foundWithKey)
  const flush = call(handlers.flush, stored)
  return {
    Get: get,
    GetQ: get,
    GetK: withKeyOfMiss(getWithKey, "GetKKeyEnoent"),
    GetKQ: getWithKey,
    Set: set,
    SetQ: set,
    Add: add,
    AddQ: add,
    Replace: replace,
    ReplaceQ: replace,
    Delete: remove,
    DeleteQ: remove,
    Append: append,
    AppendQ: append,
    Prepend: prepend,
    PrependQ: prepend,
    Increment: increment,
    IncrementQ: increment,
    Decrement: decrement,
    DecrementQ: decrement,
    Touch: keyed(handlers.touch, ({ cas, flags }) => ({ cas, flags })),
    Gat: getAndTouch,
    GatQ: getAndTouch,
    GatK: withKeyOfMiss(getAndTouchWithKey, "GatKKeyEnoent"),
    GatKQ: getAndTouchWithKey,
    Stat: call(handlers.stats, (pairs) => [...Array.from(pairs, ([name, value]) => ({ name, value })), { name: "", value: "" }]),
    Version: call(handlers.version, (version) => ({ version })),
    Flush: flush,
    FlushQ: flush,
    Noop: handlers.noop === undefined ? () => Exit.void : call(handlers.noop, () => undefined),
    Verbosity: call(handlers.verbosity, () => undefined),
    SaslListMechs: call(handlers.saslMechanisms, (mechanisms) => ({ mechanisms })),
    SaslAuth: call(handlers.saslAuth, sasl),
    SaslStep: call(handlers.saslStep, sasl),
    Quit: () => Exit.succeed(Server.last({})),
    QuitQ: () => Exit.succeed(Server.last(Server.silence))
  }
}

/** First byte of what clients send in the binary protocol. Source: memcached `doc/protocol-binary.txt`, "Magic Byte". */
export const isBinary = (first: Uint8Array): boolean => first[0] === Gen.magics.request[0]

type AnyRequest = Gen.Request | TextRequest

/** What is spoken. */
interface Spoken {
  readonly binary: PacketProtocol<AnyRequest>
  /** With a client, by its first byte. */
  readonly choose: (first: Uint8Array, client: ServerClient) => PacketProtocol<AnyRequest>
}

const spokenBy = <R>(
  handlers: MemcachedHandlers<R>,
  { authenticate, isTooLarge, onSignIn = () => {}, protocol = "auto", unknownOpcodes = [], ...options }: MemcachedServerOptions,
  of: <Request>(requests: RequestHandler<Request, R>) => RequestHandler<Request, R>,
  speaks: TextTap["speaks"] = () => {}
): Effect.Effect<Spoken, never, R> =>
  Effect.map(Effect.context<R>(), (context) => {
    const signedIn = new WeakSet<ServerClient>()
    const known = authenticate === undefined ? handlers : { ...handlers, ...plainHandlers(authenticate, signedIn, onSignIn) }
    const requests = Server.requestsOf(Gen, classicHandlers(known), {
      text: statusText,
      ...(handlers.unknown === undefined ? {} : { unknown: unknownHandler(handlers.unknown) })
    })
    const knowing = unknownOpcodes.length === 0
      ? requests
      : refusing(requests, Gen.Status.UnknownCommand, (opcode) => unknownOpcodes.includes(opcode))
    const binary = requestProtocol<Gen.Request, R>(
      { ...options, frameShape: Gen.frameShape, decode: (reader, at) => Gen.decodeRequest(reader, at) },
      of(
        authenticate === undefined
          ? knowing
          : refusing(knowing, Gen.Status.AuthError, (opcode, client) => !signedIn.has(client) && !forStrangers.includes(opcode))
      ),
      context
    )
    const lines = of(textRequests(handlers))
    const { maxFrame = Gen.frameShape.maxFrame } = options
    const accepts = authenticate && ((user: string, password: string): boolean => {
      const accepted = authenticate(user, password)
      onSignIn(accepted)
      return accepted
    })
    const text = (client: ServerClient): PacketProtocol<TextRequest> => {
      const frameShape = new TextLines({ maxFrame, isTooLarge, authenticate: accepts })
      speaks(client, frameShape)
      return requestProtocol({ ...options, frameShape, decode: frameShape.decode }, lines, context)
    }
    const isBinaryOnly = protocol === "binary"
    return {
      binary: binary as PacketProtocol<AnyRequest>,
      choose: (first, client) =>
        (isBinaryOnly || protocol === "auto" && isBinary(first) ? binary : text(client)) as PacketProtocol<AnyRequest>
    }
  })

/** Serves memcached clients; the server, its connections and their fibres end with the scope. */
export const serveMemcached = <R = never>(
  handlers: MemcachedHandlers<R>,
  options: MemcachedServerOptions = {}
): Effect.Effect<PacketServer, ConnectionError, Scope.Scope | R> => {
  const { authenticate: _, isTooLarge: __, onSignIn: ___, protocol, tap, unknownOpcodes: ____, ...limits } = options
  const seen = withoutPasswords(tap)
  return Effect.flatMap(spokenBy(handlers, options, (requests) => requests, seen.speaks), ({ binary, choose }) =>
    servePackets<AnyRequest>({
      system: "memcached",
      refusal: tooManyConnections,
      ...limits,
      ...seen.limits,
      ...(protocol === "binary" ? binary : { choose })
    }))
}

/** Where to serve datagrams, and limits. */
export interface MemcachedDatagramOptions
  extends
    Pick<MemcachedServerOptions, "protocol" | "unknownOpcodes" | "isTooLarge">,
    Omit<DatagramServerOptions<AnyRequest>, "choose" | "open">
{}

/** What has many answers (`watch`, `lru_crawler metadump`) has none in datagrams. */
const single = <Request, R>(requests: RequestHandler<Request, R>): RequestHandler<Request, R> => {
  const only = (outcome: Outcome): Outcome => outcome.answers === undefined ? outcome : { answer: undefined }
  return {
    ...requests,
    handle: (request, client) => {
      const outcome = requests.handle(request, client)
      return Effect.isEffect(outcome) ? mapped(outcome as Effect.Effect<Outcome, never, R>, only) : only(outcome as Outcome)
    }
  }
}

/**
 * Serves memcached clients over UDP, who cannot sign in. Whoever forges an address makes it send answers there, which are many times larger than
 * requests: listen where only trusted clients are.
 */
export const serveMemcachedDatagrams = <R = never>(
  handlers: MemcachedHandlers<R>,
  { isTooLarge, protocol, unknownOpcodes, ...limits }: MemcachedDatagramOptions = {}
): Effect.Effect<DatagramServer, ConnectionError, Scope.Scope | R> =>
  Effect.flatMap(
    spokenBy<R>(handlers, {
      ...(isTooLarge === undefined ? {} : { isTooLarge }),
      ...(protocol === undefined ? {} : { protocol }),
      ...(unknownOpcodes === undefined ? {} : { unknownOpcodes })
    }, single),
    ({ choose }) => serveDatagrams<AnyRequest>({ ...limits, choose, open: openDatagram })
  )

const unknownHandler = <R>(handle: NonNullable<MemcachedHandlers<R>["unknown"]>): Handler<Gen.Request, unknown, R> => (request, client) =>
  mapped(handle(request as Gen.UnknownRequest, client), (sections) => ({
    _tag: "UnknownResponse",
    opcode: request.opcode,
    status: Gen.Status.Success,
    ...sections
  }))

/** What a server answers that nobody has signed in to. Source: memcached 1.6.18 `proto_bin.c`. */
export const forStrangers: ReadonlyArray<number> = [Gen.Opcode.SaslListMechs, Gen.Opcode.SaslAuth, Gen.Opcode.SaslStep, Gen.Opcode.Version]

/** Bytes of the name of a mechanism, at most. Source: memcached 1.6.18 `memcached.h`, MAX_SASL_MECH_LEN. */
const maxMechanism = 32

/**
 * Signing in by SASL PLAIN. As with memcached 1.6.18 (`proto_bin.c`, init_sasl_conn) whoever asks for the mechanisms or begins anew is signed in
 * no longer.
 */
export const plainHandlers = (
  authenticate: (user: string, password: string) => boolean,
  signedIn: WeakSet<ServerClient>,
  onSignIn: (accepted: boolean) => void = () => {}
): Pick<MemcachedHandlers, "saslAuth" | "saslMechanisms" | "saslStep"> => {
  const denied = Effect.suspend(() => {
    onSignIn(false)
    return Effect.fail(Server.refusal(Gen.Status.AuthError))
  })
  return {
    saslMechanisms: (_, client) => {
      signedIn.delete(client)
      return Effect.succeed(plainMechanism)
    },
    saslAuth: ({ clientData, mechanism }, client) => {
      if (mechanism.length > maxMechanism) return Effect.fail(Server.refusal(Gen.Status.Einval))
      signedIn.delete(client)
      const read = mechanism === plainMechanism ? readPlain(clientData) : undefined
      if (read === undefined || Result.isFailure(read)) return denied
      const { authorizationId, password, user } = read.success
      if (authorizationId !== "" && authorizationId !== user || !authenticate(user, Redacted.value(password))) return denied
      onSignIn(true)
      signedIn.add(client)
      client.admit()
      return Effect.succeed({ value: authenticated })
    },
    // PLAIN has no second step: there is none to go on with
    saslStep: ({ mechanism }, client) => {
      if (mechanism.length > maxMechanism) return Effect.fail(Server.refusal(Gen.Status.Einval))
      signedIn.delete(client)
      return denied
    }
  }
}

const authenticated = new TextEncoder().encode("Authenticated")

/** The same for a server that refuses some requests before they are looked at. */
const refusing = <R>(
  requests: RequestHandler<Gen.Request, R>,
  status: number,
  refuses: (opcode: number, client: ServerClient) => boolean
): RequestHandler<Gen.Request, R> => {
  const refuse = (opcode: number, opaque: number): Outcome => ({
    answer: (writer) => Gen.server.encodeStatus(writer, opcode, opaque, status, statusText(status))
  })
  return {
    ...requests,
    handle: (request, client) =>
      refuses(request.opcode, client) ? refuse(request.opcode, request.opaque) : requests.handle(request, client),
    malformed: (error, frame, client) => {
      const opcode = Gen.opcodeAt(frame.reader, frame.at)
      return Gen.kindAt(frame.reader, frame.at) === "request" && refuses(opcode, client)
        ? refuse(opcode, Gen.opaqueAt(frame.reader, frame.at))
        : requests.malformed(error, frame, client)
    }
  }
}

/** A memcached server as a service. */
export class MemcachedServer extends Context.Service<MemcachedServer, PacketServer>()("@wirewright/memcached/MemcachedServer") {
  /** Serves as long as the layer is in use. */
  static readonly layer = <R = never>(
    handlers: MemcachedHandlers<R>,
    options: MemcachedServerOptions = {}
  ): Layer.Layer<MemcachedServer, ConnectionError, R> => Layer.effect(MemcachedServer, serveMemcached(handlers, options))
}
