/**
 * A deepstream server in memory for tests of what uses one: records with versions, events, procedures and presence, for any number of clients. It
 * speaks the classic text protocol.
 *
 * What it leaves out: permissions, pings, timeouts of its own, and finding out for those who listen to patterns; they are acknowledged, and hear
 * nothing.
 */
import { setPath, Typed } from "@wirewright/deepstream"
import { forEachMessage } from "@wirewright/codec/Delimited"
import { type ClientMessage, decodeClientMessage, delimiting, encode } from "@wirewright/deepstream/gen"
import type { ServerSocket } from "./WebSockets.ts"

type Answer = Parameters<typeof encode>[0]

/** A record as the server has it. */
export interface StoredRecord {
  readonly version: number
  readonly data: unknown
}

/** Whom the server lets in, and what it is called in presence. The default lets everybody in, by `username`. */
export type LogIn = (credentials: Readonly<Record<string, unknown>>) => { readonly user: string; readonly clientData?: unknown } | undefined

const everybody: LogIn = ({ username }) => ({ user: typeof username === "string" ? username : "anonymous" })

interface Client {
  readonly send: (answer: Answer) => void
  user: string | undefined
  /** Whether it is told of everybody's coming and going. */
  watching: boolean
}

/** Who is subscribed to what. */
class Subscribers {
  private readonly byName = new Map<string, Set<Client>>()

  of(name: string): ReadonlyArray<Client> {
    return [...this.byName.get(name) ?? []]
  }

  add(name: string, client: Client): void {
    this.byName.set(name, (this.byName.get(name) ?? new Set()).add(client))
  }

  remove(name: string, client: Client): void {
    this.byName.get(name)?.delete(client)
  }

  drop(client: Client): void {
    for (const clients of this.byName.values()) clients.delete(client)
  }
}

/** The server. */
export class DeepstreamNode {
  /** Records by name. */
  readonly records = new Map<string, StoredRecord>()
  private readonly clients = new Set<Client>()
  private readonly readers = new Subscribers()
  private readonly listeners = new Subscribers()
  private readonly providers = new Subscribers()
  private readonly watchers = new Subscribers()
  /** Who asked, by the id of the request. */
  private readonly asked = new Map<
    string,
    { readonly from: Client; readonly request: Answer & { readonly name: string }; tried: Set<Client> }
  >()
  private readonly logIn: LogIn

  constructor(logIn: LogIn = everybody) {
    this.logIn = logIn
  }

  /** Users that are signed in, each once. */
  get users(): ReadonlyArray<string> {
    return [...new Set([...this.clients].flatMap(({ user }) => user === undefined ? [] : [user]))]
  }

  /** Takes a connection. */
  readonly accept = (socket: ServerSocket): void => {
    const client: Client = { send: (answer) => socket.send(encode(answer)), user: undefined, watching: false }
    this.clients.add(client)
    socket.onFrame = (frame) =>
      forEachMessage(frame, delimiting, (text, start, end) => this.receive(client, decodeClientMessage(text, start, end)))
    socket.onClose = () => {
      this.clients.delete(client)
      for (const subscribers of [this.readers, this.listeners, this.providers, this.watchers]) subscribers.drop(client)
      if (client.user !== undefined && !this.users.includes(client.user)) this.tellPresence(client, client.user, false)
    }
    client.send({ _tag: "ConnectionChallenge" })
  }

  private tellPresence(of: Client, user: string, online: boolean): void {
    const answer: Answer = online ? { _tag: "PresenceJoin", user } : { _tag: "PresenceLeave", user }
    for (const client of this.clients) {
      if (client !== of && (client.watching || this.watchers.of(user).includes(client))) client.send(answer)
    }
  }

  private receive(client: Client, message: ClientMessage): void {
    switch (message._tag) {
      case "ConnectionChallengeResponse":
        return client.send({ _tag: "ConnectionAck" })
      case "AuthenticationRequest":
        return this.signIn(client, message.credentials)
      default:
        if (client.user === undefined) return
        this.events(client, message)
        this.record(client, message)
        this.procedure(client, message)
        this.presence(client, message)
    }
  }

  private signIn(client: Client, text: string): void {
    const credentials = JSON.parse(text) as Readonly<Record<string, unknown>> | null
    const accepted = this.logIn(credentials ?? {})
    if (accepted === undefined) {
      return client.send({ _tag: "AuthenticationInvalidData", clientData: Typed.of("invalid authentication data") })
    }
    const { clientData, user } = accepted
    const known = this.users.includes(user)
    client.user = user
    client.send(clientData === undefined ? { _tag: "AuthenticationAck" } : { _tag: "AuthenticationAck", clientData: Typed.of(clientData) })
    if (!known) this.tellPresence(client, user, true)
  }

  private events(client: Client, message: ClientMessage): void {
    switch (message._tag) {
      case "EventSubscribe":
        this.listeners.add(message.name, client)
        return client.send({ _tag: "EventAck", action: "S", subject: message.name })
      case "EventUnsubscribe":
        this.listeners.remove(message.name, client)
        return client.send({ _tag: "EventAck", action: "US", subject: message.name })
      case "EventEmit":
        for (const other of this.listeners.of(message.name)) if (other !== client) other.send(message)
        return
      case "EventListen":
        return client.send({ _tag: "EventAck", action: "L", subject: message.pattern })
      case "EventUnlisten":
        return client.send({ _tag: "EventAck", action: "UL", subject: message.pattern })
      default:
    }
  }

  private whole(name: string): Answer {
    const { data, version } = this.records.get(name) ?? { version: 0, data: {} }
    return { _tag: "RecordData", name, version, data: JSON.stringify(data) }
  }

