/**
 * A server for classic memcached clients: handlers in, packets out.
 *
 * It decodes requests, calls the handler of the command, and answers as memcached does: plain text with errors, keys where they are echoed,
 * silence where it was asked for, Einval and the end of the connection for what cannot be a request. It stores nothing.
 * Source: memcached `doc/protocol-binary.txt` and memcached 1.6.18 itself.
 */
import type { DecodeError, Writer } from "@wirewright/codec"
import {
  type ConnectionError,
  type Frame,
  isSilent,
  type Outcome,
  type PacketServer,
  type RequestHandler,
  type RequestServerOptions,
  type ServerClient,
  serveRequests
} from "@wirewright/connection"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Gen from "./gen/index.ts"
import {
  type Counted,
  type Found,
  type Handle,
  type MemcachedHandlers,
  type Refusal,
  refusal,
  type SaslAnswer
} from "./MemcachedHandlers.ts"
import { statusText } from "./StatusText.ts"

/** Where to serve, and limits. */
export interface MemcachedServerOptions extends Omit<RequestServerOptions<Gen.Request>, "frameShape" | "decode"> {
  /** Opcodes the server is to know nothing of, whatever follows them. */
  readonly unknownOpcodes?: ReadonlyArray<number>
}

type Result<R> = Outcome | Effect.Effect<Outcome, never, R>

const encoder = new TextEncoder()
const nothing = new Uint8Array(0)
const silence: Outcome = { answer: undefined }
const notSupported = refusal(Gen.Status.NotSupported)
const unknownCommand = refusal(Gen.Status.UnknownCommand)
const invalid = refusal(Gen.Status.Einval)

const refused = (opcode: number, opaque: number, { status, text }: Refusal, last = false): Outcome => {
  if (isSilent(Gen.server, opcode, status)) return silence
  const value = text === undefined ? statusText(status) : encoder.encode(text)
  return { answer: (writer) => Gen.encodeErrorResponse(writer, { opcode, status, opaque, extras: nothing, key: nothing, value }), last }
}

const refuse = (request: Gen.Request, why: Refusal): Outcome => {
  const { opaque } = request
  // a miss is answered with the key where a hit is
  if (why.status === Gen.Status.KeyEnoent && request._tag === "GetK") {
    return { answer: (writer) => Gen.encodeGetKKeyEnoent(writer, { opaque, key: request.key }) }
  }
  if (why.status === Gen.Status.KeyEnoent && request._tag === "GatK") {
    return { answer: (writer) => Gen.encodeGatKKeyEnoent(writer, { opaque, key: request.key }) }
  }
  return refused(request.opcode, opaque, why)
}

type Encode<Request, A> = (writer: Writer, request: Request, value: A) => void

const done = <Request extends Gen.Request, A>(request: Request, value: A, encode: Encode<Request, A>): Outcome =>
  isSilent(Gen.server, request.opcode, Gen.Status.Success) ? silence : { answer: (writer) => encode(writer, request, value) }

/** Calls a handler. What is already there is answered without a fibre. */
const call = <Request extends Gen.Request, A, R>(
  request: Request,
  client: ServerClient,
  handle: Handle<Request, A, R> | undefined,
  encode: Encode<Request, A>
): Result<R> => {
  if (handle === undefined) return refuse(request, notSupported)
  const effect = handle(request, client)
  if (!Exit.isExit(effect)) {
    return Effect.match(effect, {
      onSuccess: (value) => done(request, value, encode),
      onFailure: (why) => refuse(request, why)
    })
  }
  const exit = effect as Exit.Exit<A, Refusal>
  if (Exit.isSuccess(exit)) return done(request, exit.value, encode)
  const failure = exit.cause.reasons.find((reason) => reason._tag === "Fail")
  return failure === undefined ? exit as Exit.Exit<never> : refuse(request, failure.error)
}

