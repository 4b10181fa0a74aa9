/**
 * What generated code says of a protocol beside its packets: commands as values, and what clients and servers (`@wirewright/connection`) need
 * to know of headers, statuses and answers. Types only.
 */
import type { FrameShape } from "./Framer.ts"
import type { CommandTable, RetryClass } from "./Model.ts"
import type { Reader } from "./Reader.ts"
import type { Writer } from "./Writer.ts"

/** How many answers a request gets: `error` means none when it succeeds. Where there are two, whoever calls knows which. */
export type Reply = "one" | "many" | "error" | "none"

/**
 * A command as a value. `Packet` is what its request's encoder takes, `Answer` the packets that report success, `S` the connection states
 * that its encoder needs.
 */
export interface Command<Packet, Answer, R extends Reply = Reply, S = void, Name extends string = string> {
  readonly name: Name
  readonly opcode: number
  /** Appends the request. Throws `EncodeError` and then leaves the writer as it was. */
  readonly encode: (writer: Writer, packet: Packet, states: S) => void
  /** Of commands with many answers: whether one that reports success is the last, or only marks the end. Without it one answer is all. */
  readonly last?: (answer: Answer) => "answer" | "mark" | undefined
  /** Tags of the packets that may answer it, where no header field says which request an answer is to. */
  readonly answers?: ReadonlyArray<string>
  /** Its packet has the number that answers repeat, in the protocol's `correlation` field. */
  readonly numbered?: true
  /** For the type alone. */
  readonly "~answer"?: Answer
  /** For the type alone: a command that may be answered or not is either. */
  readonly "~reply"?: (reply: R) => void
}

/** Statuses by code: their names, and what a client may do about them. */
export type StatusTable = { readonly [code: number]: { readonly name: string; readonly retry: RetryClass } | undefined }

/** What is known of packets without decoding them. Generated with the frame, which a protocol's extensions share. */
export interface HeaderReader<C extends string = string> {
  readonly frameShape: FrameShape
  /** Kinds of the packets that a client sends, that answer them, and that servers send unasked, where there are such. */
  readonly kinds: { readonly request: string; readonly answer: string; readonly push: string | undefined }
  /** Name of the kind of the packet at `at`; nothing when no packet begins like this. */
  readonly kindAt: (reader: Pick<Reader, "view">, at: number) => string | undefined
  readonly opcodeAt: (reader: Pick<Reader, "view">, at: number) => number
  /** Names of the fields whose value answers repeat, that says which command a packet is, and that says what came of a request. */
  readonly correlation: C
  readonly opcode: string
  readonly status: string
  /** What an answer repeats of its request. */
  readonly correlationAt: (reader: Pick<Reader, "view">, at: number) => number
}

/** What a client needs to know of a protocol. Generated as `client`. */
export interface ClientProtocol<Answer, Push, C extends string = string> {
  readonly name: string
  readonly header: HeaderReader<C>
  /** Decodes the answer at `at`. Throws `DecodeError`. */
  readonly decodeAnswer: (reader: Reader, at: number) => Answer
  /** Decodes what a server sent unasked. Throws `DecodeError`. */
  readonly decodePush: (reader: Reader, at: number) => Push
  readonly statuses: StatusTable
}

/** How the packets of one side are read in one phase of a connection. */
export interface PhaseReader<P, S> {
  /** How long a frame is; nothing where only decoding it tells. */
  readonly shape?: FrameShape
  /** Decodes the packet at `at`, and leaves the offset after it in `reader.next`. Throws `DecodeError`. */
  readonly decode: (reader: Reader, at: number, states: S) => P
}

/**
 * What a client needs to know of a protocol in which no header field says which request a packet answers. It answers the oldest request in
 * flight whose `answers` name it; of packets that have the field `correlation`, the one with the same number. Generated as `client`.
 */
export interface OrderedProtocol<P extends { readonly _tag: string }, C extends string = never, S = {}> {
  readonly name: string
  /** Largest packet in bytes. */
  readonly maxFrame: number
  /** A connection on which nothing was negotiated. */
  readonly states: S
  /** Field of packets in which an answer repeats what the request has there, and the largest number it holds. */
  readonly correlation?: { readonly field: C; readonly max: number }
  /** Phases of a connection, the first one first. */
  readonly phases: { readonly [phase: string]: PhaseReader<P, S> }
  /** Phases that begin after a packet, by its tag, whoever sent it. */
  readonly next: { readonly [tag: string]: string }
  /** Packets that come only as answers. */
  readonly answers: ReadonlyArray<string>
}

/**
 * What a server needs to know of a protocol in which no header field says which request a packet answers. `Commands`: those of clients, by name;
 * `Outcomes`: what the encoder of each packet of servers takes, by its tag. Generated as `server`.
 */
export interface OrderedServerProtocol<Request extends { readonly _tag: string }, Commands, Outcomes, C extends string = never, S = {}> {
  readonly name: string
  /** Largest packet in bytes. */
  readonly maxFrame: number
  /** A connection on which nothing was negotiated. */
  readonly states: S
  /** Field of packets in which an answer repeats what the request has there. */
  readonly correlation?: C
  /** Phases of a connection, the first one first. */
  readonly phases: { readonly [phase: string]: PhaseReader<Request, S> }
  /** Phases that begin after a packet, by its tag, whoever sent it. */
  readonly next: { readonly [tag: string]: string }
  /** Appends a packet of the server, by its tag. Throws `EncodeError`. */
  readonly encode: (writer: Writer, packet: never, states: S) => void
  readonly commands: Commands
  /** For the type alone. */
  readonly "~outcomes"?: Outcomes
}

/** What a server needs to know of a protocol. `Outcomes`: what the encoder of each answer takes, by its tag. Generated as `server`. */
export interface ServerProtocol<Request, Answer, Outcomes, C extends string = string> {
  readonly name: string
  readonly header: HeaderReader<C>
  /** Decodes the request at `at`. Throws `DecodeError`. */
  readonly decodeRequest: (reader: Reader, at: number) => Request
  /** Appends an answer, by its tag. Throws `EncodeError`. */
  readonly encode: (writer: Writer, packet: Answer) => void
  /** Appends an answer with a status; `content` is its last section. Throws `EncodeError`. */
  readonly encodeStatus: (writer: Writer, opcode: number, correlation: number, status: number, content: Uint8Array) => void
  /** Statuses by which a server refuses what it does not know, what is no packet, and what a handler died of. */
  readonly refusals: { readonly unknown?: number; readonly malformed?: number; readonly died?: number }
  readonly commands: CommandTable
  readonly statuses: StatusTable
  /** For the type alone. */
  readonly "~outcomes"?: Outcomes
}
