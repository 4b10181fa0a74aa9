/**
 * The management endpoint of an embedded node: HTTP on a port of its own, as SDKs and tools expect of a Couchbase server.
 *
 * The shell: sockets, limits, who asks, streams of the map. What is answered is `ManagementRoutes`'. A web page cannot drive it: there is no
 * CORS, requests that a browser makes for another site are refused, and where no sign-in is needed, so are names that a stranger's DNS
 * could point here.
 */
import { ConnectionError, fileLimit, hostPort, ListenFailed, nearFileLimit, Refusals, type Timers, timers } from "@wirewright/connection"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Http from "node:http"
import * as Https from "node:https"
import * as Net from "node:net"
import type { TlsOptions } from "node:tls"
import { answerTo, isOpen, type Management, type ManagementAnswer, type ManagementRequest, notFound } from "./ManagementRoutes.ts"

/** Where and how to serve. */
export interface ManagementServerOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly tls?: TlsOptions | undefined
  /** What requests are answered from; nothing while the node is not ready. */
  readonly management: () => Management | undefined
  /** Largest body of a request in bytes. Default: 64 KiB */
  readonly maxBody?: number
  /** Most connections at a time; more are closed at once. Default: 1 000 */
  readonly maxConnections?: number
  /** Milliseconds in which a client sends a request, and takes a message of a stream. Default: 10 000 */
  readonly patience?: number
}

/** An endpoint that listens. */
export interface ManagementServer {
  readonly port: number
  /** Sends the map of its bucket to all that watch one. */
  readonly mapChanged: () => void
}

/** Between two maps of a stream. */
const separator = "\n\n\n\n"
/** Milliseconds after which a connection without requests is closed. */
const keepAlive = 60_000

/** Whether a name in `Host` is one that only this machine, its network or an address book can have given. */
const isUnforgeable = (name: string, host: string): boolean =>
  Net.isIP(name) !== 0 || name === host || name === "localhost" || name.endsWith(".localhost") || !name.includes(".")

/** The name in a `Host` header, without the port. */
const nameIn = (header: string): string | undefined => {
  try {
    const { hostname, pathname } = new URL(`http://${header}`)
    return pathname === "/" && !header.includes("/") ? hostname.replace(/^\[|\]$/g, "").toLowerCase() : undefined
  } catch {
    return undefined
  }
}

/** Why a request is refused before anything is looked at; nothing when it is not. Browsers say which page a request is from. */
const suspicion = ({ headers }: Http.IncomingMessage, host: string, open: boolean): string | undefined => {
  const name = headers.host === undefined ? undefined : nameIn(headers.host)
  if (name === undefined) return "The Host header is missing or malformed"
  if (open && !isUnforgeable(name, host)) return "Without users this node answers to addresses and local names only"
  const { origin } = headers
  if (origin !== undefined && origin !== `http://${headers.host}` && origin !== `https://${headers.host}`) {
    return "Requests of pages from elsewhere are refused"
  }
  const site = headers["sec-fetch-site"]
  return site === undefined || site === "none" || site === "same-origin" ? undefined : "Requests of pages from elsewhere are refused"
}

/** Name and password of an `Authorization` header. */
const credentialsIn = (header: string | undefined): { readonly user: string; readonly password: Redacted.Redacted<string> } | undefined => {
  const encoded = /^basic +([A-Za-z0-9+/=_-]+)$/i.exec(header ?? "")?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, "base64").toString()
  const colon = text.indexOf(":")
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: Redacted.make(text.slice(colon + 1)) }
}

/** The parts of a path, decoded after it was split. */
const pathIn = (url: string): ReadonlyArray<string> | undefined => {
  const path = url.split("?", 1)[0]!
  if (!path.startsWith("/")) return undefined
  try {
    return path.slice(1).split("/").map(decodeURIComponent)
  } catch {
    return undefined
  }
}

const formIn = (body: string): ReadonlyMap<string, string> => {
  const form = new Map(new URLSearchParams(body))
  // clients begin some bodies with a separator
  form.delete("")
  return form
}

