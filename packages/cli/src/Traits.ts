/**
 * What the command knows of protocols beside their models, by the protocol at the root: ports, passwords, what is negotiated. Protocols of
 * others have none of it, and extensions of ours have it too.
 */
import type { Model } from "@wirewright/codec/Model"
import { HelloFeature } from "@wirewright/couchbase/gen"
import { Datatype } from "@wirewright/memcached/gen"
import type { DecodedPacket, Session } from "./ProtocolAdapter.ts"

/** What is known of a protocol. */
export interface Traits {
  /** Ports that its servers listen on when nobody says otherwise. */
  readonly ports: ReadonlySet<number>
  /** Commands whose last section, or what follows the literals over text, is a password or could be one. */
  readonly secrets: ReadonlySet<string>
  /** Greatest values of header fields that are in use. */
  readonly greatest: { readonly [headerField: string]: number }
  /** The session after a packet. */
  readonly after: (decoded: DecodedPacket, session: Session) => Session
}

const helloCommand = "Hello"

const memcached: Traits = {
  ports: new Set([11_210, 11_207, 11_209, 11_211]),
  secrets: new Set(["SaslAuth", "SaslStep"]),
  greatest: { datatype: Datatype.json | Datatype.snappy | Datatype.xattr },
  after: ({ facts, packet }, session) => {
    if (facts.command !== helloCommand || facts.status !== "Success" || !("collections" in session.states)) return session
    const { features } = packet as { readonly features?: Iterable<number> }
    const collections = features !== undefined && [...features].includes(HelloFeature.Collections)
    return { ...session, states: { ...session.states, collections } }
  }
}

/** SASL of the text protocol is a `set`, which cannot be told from any other by itself. */
const memcachedText: Traits = { ports: new Set([11_211]), secrets: new Set(), greatest: {}, after: (_, session) => session }

const nothing: Traits = { ports: new Set(), secrets: new Set(), greatest: {}, after: (_, session) => session }

const deepstream: Traits = { ...nothing, ports: new Set([6020, 6021]), secrets: new Set(["AuthenticationRequest"]) }

const known: { readonly [module: string]: Traits } = {
  "@wirewright/memcached/gen": memcached,
  "@wirewright/memcached/text": memcachedText,
  "@wirewright/deepstream/gen": deepstream
}

/** What is known of a protocol whose models are these, the root first. */
export const traitsOf = ([root]: ReadonlyArray<Model>): Traits => known[root?.module ?? ""] ?? nothing
