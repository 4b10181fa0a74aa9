/** Clients of deepstream that publish and subscribe, behind one interface: ours, and the official one with its own settings and with better ones. */
import { make } from "../../../packages/deepstream/src/Deepstream.ts"
import { Effect, Logger, Scope, Stream } from "effect"
import { Socket } from "effect/socket"
import { createRequire } from "node:module"
import { fileURLToPath } from "node:url"

/** A publisher and a subscriber, each with its own connection. */
export interface Contender {
  /** Publishes that many events in one go; done when all of them were received. */
  readonly run: (count: number) => Promise<void>
  /** Frames that so many events make when they are published in one tick. */
  readonly frames: (count: number) => Promise<number>
}

const peers = fileURLToPath(new URL("../../peers/deepstream/package.json", import.meta.url))

/** Loads what the peers' folder has. */
export const fromPeers = createRequire(peers)

interface Official {
  login(credentials: object, done: (success: boolean) => void): void
  on(name: string, heard: () => void): void
  readonly event: { emit(name: string, value: unknown): void; subscribe(name: string, heard: (value: unknown) => void): void }
  readonly _connection: { _endpoint: { send(frame: string): void } }
}

const official = async (url: string, options: object): Promise<Contender> => {
  const connect = fromPeers("deepstream.io-client-js") as (url: string, options: object) => Official
  const login = (): Promise<Official> =>
    new Promise((resolve) => {
      const client = connect(url, { silentDeprecation: true, ...options })
      client.on("error", () => {})
      client.login({}, () => resolve(client))
    })
  const [publisher, subscriber] = [await login(), await login()]
  let left = 0
  let done = (): void => {}
  subscriber.event.subscribe("bench", () => {
    if (--left === 0) done()
  })
  await new Promise((resolve) => setTimeout(resolve, 200))
  return {
    run: (count) =>
      new Promise((resolve) => {
        left = count
        done = resolve
        for (let index = 0; index < count; index++) publisher.event.emit("bench", index)
      }),
    frames: async (count) => {
      const endpoint = publisher._connection._endpoint
      const { send } = endpoint
      let frames = 0
      endpoint.send = (frame) => {
        frames++
        send.call(endpoint, frame)
      }
      for (let index = 0; index < count; index++) publisher.event.emit("elsewhere", index)
      await new Promise((resolve) => setTimeout(resolve, 3000))
      endpoint.send = send
      return frames
    }
  }
}

const ours = async (url: string): Promise<Contender> => {
  let frames = 0
  const construct = (to: string): WebSocket => {
    const socket = new WebSocket(to)
    const send = socket.send.bind(socket)
    socket.send = (data) => {
      frames++
      send(data)
    }
    return socket
  }
  const scope = Effect.runSync(Scope.make())
  const login = () =>
    Effect.runPromise(
      make({ url, credentials: {} }).pipe(Scope.provide(scope), Effect.provideService(Socket.WebSocketConstructor, construct as never))
    )
  const [publisher, subscriber] = [await login(), await login()]
  let left = 0
  let done = (): void => {}
  const subscribed = new Promise<void>((resolve) => {
    const events = subscriber.events.subscribe("bench", { onReady: Effect.sync(() => resolve()) })
    Effect.runFork(
      Stream.runForEachArray(events, (values) =>
        Effect.sync(() => {
          left -= values.length
          if (left === 0) done()
        })).pipe(Effect.provide(Logger.layer([])))
    )
  })
  await subscribed
  const publish = (name: string, count: number): Promise<void> =>
    Effect.runPromise(
      Effect.forEach(Array.from({ length: count }, (_, index) => index), (index) => publisher.events.emit(name, index), { discard: true })
    )
  return {
    run: async (count) => {
      left = count
      const all = new Promise<void>((resolve) => {
        done = resolve
      })
      await publish("bench", count)
      await all
    },
    frames: async (count) => {
      const before = frames
      await publish("elsewhere", count)
      await new Promise((resolve) => setTimeout(resolve, 300))
      return frames - before
    }
  }
}

/** The contenders by name. */
export const contenders: { readonly [name: string]: (url: string) => Promise<Contender> } = {
  wirewright: ours,
  "official, default": (url) => official(url, {}),
  "official, tuned": (url) => official(url, { maxMessagesPerPacket: 5000, timeBetweenSendingQueuedPackages: 0 })
}