const found = (writer: Writer, request: Gen.Get | Gen.GetQ | Gen.GetK | Gen.GetKQ, { cas, datatype, flags = 0, value }: Found): void => {
  const { key, opaque } = request
  const fields = { opaque, cas, datatype, flags, key, value }
  switch (request._tag) {
    case "Get":
      return Gen.encodeGetResponse(writer, fields)
    case "GetQ":
      return Gen.encodeGetQResponse(writer, fields)
    case "GetK":
      return Gen.encodeGetKResponse(writer, fields)
    case "GetKQ":
      return Gen.encodeGetKQResponse(writer, fields)
  }
}

const foundAndTouched = (
  writer: Writer,
  request: Gen.Gat | Gen.GatQ | Gen.GatK | Gen.GatKQ,
  { cas, datatype, flags = 0, value }: Found
) => {
  const { key, opaque } = request
  const fields = { opaque, cas, datatype, flags, key, value }
  switch (request._tag) {
    case "Gat":
      return Gen.encodeGatResponse(writer, fields)
    case "GatQ":
      return Gen.encodeGatQResponse(writer, fields)
    case "GatK":
      return Gen.encodeGatKResponse(writer, fields)
    case "GatKQ":
      return Gen.encodeGatKQResponse(writer, fields)
  }
}

/** Answers with a header alone. */
const written =
  (encode: (writer: Writer, packet: Gen.ResponseInit) => void) =>
  (writer: Writer, { opaque }: Gen.Request, value: { readonly cas?: bigint } | void): void => encode(writer, { opaque, cas: value?.cas })

const set = written(Gen.encodeSetResponse)
const add = written(Gen.encodeAddResponse)
const replace = written(Gen.encodeReplaceResponse)
const remove = written(Gen.encodeDeleteResponse)
const append = written(Gen.encodeAppendResponse)
const prepend = written(Gen.encodePrependResponse)
const flush = written(Gen.encodeFlushResponse)
const noop = written(Gen.encodeNoopResponse)
const verbosity = written(Gen.encodeVerbosityResponse)

const incremented = (writer: Writer, { opaque }: Gen.Request, { cas, value }: Counted): void =>
  Gen.encodeIncrementResponse(writer, { opaque, cas, value })

const decremented = (writer: Writer, { opaque }: Gen.Request, { cas, value }: Counted): void =>
  Gen.encodeDecrementResponse(writer, { opaque, cas, value })

const stats = (writer: Writer, { opaque }: Gen.Request, pairs: Iterable<readonly [string, string]>): void => {
  for (const [name, value] of pairs) Gen.encodeStatResponse(writer, { opaque, name, value })
  Gen.encodeStatResponse(writer, { opaque, name: "", value: "" })
}

const sasl = (writer: Writer, { opaque, opcode }: Gen.Request, { more, value }: SaslAnswer): void =>
  Gen.encodeErrorResponse(writer, {
    opcode,
    opaque,
    status: more === true ? Gen.Status.AuthContinue : Gen.Status.Success,
    extras: nothing,
    key: nothing,
    value
  })