/** Somebody who watches the map of a bucket. */
interface Watcher {
  readonly bucket: string
  readonly response: Http.ServerResponse
  /** The map has changed since the client last took one. */
  stale: boolean
  timer: NodeJS.Timeout | undefined
}

/** Those who watch maps. A client that does not read misses those in between, and after a while is disconnected. */
class Watchers {
  private readonly all = new Set<Watcher>()
  private readonly patience: number
  private readonly management: () => Management | undefined

  constructor(management: () => Management | undefined, patience: number) {
    this.management = management
    this.patience = patience
  }

  add(bucket: string, response: Http.ServerResponse): void {
    const watcher: Watcher = { bucket, response, stale: false, timer: undefined }
    this.all.add(watcher)
    response.on("drain", () => {
      clearTimeout(watcher.timer)
      watcher.timer = undefined
      if (watcher.stale) this.send(watcher)
    })
    response.once("close", () => {
      clearTimeout(watcher.timer)
      this.all.delete(watcher)
    })
    this.send(watcher)
  }

  changed(): void {
    const texts = new Map<string, string | undefined>()
    for (const watcher of this.all) {
      if (!texts.has(watcher.bucket)) texts.set(watcher.bucket, this.mapOf(watcher.bucket))
      this.send(watcher, texts)
    }
  }

  private mapOf(name: string): string | undefined {
    const management = this.management()
    const bucket = management?.state.buckets.get(name)
    return bucket === undefined ? undefined : management!.state.map(management!.nodes, management!.self, bucket)
  }

  private send(watcher: Watcher, texts?: ReadonlyMap<string, string | undefined>): void {
    const { bucket, response } = watcher
    const text = texts === undefined ? this.mapOf(bucket) : texts.get(bucket)
    if (text === undefined) {
      response.end()
      return
    }
    watcher.stale = response.writableNeedDrain
    if (watcher.stale) return
    if (!response.write(text + separator)) watcher.timer = setTimeout(() => response.destroy(), this.patience).unref()
  }
}

/** Reads a body; nothing when it is too long, and the rest is not read. */
const bodyOf = (request: Http.IncomingMessage, most: number): Promise<string | undefined> =>
  new Promise((resolve, reject) => {
    const chunks: Array<Buffer> = []
    let length = 0
    if (Number(request.headers["content-length"] ?? 0) > most) return resolve(undefined)
    request.on("data", (chunk: Buffer) => {
      length += chunk.length
      if (length <= most) chunks.push(chunk)
      else resolve(undefined)
    })
    request.once("end", () => resolve(Buffer.concat(chunks).toString()))
    request.once("error", reject)
    request.once("close", () => reject(new Error("the client went away")))
  })

