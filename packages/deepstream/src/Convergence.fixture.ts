/**
 * Several clients that change one record at once, over links that delay and break, from one seed: sessions, a server that keeps records as
 * deepstream's do, and a clock that only counts.
 */
import { Typed } from "./Typed.ts"
import { forEachMessage } from "@wirewright/codec/Delimited"
import { DeepstreamSession, type SessionHost } from "./DeepstreamSession.ts"
import { Deadlines } from "./Deadlines.ts"
import { decodeClientMessage, delimiting } from "./gen/Decode.ts"
import {
  encodeAuthenticationAck,
  encodeConnectionAck,
  encodeConnectionPing,
  encodeRecordAck,
  encodeRecordData,
  encodeRecordPatch,
  encodeRecordUpdate,
  encodeRecordVersionExists,
  encodeRecordWriteAck
} from "./gen/Encode.ts"
import type { ClientMessage } from "./gen/Messages.ts"
import { type Json, sameJson } from "./Json.ts"
import type { WriteOutcome } from "./PendingWrites.ts"
import type { RecordState } from "./RecordState.ts"
import type { Conflict, MergeStrategy } from "./SessionOptions.ts"
import type { Settle } from "./Wire.ts"

type Random = (limit: number) => number

/** How a schedule went. */
export interface Converged {
  /** Undefined when all ended with the server's data and version, and every acknowledged write was told the truth. */
  readonly wrong: string | undefined
  /** How many acknowledged writes ended so. */
  readonly outcomes: { readonly [outcome: string]: number }
  readonly writes: number
  readonly conflicts: number
  readonly cuts: number
  readonly version: number
}

/** A connection at the server. */
interface Peer {
  readonly send: (text: string) => void
  subscribed: boolean
}

/**
 * Changes data at a path as the servers were seen to: 3.2 stores undefined, and makes an array longer by it; 5 to 7 delete. Only of the
 * paths that are used here.
 */
const patchLike = (text: boolean, data: Json, path: string, value: unknown): void => {
  const steps = path.split(/[.[\]]+/).filter((step) => step !== "").map((step) => /^\d+$/.test(step) ? Number(step) : step)
  let node = data as Record<string | number, unknown>
  for (const [at, step] of steps.slice(0, -1).entries()) {
    if (typeof node[step] !== "object") node[step] = typeof steps[at + 1] === "number" ? [] : {}
    node = node[step] as typeof node
  }
  if (value === undefined && text) delete node[steps.at(-1)!]
  else node[steps.at(-1)!] = value
}

/** Keeps one record: a write is taken when its version is the next one. */
class RecordServer {
  version = 0
  data: Json = {}
  refused = 0
  /** All numbers that were ever in what was written. */
  readonly accepted = new Set<number>()
  private readonly peers = new Set<Peer>()
  private readonly clock: Clock
  /** Milliseconds that writes take, while questions are answered at once; 0 for a server that does all in order. */
  private readonly lag: () => number
  private free = 0
  private freeToRead = 0
  private freeToTell = 0

  /** Whether it shows itself as the text endpoint of servers 5 to 7, by a ping before the login. */
  private readonly text: boolean

  constructor(clock: Clock, text: boolean, lag: () => number) {
    this.clock = clock
    this.text = text
    this.lag = lag
  }

  connect(send: (text: string) => void): Peer {
    const peer = { send, subscribed: false }
    this.peers.add(peer)
    send(encodeConnectionAck())
    if (this.text) send(encodeConnectionPing())
    return peer
  }

  disconnect(peer: Peer): void {
    this.peers.delete(peer)
  }

  receive(peer: Peer, frame: string): void {
    forEachMessage(frame, delimiting, (text, start, end) => this.message(peer, decodeClientMessage(text, start, end)))
  }

  private message(peer: Peer, message: ClientMessage): void {
    switch (message._tag) {
      case "AuthenticationRequest":
        return peer.send(encodeAuthenticationAck())
      case "RecordCreateOrRead":
        peer.subscribed = true
        peer.send(encodeRecordAck({ action: "S", subject: message.name }))
        return this.answer(peer, this.whole(message.name))
      case "RecordSnapshot":
        return this.answer(peer, this.whole(message.name))
      case "RecordUpdate":
      case "RecordPatch":
      case "RecordUpsert":
      case "RecordUpsertPatch":
        // one after another, each some time later
        this.free = Math.max(this.free, this.clock.now + this.lag())
        return this.clock.at(this.free, () => this.write(peer, message))
      default:
    }
  }

  /** What was read is sent some time later, and what is written meanwhile is told first. */
  private answer(peer: Peer, text: string): void {
    this.freeToRead = Math.max(this.freeToRead, this.clock.now + this.lag())
    this.clock.at(this.freeToRead, () => peer.send(text))
  }

