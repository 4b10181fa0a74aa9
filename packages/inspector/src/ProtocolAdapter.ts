/** What tools need of a protocol: to cut, decode, take apart, show and encode its packets. It never prints. */
import type { Catalog } from "@wirewright/codec/Catalog"
import type { Annotation } from "@wirewright/codec/Layout"
import type { OrderedRequest, Repeated } from "./OrderedPairs.ts"

/** Who sent the bytes: `c2s` the client, `s2c` the server. */
export type Direction = "c2s" | "s2c"

/** Connection states by name: whether they are on, or their number. */
export type States = { readonly [name: string]: boolean | number }

/** What both sides of a connection agreed on, as far as it decides how packets are read. */
export interface Session {
  readonly states: States
  /** Phase of the connection, in protocols that have phases. */
  readonly phase?: string | undefined
  /** Which of several protocols that share a port a connection speaks, once that is known. */
  readonly protocol?: string | undefined
}

/** How a packet is to be read, beside its bytes. */
export interface Situation extends Session {
  /** Who sent it, if that is known. */
  readonly direction?: Direction | undefined
  /** Name of its kind, where that was said. */
  readonly kind?: string | undefined
}

/** What a listing and a summary say about a packet. */
export interface Facts {
  /** Name of the packet type. */
  readonly name: string
  /** Name of the command, requests and responses alike. */
  readonly command: string
  readonly answers: boolean
  /** Pairs requests with their responses; none in protocols without such a field. */
  readonly pairing: string | undefined
  /** In protocols where the order of packets pairs them. */
  readonly ordered?: Ordered | undefined
  /** More than one response may follow. */
  readonly repliesOften: boolean
  readonly opaque: number | undefined
  readonly vbucket: number | undefined
  /** Name of the response's status. */
  readonly status: string | undefined
  readonly bySeqno: bigint | undefined
  /** Of packets that are lines. */
  readonly line?: Line | undefined
}

/** What a packet of lines says. */
export interface Line {
  /** Its first line without what ends it. */
  readonly text: string
  /** The bytes after that, without what ends them. */
  readonly rest: Uint8Array
}

/** How a packet is paired by its place. */
export interface Ordered {
  /** Of requests. None of those that are never answered. */
  readonly request?: OrderedRequest | undefined
  /** A request that asks for no answer at all. */
  readonly isUnanswered: boolean
  readonly repeated: Repeated
}

/** A decoded packet. */
export interface DecodedPacket {
  readonly packet: object
  /** Bytes it takes. */
  readonly length: number
  /** The states of the connection that it was read in. */
  readonly states?: States
  /** Kind of packet, where packets of several kinds are the same. */
  readonly kind?: string
  /** Its protocol, where several share a port. */
  readonly protocol?: string
  readonly facts: Facts
}

/** Receives the packets of a stream: `bytes[at, end)`. */
export type PacketSink = (bytes: Uint8Array, at: number, end: number) => void

/** Cuts a stream of bytes into packets. Both methods throw `DecodeError`. */
export interface Cutter {
  /** Offset in the stream of the next packet. */
  readonly offset: number
  /** Bytes of an unfinished packet. */
  readonly buffered: number
  /** Bytes that the unfinished packet lacks, if what there is of it tells. */
  readonly lacking: number | undefined
  push(chunk: Uint8Array, sink: PacketSink): void
  finish(): void
}

/** A packet taken apart. */
export interface Taken {
  readonly annotation: Annotation
  /** The bytes it was taken from: those given, or a copy of them with asterisks for what may be a password. */
  readonly shown: Uint8Array
  /** Where its types are looked up. */
  readonly catalog: Catalog
  /** Name of the generated function that decodes such packets. */
  readonly decoder: string
}

/** A protocol. */
export interface ProtocolAdapter {
  readonly name: string
  /** Bytes of `--hex` or of an input line. Throws `DecodeError`. */
  parse(text: string): Uint8Array
  /** Connection states that may be on. */
  readonly known: ReadonlyArray<{ readonly name: string; readonly numbered?: boolean }>
  /** How a connection starts; `states` were negotiated before. */
  begin(states?: States): Session
  /** What is missing to read packets of nobody in particular: words for a usage error. */
  missing(situation: Situation): string | undefined
  /** Cuts what one side sends; `situation` is asked about each packet. */
  cutter(situation: () => Situation): Cutter
  /** Ports that servers of the protocol listen on when nobody says otherwise. */
  readonly ports: ReadonlySet<number>
  /** Packets that answer any request by saying that it is none, in protocols where the order of packets pairs them. */
  mistakes(session: Session): ReadonlySet<string>
  /** Bytes that `plausibleSize` needs to say anything. */
  plausibleHead(situation: Situation): number
  /**
   * Size of what may plausibly start at `at` in a connection's bytes, be it a packet or what packets travel in; `undefined` when nothing
   * may. Finds the first packet where the connection's start was not captured, or where bytes are missing.
   */
  plausibleSize(bytes: Uint8Array, at: number, situation: Situation): number | undefined
  /** Who sends what starts with these bytes, if that is plain from them. */
  senderOf(bytes: Uint8Array): Direction | undefined
  /** Size of the packet at `at`, if its beginning tells. */
  sizeAt(bytes: Uint8Array, at: number, situation: Situation): number | undefined
  /** Decodes the packet at `at`. Throws `DecodeError`. */
  decode(bytes: Uint8Array, at: number, situation: Situation): DecodedPacket
  /** The session after this packet. */
  after(decoded: DecodedPacket, session: Session): Session
  toJson(decoded: DecodedPacket): { readonly [key: string]: unknown }
  /** Bytes of what `toJson` made. Throws `EncodeError` and other errors with a message. */
  fromJson(json: unknown, states?: States): Uint8Array
  /** Whether the packet holds what may be a password, so that errors must not repeat its content. */
  isSecret(bytes: Uint8Array, situation: Situation): boolean
  /** Names of the kinds of packets. */
  readonly kinds: ReadonlyArray<string>
  /** The packet at `at`, as far as it can be taken apart; with `secrets`, passwords are not masked. */
  taken(bytes: Uint8Array, at: number, situation: Situation, secrets?: boolean): Taken
  /** The packet for a person, as far as it can be taken apart, secrets masked; ends with a newline. */
  dump(bytes: Uint8Array, at: number, situation: Situation, color: boolean): string
}

/** Names of the protocols that come with the command. */
export const protocolNames = ["dcp", "couchbase", "memcached", "memcached-text", "deepstream"] as const

/** Name of a protocol that comes with the command. */
export type ProtocolName = typeof protocolNames[number]