const headersOf = (body: string | object): Http.OutgoingHttpHeaders => ({
  "Content-Type": typeof body === "string" && !/^["{[]/.test(body) ? "text/plain; charset=utf-8" : "application/json",
  "Cache-Control": "no-cache,no-store,must-revalidate",
  "X-Content-Type-Options": "nosniff"
})

const realm = { "WWW-Authenticate": "Basic realm=\"Couchbase Server Admin / REST\"" }

/** Serves until the scope closes. */
export const serveManagement = (options: ManagementServerOptions): Effect.Effect<ManagementServer, ConnectionError, Scope.Scope> =>
  Effect.gen(function*() {
    const services = yield* Effect.context<never>()
    const log = (line: Effect.Effect<void>): void => void Effect.runForkWith(services)(line)
    return yield* serveWith(options, log, Effect.runPromiseWith(services), yield* timers)
  })

const serveWith = (
  options: ManagementServerOptions,
  log: (line: Effect.Effect<void>) => void,
  run: <A>(effect: Effect.Effect<A>) => Promise<A>,
  time: Timers
): Effect.Effect<ManagementServer, ConnectionError, Scope.Scope> => {
  const { host, management, maxBody = 64 * 1024, maxConnections = 1_000, patience = 10_000, port, tls } = options
  const watchers = new Watchers(management, patience)

  const send = (response: Http.ServerResponse, { body, status }: ManagementAnswer, more: Http.OutgoingHttpHeaders = {}): void => {
    if (response.destroyed || response.headersSent) return
    const bytes = Buffer.from(typeof body === "string" ? body : JSON.stringify(body))
    response.writeHead(status, { ...headersOf(body), "Content-Length": bytes.length, ...more })
    response.end(bytes)
  }

  const handle = async (request: Http.IncomingMessage, response: Http.ServerResponse): Promise<void> => {
    const known = management()
    if (known === undefined) return send(response, { status: 503, body: "The node is not ready\n" }, { Connection: "close" })
    const { users } = known
    const refused = suspicion(request, host, users.none)
    if (refused !== undefined) return send(response, { status: 403, body: `${refused}\n` }, { Connection: "close" })
    const path = pathIn(request.url ?? "")
    if (path === undefined) return send(response, notFound, { Connection: "close" })
    const method = request.method === "HEAD" ? "GET" : request.method ?? ""
    const credentials = credentialsIn(request.headers.authorization)
    const accepted = credentials !== undefined && users.accepts(credentials.user, credentials.password)
    if (!accepted && !users.none && !isOpen({ method, path })) {
      return send(response, { status: 401, body: "" }, { ...realm, Connection: "close" })
    }
    const body = await bodyOf(request, maxBody)
    if (body === undefined) return send(response, { status: 413, body: "The body is too long\n" }, { Connection: "close" })
    const asked: ManagementRequest = { method, path, form: formIn(body), user: accepted ? credentials.user : undefined }
    const answer = answerTo(known, asked)
    const settled = Effect.isEffect(answer) ? await run(answer) : answer
    if (settled.stream === undefined || request.method === "HEAD") return send(response, settled)
    response.writeHead(200, headersOf({}))
    watchers.add(settled.stream, response)
  }

  const onRequest = (request: Http.IncomingMessage, response: Http.ServerResponse): void => {
    response.on("error", () => {})
    handle(request, response).catch((defect: unknown) => {
      // a client that went away is no defect
      if (request.destroyed && !request.complete) return
      log(Effect.logError("The management endpoint failed", Cause.die(defect)))
      if (response.headersSent) response.destroy()
      else send(response, { status: 500, body: "Internal error\n" }, { Connection: "close" })
    })
  }

  const sockets = new Set<Net.Socket>()
  let bound = port
  const refusals = new Refusals(() => hostPort(host, bound), log, time)
  const files = fileLimit()
  const listen = Effect.callback<Http.Server, ConnectionError>((resume) => {
    const limits = {
      headersTimeout: patience,
      requestTimeout: patience,
      keepAliveTimeout: keepAlive,
      connectionsCheckingInterval: Math.min(patience, 1_000),
      maxHeaderSize: 16 * 1024
    }
    const server = tls === undefined
      ? Http.createServer(limits, onRequest)
      : Https.createServer({ handshakeTimeout: patience, ...limits, ...tls }, onRequest)
    server.maxConnections = maxConnections
    server.on("drop", () => refusals.noPlace(maxConnections))
    server.prependListener("connection", (socket: Net.Socket) => {
      if (nearFileLimit(socket, files)) {
        refusals.noFile(files)
        socket.destroy()
      }
      sockets.add(socket)
      socket.on("error", () => {})
      socket.once("close", () => sockets.delete(socket))
    })
    server.on("tlsClientError", (_: Error, socket: Net.Socket) => socket.destroy())
    const failed = (cause: unknown): void =>
      resume(Effect.fail(new ConnectionError({ reason: new ListenFailed({ cause }), address: `${host}:${port}`, ambiguous: false })))
    server.once("error", failed)
    server.listen({ host, port }, () => {
      server.off("error", failed)
      server.on("error", () => {})
      bound = (server.address() as Net.AddressInfo).port
      resume(Effect.succeed(server))
    })
    return Effect.sync(() => server.close())
  })

  return Effect.map(
    Effect.acquireRelease(listen, (server) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        refusals.stop()
        for (const socket of sockets) socket.destroy()
      })),
    () => ({ port: bound, mapChanged: () => watchers.changed() })
  )
}
