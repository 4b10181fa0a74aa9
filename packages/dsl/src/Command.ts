/**
 * Commands: an opcode with its request, and its responses by status.
 *
 * The two directions of an opcode stand in one value, because a decoder of one needs to know the other, and because everything that is
 * said about an opcode (limits, quietness, lifecycle, examples) is then said once.
 */
import { mark } from "./CallSite.ts"
import type { Frame } from "./Frame.ts"
import type { Optional, When } from "./Presence.ts"
import type { CheckedFields, Fields, NoSuchSibling, Type } from "./Type.ts"

/** Content of the sections of a packet; a missing section must be empty. A single type is a field named like its section. */
export type Body<Section extends string = string> = { readonly [S in Section]?: Type | Fields }

/**
 * Alternative bodies, told apart by the length of their first sized section and by the constants in them. Each becomes a TypeScript type
 * of its own.
 */
export interface Layouts<Section extends string = string> {
  readonly kind: "layouts"
  readonly layouts: { readonly [name: string]: Body<Section> }
}

/** Golden bytes of one packet. The bytes come from a recording, a document, a peer or the layout tables, never from our encoder. */
export type Example = ExampleOptions & ({ readonly hex: string } | { readonly text: string })

/** What is said of golden bytes beside `hex`, or `text` that is UTF-8 on the wire. */
export interface ExampleOptions {
  /** Which kind of packet; a request unless said otherwise. */
  readonly kind?: string
  /** Where the bytes come from. */
  readonly origin: string
  /** Connection states that are on. */
  readonly states?: ReadonlyArray<string>
  /** Some or all decoded fields, spelled as `wirewright decode --json` prints them (64-bit numbers as decimal strings). */
  readonly fields?: { readonly [name: string]: unknown }
}

/** How an opcode stands with today's servers. Removed ones stay described, so that a decoder can still say what it sees. */
export type Lifecycle = "active" | "deprecated" | "internal" | "removed"

/** A command's description as the author writes it. */
export interface CommandOptions<Section extends string = string, Status extends string = string> {
  /**
   * An integer, or one ASCII character that stands for its code. Without one, the packet is told from others by its literals; of those that
   * have an opcode, it is the one that takes all other opcodes.
   */
  readonly opcode?: number | string
  /** Header fields that are the same in every such packet: checked, written, and absent from its type. */
  readonly header?: { readonly [field: string]: number }
  /** Phase of the connection that begins after this packet. */
  readonly then?: string
  /** An extension's command that takes the opcode of the base's command of this name on purpose. */
  readonly replaces?: string
  /** Who sends the request: `client` unless said otherwise. */
  readonly sender?: "client" | "server" | "both"
  readonly lifecycle?: Lifecycle
  readonly request: Body<Section> | Layouts<Section>
  /** What follows each status; `"Other"` reuses the outcome of that name. Statuses not listed carry an error. Default: an empty `Success`. */
  readonly responses?: { readonly [S in Status]?: Body<Section> | Layouts<Section> | Status }
  /**
   * Packets of the server that may answer it, by name, where no header field says which request an answer is to. A packet answers the oldest
   * request in flight that it may answer; of those that have the frame's `correlation` field, the one with the same value there. What answers
   * none was sent unasked.
   */
  readonly answeredBy?: ReadonlyArray<string>
  /** A packet of the server that may answer a request is also sent when nothing asked for it. Default: it is then a mistake of the server */
  readonly unasked?: boolean
  /**
   * How many responses one request gets; `error` means none on success, `optional` that callers say whether there are any. Default: `one`;
   * with `answeredBy` and `last`, `many`; of packets that stand for themselves, `none`
   */
  readonly reply?: "one" | "many" | "error" | "none" | "optional"
  /**
   * Of `many` responses, the one with this in its fields marks the end; with `answeredBy`, the one of the packets that all have these fields, or
   * the packets after which no more come. Default: one with a status other than `Success` is the last
   */
  readonly last?: { readonly [field: string]: string | number } | ReadonlyArray<string>
  /** Which outcome is not reported: `success` for quiet writes, `miss` for quiet reads. */
  readonly quiet?: "success" | "miss"
  /** The name the field gives this opcode in documents and tools, such as `DCP_OPEN`. */
  readonly label?: string
  readonly examples?: ReadonlyArray<Example>
}

