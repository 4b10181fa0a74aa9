/**
 * What the command knows of protocols beside their models, by the protocol at the root: ports, passwords, what is negotiated. Protocols of
 * others have none of it, and extensions of ours have it too.
 */
import type { Model } from "@wirewright/codec/Model"
import { HelloFeature } from "@wirewright/couchbase/gen/Types"
import { Datatype } from "@wirewright/memcached/gen/Types"
import type { Repeated } from "./OrderedPairs.ts"
import type { DecodedPacket, ProtocolName, Session } from "./ProtocolAdapter.ts"

/** A state of connections that a packet tells, by the names of both and of the packet's field. */
export interface Learned {
  readonly state: string
  readonly packet: string
  readonly field: string
  /** The state is on when the field is a list that has this number. Without it, the state is the field's number. */
  readonly member?: number
}

/** What is known of a protocol. */
export interface Traits {
  /** Ports that its servers listen on when nobody says otherwise. */
  readonly ports: ReadonlySet<number>
  /** Commands whose last section, or what follows the literals over text, is a password or could be one. */
  readonly secrets: ReadonlySet<string>
  /** Greatest values of header fields that are in use. */
  readonly greatest: { readonly [headerField: string]: number }
  /** Connection states that packets tell, for what follows conversations without running code of ours. */
  readonly learned?: ReadonlyArray<Learned>
  /** The session after a packet. */
  readonly after: (decoded: DecodedPacket, session: Session) => Session
  /** What a packet says about its answer, or repeats of its request, where the order of packets pairs them. */
  readonly conversation?: (command: string, packet: object) => Said
  /** Name of the protocol that servers speak with clients whose first byte is none of a packet's. */
  readonly beside?: ProtocolName
}

/** What a packet says for pairing. */
export interface Said extends Repeated {
  /** Names of the answers that the request asks to leave out. */
  readonly leftOut?: ReadonlyArray<string> | "all"
}

const helloCommand = "Hello"

const memcached: Traits = {
  beside: "memcached-text",
  ports: new Set([11_210, 11_207, 11_209, 11_211]),
  secrets: new Set(["SaslAuth", "SaslStep"]),
  greatest: { datatype: Datatype.json | Datatype.snappy | Datatype.xattr },
  learned: [{ state: "collections", packet: "HelloResponse", field: "features", member: HelloFeature.Collections }],
  after: ({ facts, packet }, session) => {
    if (facts.command !== helloCommand || facts.status !== "Success" || !("collections" in session.states)) return session
    const { features } = packet as { readonly features?: Iterable<number> }
    const collections = features !== undefined && [...features].includes(HelloFeature.Collections)
    return { ...session, states: { ...session.states, collections } }
  }
}

/** SASL of the text protocol is a `set`, which cannot be told from any other by itself. */
const memcachedText: Traits = {
  ports: new Set([11_211]),
  secrets: new Set(),
  greatest: {},
  after: (_, session) => session,
  conversation: (command, packet) => {
    const { flags, key, noreply } = packet as MemcachedLine
    if (noreply === true) return { leftOut: "all" }
    if (!Array.isArray(flags)) return {}
    const flagOf = (tag: string): MetaFlag | undefined => (flags as ReadonlyArray<MetaFlag>).find(({ _tag }) => _tag === tag)
    const opaque = flagOf("Opaque")?.opaque
    // a binary key may come back otherwise than it was asked for
    const asked = flagOf("KeyIsBase64") !== undefined ? undefined : flagOf("ReturnKey") === undefined ? flagOf("Key")?.key : key
    const leftOut = flagOf("Quiet") === undefined ? undefined : expected[command]
    return {
      ...(leftOut === undefined ? {} : { leftOut }),
      ...(opaque === undefined ? {} : { opaque }),
      ...(asked === undefined ? {} : { key: asked })
    }
  }
}

interface MetaFlag {
  readonly _tag: string
  readonly opaque?: string
  readonly key?: string
}

interface MemcachedLine {
  readonly noreply?: boolean
  readonly key?: string
  /** Of meta commands; a number in others. */
  readonly flags?: ReadonlyArray<MetaFlag> | number
}

/** The answers that `q` leaves out. */
const expected: { readonly [command: string]: ReadonlyArray<string> } = {
  MetaGet: ["MetaMiss"],
  MetaSet: ["MetaDone"],
  MetaDelete: ["MetaDone"],
  MetaArithmetic: ["MetaDone", "MetaValue"]
}

const nothing: Traits = { ports: new Set(), secrets: new Set(), greatest: {}, after: (_, session) => session }

const deepstream: Traits = { ...nothing, ports: new Set([6020, 6021]), secrets: new Set(["AuthenticationRequest"]) }

const known: { readonly [module: string]: Traits } = {
  "@wirewright/memcached/gen": memcached,
  "@wirewright/memcached/text": memcachedText,
  "@wirewright/deepstream/gen": deepstream
}

/** What is known of a protocol whose models are these, the root first. */
export const traitsOf = ([root]: ReadonlyArray<Model>): Traits => known[root?.module ?? ""] ?? nothing
