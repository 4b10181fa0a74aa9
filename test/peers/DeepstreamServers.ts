/** Real deepstream servers, each in a process of its own on a free port of this machine, and clients of both makes. */
import { make } from "../../packages/deepstream/src/Deepstream.ts"
import type { DeepstreamClient, DeepstreamError, DeepstreamOptions, Problem } from "@wirewright/deepstream"
import type { Scope } from "effect"
import { Effect, Stream } from "effect"
import { Socket } from "effect/socket"
import { type ChildProcess, spawn } from "node:child_process"
import { createRequire } from "node:module"
import { fileURLToPath } from "node:url"
import { freePort } from "./Memcached.ts"

const folder = fileURLToPath(new URL("./deepstream", import.meta.url))

/** deepstream.io 3.2.5, or the text endpoint of @deepstream/server 7.0.2. */
export type Kind = "classic" | "text"

/** A server that can be stopped and started again at its port. It keeps its records in memory. */
export class Server {
  readonly kind: Kind
  readonly url: string
  private readonly ports: readonly [number, number]
  private readonly mode: string
  private child: ChildProcess | undefined

  private constructor(kind: Kind, ports: readonly [number, number], mode: string) {
    this.kind = kind
    this.ports = ports
    this.mode = mode
    this.url = `ws://127.0.0.1:${ports[0]}/${kind === "classic" ? "deepstream" : "deepstream-v3"}`
  }

  static async start(kind: Kind, mode: "users" | "open" = "open"): Promise<Server> {
    const server = new Server(kind, [await freePort(), await freePort()], mode)
    await server.start()
    return server
  }

  get pid(): number {
    return this.child!.pid!
  }

  /** Whether its process has not ended. */
  get isUp(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null
  }

  async start(): Promise<void> {
    const [port, http] = this.ports
    const args = ["serve.cjs", this.kind, `${port}`, `${http}`, this.mode]
    const child = this.child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] })
    let said = ""
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the server does not start: ${said}`)), 30_000)
      const hear = (chunk: Buffer): void => {
        said += chunk.toString()
        if (!/^READY$/m.test(said)) return
        clearTimeout(timer)
        resolve()
      }
      child.stdout!.on("data", hear)
      child.stderr!.on("data", hear)
      child.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${said}`)))
    })
  }

  async stop(): Promise<void> {
    const { child } = this
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once("exit", resolve))
    child.kill("SIGKILL")
    await ended
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }
}

/** A client of ours with what it reported. */
export interface Ours extends DeepstreamClient {
  readonly reported: ReadonlyArray<Problem>
}

/** Logs in at a server; the scope ends the client. */
export const connect = (
  server: Server,
  options: Partial<DeepstreamOptions> = {}
): Effect.Effect<Ours, DeepstreamError, Scope.Scope> =>
  Effect.gen(function*() {
    const reported: Array<Problem> = []
    const client = yield* make({
      url: server.url,
      credentials: {},
      reconnect: { initialDelay: 50, maxDelay: 200 },
      subscriptionTimeout: 5000,
      ...options
    }).pipe(Effect.provide(Socket.layerWebSocketConstructorGlobal))
    yield* Effect.forkScoped(Stream.runForEach(client.problems, (problem) => Effect.sync(() => reported.push(problem))), {
      startImmediately: true
    })
    return { ...client, reported }
  })

/** As much of deepstream.io-client-js 2.3.4 as the tests use. */
export interface Official {
  login(credentials: object, done: (success: boolean, data: unknown) => void): void
  close(): void
  on(event: "error", heard: (message: string, code: string, topic: string) => void): void
  readonly event: {
    emit(name: string, value: unknown): void
    subscribe(name: string, heard: (value: unknown) => void): void
    unsubscribe(name: string): void
  }
  readonly record: {
    getRecord(name: string): {
      whenReady(done: () => void): void
      get(path?: string): unknown
      set(path: string, value: unknown): void
    }
  }
  readonly rpc: {
    provide(name: string, handler: (value: unknown, response: { send(value: unknown): void }) => void): void
    make(name: string, value: unknown, done: (error: string | null, value: unknown) => void): void
  }
}

/** A client of the official make, logged in. */
export const official = (server: Server, options: object = {}): Effect.Effect<Official, Error, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Official, Error>((resume) => {
      const connectOfficial = createRequire(`${folder}/package.json`)("deepstream.io-client-js") as (
        url: string,
        options: object
      ) => Official
      const client = connectOfficial(server.url, options)
      client.on("error", () => {})
      client.login({}, (success) => resume(success ? Effect.succeed(client) : Effect.fail(new Error("the official client is refused"))))
    }),
    (client) => Effect.sync(() => client.close())
  )