/** A command of a protocol. */
export interface Command extends CommandOptions {
  readonly kind: "command"
  readonly name: string
  /**
   * Kinds of packet its request and its responses are; the latter is missing in protocols without responses. `also`: further kinds that
   * have the same packet.
   */
  readonly kinds: { readonly request: string; readonly response?: string; readonly also?: ReadonlyArray<string> }
}

/** What the editor shows for a property nobody reads. */
export interface UnknownProperty<Known> {
  readonly error: "unknown property"
  readonly known: Known
}

/** What the editor shows when a layout depends on a connection state the frame does not declare. */
export interface NoSuchState<State> {
  readonly error: "no such connection state"
  readonly known: State
}

type NamesOf<B> = { [S in keyof B & string]: B[S] extends { readonly kind: string } ? S : keyof B[S] & string }[keyof B & string]

type StateOk<F, State extends string> = F extends When<infer W> ? W extends State ? F : NoSuchState<State> : F

type CheckedSection<C, Names extends string, State extends string> = C extends { readonly kind: string }
  ? C extends Optional<infer R> ? [R] extends [Names] ? C : NoSuchSibling<R, Names> : StateOk<C, State>
  : { readonly [K in keyof C]: K extends keyof CheckedFields<C, Names> ? StateOk<C[K], State> & CheckedFields<C, Names>[K] : never }

type CheckedBody<B, Section extends string, State extends string> = {
  readonly [S in keyof B]: S extends Section ? CheckedSection<B[S], NamesOf<B>, State> : UnknownProperty<Section>
}

type CheckedContent<C, Section extends string, State extends string> = C extends string ? C
  : C extends { readonly kind: "layouts" } ? C
  : CheckedBody<C, Section, State>

type Checked<C, Section extends string, Status extends string, State extends string> = {
  readonly [K in keyof C]: K extends keyof CommandOptions ? K extends "request" ? CheckedContent<C[K], Section, State>
    : K extends "responses" ?
      { readonly [S in keyof C[K]]: S extends Status ? CheckedContent<C[K][S], Section, State> : UnknownProperty<Status> }
    : C[K]
    : UnknownProperty<keyof CommandOptions>
}

/** Alternative bodies of a request or response. */
export const layouts = <const L extends { readonly [name: string]: Body }>(
  alternatives: L & { readonly [N in keyof L]: CheckedBody<L[N], keyof L[N] & string, string> }
): Layouts => mark({ kind: "layouts", layouts: alternatives as Layouts["layouts"] }, layouts)

/** What the author says of a packet that is no request with responses. */
export type PacketOptions<Section extends string = string> =
  & Omit<CommandOptions<Section>, "request" | "responses" | "quiet">
  & ({ readonly body: Body<Section> | Layouts<Section> } | { readonly fields: Fields })

/**
 * The word `packet` of a frame: packets of one kind that stand for themselves. `fields` is the content of the only section. `also` names
 * further kinds that have the same packets, such as what both sides send.
 */
export const packetsOf = <Section extends string, KindName extends string, Status extends string, State extends string>(
  frame: Frame<Section, KindName, Status, State>,
  kind: KindName,
  ...also: ReadonlyArray<KindName>
) => {
  const kinds = { request: kind, ...(also.length === 0 ? {} : { also }) }
  const packet = <const N extends string, const O extends PacketOptions<Section>>(name: N, options: O): Command & { readonly name: N } => {
    const { body, fields, ...rest } = options as PacketOptions<Section> & { readonly body?: Body; readonly fields?: Fields }
    const request = body ?? { [frame.sections[0] ?? "body"]: fields }
    const reply = rest.answeredBy === undefined ? "none" as const : rest.last === undefined ? "one" as const : "many" as const
    return mark({ reply, ...rest, request, kind: "command" as const, name, kinds }, packet)
  }
  return packet
}

/** The word `command` of a frame. Its requests are of kind `request`, its responses of the kind that answers it. */
export const commandsOf = <Section extends string, KindName extends string, Status extends string, State extends string>(
  frame: Frame<Section, KindName, Status, State>,
  request: KindName
) => {
  const response = Object.keys(frame.kinds).find((name) => frame.kinds[name as KindName].answers === request)
  const kinds = response === undefined ? { request } : { request, response }
  const command = <const N extends string, const C extends CommandOptions<Section, Status>>(
    name: N,
    options: C & Checked<C, Section, Status, State>
  ): Command & { readonly name: N } => mark({ ...(options as CommandOptions), kind: "command" as const, name, kinds }, command)
  return command
}