  private whole(name: string): string {
    return encodeRecordData({ name, version: this.version, data: JSON.stringify(this.data) })
  }

  private write(peer: Peer, message: Extract<ClientMessage, { readonly version: number; readonly config?: unknown }>): void {
    const { config, name } = message
    const version = message.version === -1 ? this.version + 1 : message.version
    const taken = version === this.version + 1
    if (!taken) {
      this.refused++
      const error = { name, version: this.version, data: JSON.stringify(this.data) }
      peer.send(encodeRecordVersionExists(config === undefined ? error : { ...error, config }))
    } else {
      this.version = version
      const patch = "path" in message
      if (patch) patchLike(this.text, this.data, message.path, message.value.value)
      else this.data = JSON.parse(message.data) as Json
      for (const [number] of JSON.stringify(patch ? message.value.value ?? null : this.data).matchAll(/\d+/g)) {
        this.accepted.add(Number(number))
      }
      const told = patch
        ? encodeRecordPatch({ name, version, path: message.path, value: message.value })
        : encodeRecordUpdate({ name, version, data: message.data })
      // classic servers gather what they tell, and acknowledge before
      this.freeToTell = Math.max(this.freeToTell, this.clock.now + (this.text ? 0 : this.lag()))
      this.clock.at(this.freeToTell, () => {
        for (const other of this.peers) if (other !== peer && other.subscribed) other.send(told)
      })
    }
    if (config?.includes("writeSuccess") === true && (taken || !this.text)) {
      peer.send(encodeRecordWriteAck({ name, versions: JSON.stringify([message.version]), result: new Typed("L") }))
    }
  }
}

/** One way of a link: what is sent arrives in its order, each some time later. */
class Way {
  private last = 0
  private readonly clock: Clock
  private readonly delay: () => number
  private readonly arrive: (text: string) => void
  broken = false

  constructor(clock: Clock, delay: () => number, arrive: (text: string) => void) {
    this.clock = clock
    this.delay = delay
    this.arrive = arrive
  }

  send(text: string): void {
    this.last = Math.max(this.last, this.clock.now + this.delay())
    this.clock.at(this.last, () => {
      if (!this.broken) this.arrive(text)
    })
  }
}

/** A clock that goes from one thing to do to the next. */
class Clock {
  now = 0
  private readonly deadlines = new Deadlines()

  at(time: number, run: () => void): void {
    // a heap does not keep the order of equal times
    this.deadlines.add(time + this.count++ * 1e-7, run)
  }

  runUntil(end: number): void {
    for (let next = this.deadlines.next; next !== undefined && next <= end; next = this.deadlines.next) {
      this.now = Math.max(this.now, next)
      this.deadlines.run(next)
    }
    this.now = end
  }

  private count = 0
}

class Client implements SessionHost {
  readonly session: DeepstreamSession
  readonly problems: Array<string> = []
  record: RecordState | undefined
  conflicts = 0
  cuts = 0
  private readonly clock: Clock
  private readonly server: RecordServer
  private readonly numbers: Random
  private link: { readonly up: Way; readonly down: Way; readonly peer: () => Peer | undefined } | undefined
  private flushing = false
  private armed = Infinity

  constructor(clock: Clock, server: RecordServer, numbers: Random, merge: MergeStrategy) {
    this.clock = clock
    this.server = server
    this.numbers = numbers
    this.session = new DeepstreamSession("ws://server/deepstream", this, {
      merge,
      // nobody pings here
      heartbeatInterval: 1e9,
      reconnect: { initialDelay: 20, factor: 2, maxDelay: 200, jitter: true, maxAttempts: Infinity }
    })
    this.session.start()
    this.session.login({}, { succeed: () => {}, fail: () => {} })
    const opened = this.session.records.open("shared", {
      ready: () => {},
      changed: () => {},
      provided: () => {},
      over: () => {},
      late: () => true
    })
    if (!("_tag" in opened)) this.record = opened
  }

  now(): number {
    return this.clock.now
  }

  random(): number {
    return this.numbers(1 << 20) / (1 << 20)
  }

  dial(): void {
    this.hangUp()
    const delay = (): number => 1 + this.numbers(this.numbers(8) === 0 ? 120 : 12)
    let peer: Peer | undefined
    const down = new Way(this.clock, delay, (text) => {
      this.session.received(text)
    })
    const up = new Way(this.clock, delay, (text) => {
      if (peer !== undefined) this.server.receive(peer, text)
    })
    const link = this.link = { up, down, peer: () => peer }
    this.clock.at(this.clock.now + delay(), () => {
      if (this.link !== link) return
      this.session.socketOpened()
      peer = this.server.connect((text) => down.send(text))
    })
  }