const handle = <R>(handlers: MemcachedHandlers<R>, request: Gen.Request, client: ServerClient): Result<R> => {
  if ("key" in request && request.key === "") return refused(request.opcode, request.opaque, invalid, true)
  switch (request._tag) {
    case "Get":
    case "GetQ":
    case "GetK":
    case "GetKQ":
      return call(request, client, handlers.get, found)
    case "Set":
    case "SetQ":
      return call(request, client, handlers.set, set)
    case "Add":
    case "AddQ":
      return call(request, client, handlers.add, add)
    case "Replace":
    case "ReplaceQ":
      return call(request, client, handlers.replace, replace)
    case "Delete":
    case "DeleteQ":
      return call(request, client, handlers.remove, remove)
    case "Append":
    case "AppendQ":
      return call(request, client, handlers.append, append)
    case "Prepend":
    case "PrependQ":
      return call(request, client, handlers.prepend, prepend)
    case "Increment":
    case "IncrementQ":
      return call(request, client, handlers.increment, incremented)
    case "Decrement":
    case "DecrementQ":
      return call(request, client, handlers.decrement, decremented)
    case "Touch":
      return call(
        request,
        client,
        handlers.touch,
        (writer, { opaque }, { cas, flags }) => Gen.encodeTouchResponse(writer, { opaque, cas, flags })
      )
    case "Gat":
    case "GatQ":
    case "GatK":
    case "GatKQ":
      return call(request, client, handlers.getAndTouch, foundAndTouched)
    case "Stat":
      return call(request, client, handlers.stats, stats)
    case "Version":
      return call(
        request,
        client,
        handlers.version,
        (writer, { opaque }, version) => Gen.encodeVersionResponse(writer, { opaque, version })
      )
    case "Flush":
    case "FlushQ":
      return call(request, client, handlers.flush, flush)
    case "Noop":
      return handlers.noop === undefined ? done(request, undefined, noop) : call(request, client, handlers.noop, noop)
    case "Verbosity":
      return call(request, client, handlers.verbosity, verbosity)
    case "SaslListMechs":
      return call(
        request,
        client,
        handlers.saslMechanisms,
        (writer, { opaque }, mechanisms) => Gen.encodeSaslListMechsResponse(writer, { opaque, mechanisms })
      )
    case "SaslAuth":
      return call(request, client, handlers.saslAuth, sasl)
    case "SaslStep":
      return call(request, client, handlers.saslStep, sasl)
    case "Quit":
      return { answer: (writer) => Gen.encodeQuitResponse(writer, { opaque: request.opaque }), last: true }
    case "QuitQ":
      return { answer: undefined, last: true }
    case "UnknownRequest": {
      if (handlers.unknown === undefined) return refuse(request, unknownCommand)
      return call(
        request,
        client,
        handlers.unknown,
        (writer, { opaque, opcode }, sections) =>
          Gen.encodeUnknownResponse(writer, { opaque, opcode, status: Gen.Status.Success, ...sections })
      )
    }
  }
}

/** What a classic server does with requests; for servers of protocols that extend it (`serveRequests`). */
export const memcachedRequests = <R>(
  handlers: MemcachedHandlers<R>,
  unknown: ReadonlyArray<number> = []
): RequestHandler<Gen.Request, R> => ({
  handle: (request, client) => unknown.includes(request.opcode) ? refuse(request, unknownCommand) : handle(handlers, request, client),
  malformed: (error: DecodeError, { at, reader }: Frame, client: ServerClient): Outcome => {
    if (Gen.kindAt(reader, at) !== "request") {
      client.misbehaved(error.message, error)
      return silence
    }
    const opcode = Gen.opcodeAt(reader, at)
    const opaque = Gen.opaqueAt(reader, at)
    return unknown.includes(opcode) ? refused(opcode, opaque, unknownCommand) : refused(opcode, opaque, invalid, true)
  },
  died: (request) => refuse(request, refusal(Gen.Status.Einternal))
})

/** Serves memcached clients; the server, its connections and their fibres end with the scope. */
export const serveMemcached = <R = never>(
  handlers: MemcachedHandlers<R>,
  { unknownOpcodes = [], ...options }: MemcachedServerOptions = {}
): Effect.Effect<PacketServer, ConnectionError, Scope.Scope | R> =>
  serveRequests<Gen.Request, R>(
    { ...options, frameShape: Gen.frameShape, decode: (reader, at) => Gen.decodeRequest(reader, at) },
    memcachedRequests(handlers, unknownOpcodes)
  )

/** A memcached server as a service. */
export class MemcachedServer extends Context.Service<MemcachedServer, PacketServer>()("wirewright/MemcachedServer") {
  /** Serves as long as the layer is in use. */
  static readonly layer = <R = never>(
    handlers: MemcachedHandlers<R>,
    options: MemcachedServerOptions = {}
  ): Layer.Layer<MemcachedServer, ConnectionError, R> => Layer.effect(MemcachedServer, serveMemcached(handlers, options))
}
