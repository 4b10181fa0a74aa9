/** What the words of a protocol say about its conversations: which packets answer which, and whether packets are lines of text. */
import type { Catalog } from "@wirewright/codec/Catalog"
import type { CommandModel } from "@wirewright/codec/Model"
import { decodeText } from "@wirewright/codec/Text"
import type { OrderedRequest } from "./OrderedPairs.ts"
import type { Line, Ordered } from "./ProtocolAdapter.ts"
import type { Traits } from "./Traits.ts"

const [carriageReturn, lineFeed] = Array.from("\r\n", (character) => character.charCodeAt(0)) as [number, number]

/** Whether a line may begin at `at`. */
export const beginsLine = (bytes: Uint8Array, at: number): boolean => at === 0 || bytes.at(at - 1) === lineFeed

/** The first line of `bytes[at, end)` without what ends it, and what follows without the end of its line. */
export const lineAt = (bytes: Uint8Array, at: number, end: number): Line => {
  const found = bytes.indexOf(lineFeed, at)
  const next = found < 0 || found >= end ? end : found + 1
  return { text: decodeText(bytes, at, withoutEnd(bytes, at, next)), rest: bytes.subarray(next, withoutEnd(bytes, next, end)) }
}

const withoutEnd = (bytes: Uint8Array, at: number, end: number): number => {
  const line = bytes.subarray(at, end)
  if (line.at(-1) !== lineFeed) return end
  return end - (line.at(-2) === carriageReturn ? 2 : 1)
}

/** The conversations of a protocol. */
export class ConversationWords {
  /** Whether all packets begin with a line of text. */
  readonly isLines: boolean
  /** Packets that answer every request that is answered. */
  readonly mistakes: ReadonlySet<string>
  private readonly isOrdered: boolean
  private readonly traits: Traits
  /** The field in which an answer repeats a number of its request. */
  private readonly numberField: string | undefined
  private readonly requests = new Map<string, OrderedRequest>()

  constructor({ commands, frame }: Catalog, traits: Traits) {
    this.traits = traits
    for (const command of commands) {
      if (command.answeredBy !== undefined) this.requests.set(command.name, requestOf(command, command.answeredBy))
    }
    this.isOrdered = this.requests.size > 0
    this.numberField = frame.correlation
    const [first = [], ...others] = [...this.requests.values()].map(({ answeredBy }) => answeredBy)
    this.mistakes = new Set(others.length === 0 ? [] : first.filter((name) => others.every((names) => names.includes(name))))
    this.isLines = frame.over === undefined && commands.length > 0 && commands.every(beginsWithText)
  }

  /** How a packet is paired. */
  of(packet: object, command: CommandModel | undefined): Ordered | undefined {
    if (!this.isOrdered || command === undefined) return undefined
    const request = this.requests.get(command.name)
    const number = this.numberField === undefined ? undefined : (packet as { readonly [field: string]: unknown })[this.numberField]
    const { leftOut, ...repeated } = this.traits.conversation?.(command.name, packet) ?? {}
    return {
      request: request === undefined || leftOut === undefined || leftOut === "all" ? request : { ...request, leftOut },
      isUnanswered: leftOut === "all",
      repeated: typeof number === "number" ? { ...repeated, number } : repeated
    }
  }
}

const requestOf = ({ last, reply }: CommandModel, answeredBy: ReadonlyArray<string>): OrderedRequest => {
  if (reply !== "many" || last === undefined) return { answeredBy }
  const isLast = (answer: object): boolean =>
    Array.isArray(last)
      ? last.includes((answer as { readonly _tag: string })._tag)
      : Object.entries(last).every(([field, value]) => (answer as { readonly [field: string]: unknown })[field] === value)
  return { answeredBy, isLast }
}

const beginsWithText = ({ request }: CommandModel): boolean =>
  request.every(({ sections: [section] }) => {
    const type = section?.fields[0]?.type
    return type?.kind === "tokens" || type?.kind === "literal" || type?.kind === "decimal" && type.until !== undefined
  })