  private record(client: Client, message: ClientMessage): void {
    switch (message._tag) {
      case "RecordCreateOrRead": {
        const { name } = message
        if (!this.records.has(name)) this.records.set(name, { version: 0, data: {} })
        this.readers.add(name, client)
        client.send({ _tag: "RecordAck", action: "S", subject: name })
        return client.send(this.whole(name))
      }
      case "RecordSnapshot":
        return client.send(
          this.records.has(message.name)
            ? this.whole(message.name)
            : { _tag: "RecordSnapshotError", name: message.name, reason: "RECORD_NOT_FOUND" }
        )
      case "RecordHas":
        return client.send({ _tag: "RecordHasAnswer", name: message.name, exists: this.records.has(message.name) })
      case "RecordHead":
        return client.send({ _tag: "RecordHeadAnswer", name: message.name, version: this.records.get(message.name)?.version ?? -1 })
      case "RecordDiscard":
        this.readers.remove(message.name, client)
        return client.send({ _tag: "RecordAck", action: "US", subject: message.name })
      case "RecordDelete": {
        this.records.delete(message.name)
        const gone: Answer = { _tag: "RecordAck", action: "D", subject: message.name }
        for (const reader of new Set([client, ...this.readers.of(message.name)])) {
          this.readers.remove(message.name, reader)
          reader.send(gone)
        }
        return
      }
      case "RecordListen":
        return client.send({ _tag: "RecordAck", action: "L", subject: message.pattern })
      case "RecordUnlisten":
        return client.send({ _tag: "RecordAck", action: "UL", subject: message.pattern })
      case "RecordUpdate":
      case "RecordPatch":
      case "RecordUpsert":
      case "RecordUpsertPatch":
        return this.write(client, message)
      default:
    }
  }

  /** A write is taken when its version is the next one, or -1; else whoever wrote is told what there is. */
  private write(client: Client, message: Extract<ClientMessage, { readonly version: number }>): void {
    const { config, name } = message
    const before = this.records.get(name) ?? { version: 0, data: {} }
    const version = message.version === -1 ? before.version + 1 : message.version
    const acknowledged = config?.includes("writeSuccess") === true
    if (version !== before.version + 1) {
      const there = { _tag: "RecordVersionExists", name, version: before.version, data: JSON.stringify(before.data) } as const
      client.send(config === undefined ? there : { ...there, config })
    } else {
      const patched = "path" in message
      const data: unknown = patched ? setPath(before.data as never, message.path, message.value.value as never) : JSON.parse(message.data)
      this.records.set(name, { version, data })
      const told: Answer = patched
        ? { _tag: "RecordPatch", name, version, path: message.path, value: message.value }
        : { _tag: "RecordUpdate", name, version, data: message.data }
      for (const reader of this.readers.of(name)) if (reader !== client) reader.send(told)
    }
    if (acknowledged) {
      client.send({ _tag: "RecordWriteAck", name, versions: JSON.stringify([message.version]), result: Typed.of(null) })
    }
  }

  private procedure(client: Client, message: ClientMessage): void {
    switch (message._tag) {
      case "RpcProvide":
        this.providers.add(message.name, client)
        return client.send({ _tag: "RpcAck", action: "S", name: message.name })
      case "RpcUnprovide":
        this.providers.remove(message.name, client)
        return client.send({ _tag: "RpcAck", action: "US", name: message.name })
      case "RpcRequest":
        this.asked.set(message.id, { from: client, request: message, tried: new Set() })
        return this.route(message.id)
      case "RpcReject":
        return this.route(message.id)
      case "RpcRequestAccepted":
        return this.asked.get(message.id)?.from.send(message)
      case "RpcResponse":
      case "RpcFailure":
        this.asked.get(message.id)?.from.send(message)
        this.asked.delete(message.id)
        return
      default:
    }
  }

  /** Hands a request to a provider that has not refused it. */
  private route(id: string): void {
    const asked = this.asked.get(id)
    if (asked === undefined) return
    const { from, request, tried } = asked
    const provider = this.providers.of(request.name).find((one) => !tried.has(one))
    if (provider === undefined) {
      this.asked.delete(id)
      return from.send({ _tag: "RpcNoProvider", name: request.name, id })
    }
    tried.add(provider)
    provider.send(request)
  }

  private presence(client: Client, message: ClientMessage): void {
    const each = (users: string, todo: (user: string) => void): void => (JSON.parse(users) as ReadonlyArray<string>).forEach(todo)
    switch (message._tag) {
      case "PresenceQueryAll":
        return client.send({ _tag: "PresenceQueryAllAnswer", users: this.users.filter((user) => user !== client.user) })
      case "PresenceQuery": {
        const online: { [user: string]: boolean } = {}
        each(message.users, (user) => online[user] = this.users.includes(user))
        return client.send({ _tag: "PresenceQueryAnswer", id: message.id, online: JSON.stringify(online) })
      }
      case "PresenceSubscribeAll":
      case "PresenceUnsubscribeAll": {
        client.watching = message._tag === "PresenceSubscribeAll"
        const action = client.watching ? "S" : "US"
        return client.send({ _tag: "PresenceAck", action, subject: action })
      }
      case "PresenceSubscribe":
        each(message.users, (user) => this.watchers.add(user, client))
        return client.send({ _tag: "PresenceAck", action: "S", subject: String(message.id) })
      case "PresenceUnsubscribe":
        each(message.users, (user) => this.watchers.remove(user, client))
        return client.send({ _tag: "PresenceAck", action: "US", subject: String(message.id) })
      default:
    }
  }
}