  hangUp(): void {
    const { link } = this
    this.link = undefined
    if (link === undefined) return
    link.down.broken = true
    // what is on its way to the server may arrive, or not
    link.up.broken = this.numbers(2) === 0
    const peer = link.peer()
    if (peer !== undefined) this.clock.at(this.clock.now + this.numbers(60), () => this.server.disconnect(peer))
  }

  /** Breaks the connection. */
  cut(): void {
    if (this.link === undefined) return
    this.cuts++
    this.hangUp()
    this.session.socketClosed()
  }

  changed(): void {}

  problem({ reason, severity }: { readonly reason: { readonly code: string }; readonly severity: string }): void {
    if (severity === "error") this.problems.push(reason.code)
  }

  wake(): void {
    if (this.flushing) return
    this.flushing = true
    this.clock.at(this.clock.now, () => {
      this.flushing = false
      for (let frame = this.take(); frame !== undefined; frame = this.take()) this.link?.up.send(frame)
      const next = this.session.nextDeadline
      if (next !== undefined && next < this.armed) {
        this.armed = next
        this.clock.at(next, () => {
          this.armed = Infinity
          this.session.tick()
          this.wake()
        })
      }
    })
  }

  private take(): string | undefined {
    return this.link === undefined ? undefined : this.session.takeFrame()
  }
}

const paths = ["a", "b", "c.d", "c.e", "list[0]", "list[1].x"]

const combine = ({ local, remote }: Conflict): Json => ({ ...remote as object, ...local as object } as Json)

const strategies: ReadonlyArray<MergeStrategy> = ["remoteWins", "localWins", combine]

/** Plays the schedule of a seed with that many clients. `merge` is each client's own choice of the seed unless it is given. */
export const converge = (random: Random, clients: number, merge?: MergeStrategy): Converged => {
  const clock = new Clock()
  const slow = random(2) === 0
  const server = new RecordServer(clock, random(2) === 0, () => slow ? random(20) : 0)
  const all = Array.from({ length: clients }, () => new Client(clock, server, random, merge ?? strategies[random(strategies.length)]!))
  const busy = 200 + random(1500)
  let writes = 0
  const outcomes: Record<string, number> = {}
  const lies: Array<string> = []
  const lost: Array<number> = []
  /** Waits for what becomes of the write that wrote this number, and of no other. `again` says whether its writer overwrote it since. */
  const judge = (written: number, again: () => boolean): Settle<WriteOutcome> => ({
    succeed: (outcome) => {
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
      if (!again() && !server.accepted.has(written)) lies.push(`${written} is ${outcome}, and the server never had it`)
    },
    fail: ({ _tag }) => {
      outcomes[_tag] = (outcomes[_tag] ?? 0) + 1
      if (_tag === "WriteLost") lost.push(written)
    }
  })
  for (const client of all) {
    const written: Array<string | undefined> = []
    for (let count = 1 + random(10); count > 0; count--) {
      clock.at(random(busy), () => {
        const { record, session } = client
        writes++
        const unique = 1000 + writes
        const path = paths[random(paths.length)]!
        const kind = random(24)
        const target = kind < 3 ? undefined : path
        const at = written.push(target)
        const again = (): boolean => written.slice(at).some((later) => target === undefined || later === undefined || later === target)
        const acknowledged = random(3) === 0 ? judge(unique, again) : undefined
        if (kind < 3) record?.set(undefined, { a: unique }, acknowledged)
        else if (kind < 6) record?.set(path, undefined)
        else if (kind < 8) session.records.upsert("shared", path, random(100))
        else record?.set(path, acknowledged === undefined ? random(1000) : unique, acknowledged)
      })
    }
    for (let count = random(4); count > 0; count--) clock.at(random(busy), () => client.cut())
  }
  clock.runUntil(busy)
  clock.runUntil(busy + 120_000)
  for (const written of lost) if (server.accepted.has(written)) lies.push(`${written} is lost, and the server had it`)
  const apart = all.flatMap(({ problems, record, session }, index) => {
    if (problems.some((code) => code !== "connectionError")) return [`client ${index} reported ${problems.join(", ")}`]
    if (session.state !== "OPEN") return [`client ${index} is ${session.state}`]
    if (record === undefined || record.version !== server.version) {
      return [`client ${index} has version ${record?.version} of ${server.version}`]
    }
    // holes of arrays are null in JSON
    return sameJson(record.data, JSON.parse(JSON.stringify(server.data)))
      ? []
      : [`client ${index} has ${JSON.stringify(record.data)}, the server ${JSON.stringify(server.data)}`]
  })
  const wrong = [...apart, ...lies]
  return {
    outcomes,
    wrong: wrong.length === 0 ? undefined : wrong.join("; "),
    writes,
    conflicts: server.refused,
    cuts: all.reduce((sum, { cuts }) => sum + cuts, 0),
    version: server.version
  }
}
