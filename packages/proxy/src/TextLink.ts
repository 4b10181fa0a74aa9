/**
 * One way to a memcached that speaks text: commands out, answers in, and in place of errors refusals.
 *
 * A client of the proxy keeps to one link, so that its requests stay in order: asking begins within the call, whatever becomes of it. Nothing is ever
 * asked quietly: the link is shared, and what is not answered cannot be told from what another client asked.
 */
import type { Command, EncodeError, Writer } from "@wirewright/codec"
import {
  type Call,
  type ConnectionError,
  Exchange,
  type Ledger,
  type OrderedLedger,
  type Resume,
  type Waiter
} from "@wirewright/connection"
import type { OpenError } from "@wirewright/couchbase/node"
import type { Refusal } from "@wirewright/memcached"
import type * as Text from "@wirewright/memcached/text"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { failedBy, refusedBy, type TextError } from "./Refused.ts"

type Failure = ConnectionError | EncodeError | OpenError

interface Answer {
  readonly _tag: string
}

// oxlint-disable-next-line typescript/no-explicit-any -- whether a command may go unanswered is nothing to a link
type Any = any

/** A command of the text protocol. */
export type TextCommand<P, A> = Command<P, A, Any>

/** A link. */
export interface TextLink {
  /** Asks for one answer; errors of the protocol fail. */
  readonly ask: <P, A extends Answer>(
    command: TextCommand<P, A>,
    fields: P,
    writes: boolean
  ) => Effect.Effect<Exclude<A, TextError>, Refusal>
  /** Asks for one answer, whatever it is. */
  readonly hear: <P, A extends Answer>(command: TextCommand<P, A>, fields: P, writes: boolean) => Effect.Effect<A, Refusal>
  /** Asks for many answers, the mark of their end included; errors of the protocol fail. */
  readonly collect: <P, A extends Answer>(
    command: Command<P, A, "many">,
    fields: P
  ) => Effect.Effect<ReadonlyArray<Exclude<A, TextError>>, Refusal>
  /** Asks for many answers, whatever they are. */
  readonly hearAll: <P, A extends Answer>(command: Command<P, A, "many">, fields: P) => Effect.Effect<ReadonlyArray<A>, Refusal>
}

const isError = (answer: Answer): answer is TextError =>
  answer._tag === "ClientError" || answer._tag === "ServerError" || answer._tag === "CommandError"

type Asking = Call<Asked, Text.Response, ReadonlyArray<Answer>, Failure>

const calling = (writes: boolean): Asking => ({
  writes,
  encode: (writer, asked) => asked.append(writer),
  interpret: (answer, asked) => {
    asked.found.push(answer)
    return asked.ends?.(answer) === false ? undefined : Exit.succeed(asked.found)
  },
  failed: (error) => Exit.fail(error)
})

const [reading, writing] = [calling(false), calling(true)]

/** Whether an answer is the last of many; nothing where there is one. */
export const endOf = (
  { last }: { readonly last?: ((answer: Text.Response) => unknown) | undefined }
): ((answer: Text.Response) => boolean) | undefined => last === undefined ? undefined : (answer) => last(answer) !== undefined

/** Enters a request whose answers are known by their words. */
export const enterInTurn = (
  ledger: Ledger<Text.Response>,
  waiter: Waiter<Text.Response>,
  { answers = [] }: Pick<TextCommand<never, Answer>, "answers">
): number => (ledger as unknown as OrderedLedger<Text.Response>).enter(waiter, answers, 0)

/** A command on its way, and its answers. */
export class Asked extends Exchange<Text.Response, ReadonlyArray<Answer>, Failure> {
  readonly command: TextCommand<object, Answer>
  readonly fields: object
  readonly found: Array<Answer> = []
  readonly ends: ((answer: Text.Response) => boolean) | undefined

  constructor(command: TextCommand<object, Answer>, fields: object, writes: boolean, resume: Resume<ReadonlyArray<Answer>, Failure>) {
    super(writes ? writing : reading, resume)
    this.command = command
    this.fields = fields
    this.ends = endOf(command)
  }

  override enter(ledger: Ledger<Text.Response>): number {
    return enterInTurn(ledger, this, this.command)
  }

  override expect(): void {
    // what answers it was said when it was entered
  }

  append(writer: Writer): void {
    this.command.encode(writer, this.fields)
  }
}

/** Begins a request on a connection, which resumes whoever waits, within the call when there is none. Returns what frees it. */
export type BeginAsked = (
  make: (resume: Resume<ReadonlyArray<Answer>, Failure>) => Asked,
  resume: Resume<ReadonlyArray<Answer>, Failure>
) => Effect.Effect<void> | undefined

/** Asks, and has all answers. */
export const asking = <P, A extends Answer>(
  begin: BeginAsked,
  command: TextCommand<P, A>,
  fields: P,
  writes: boolean
): Effect.Effect<ReadonlyArray<A>, Failure> =>
  Effect.callback<ReadonlyArray<Answer>, Failure>((resume) =>
    begin((resume) => new Asked(command as unknown as TextCommand<object, Answer>, fields as object, writes, resume), resume)
  ) as Effect.Effect<ReadonlyArray<A>, Failure>

/** Makes a link of one connection. */
export const textLink = (begin: BeginAsked): TextLink => {
  const all = <P, A extends Answer>(command: TextCommand<P, A>, fields: P, writes: boolean): Effect.Effect<ReadonlyArray<A>, Refusal> =>
    Effect.mapError(asking(begin, command, fields, writes), (error) => failedBy(error as ConnectionError | EncodeError, writes))
  const unlessError = (answer: Answer | undefined, outcome: unknown): Effect.Effect<never, Refusal> =>
    answer !== undefined && isError(answer) ? Effect.fail(refusedBy(answer)) : Effect.succeed(outcome as never)
  return {
    ask: (command, fields, writes) => Effect.flatMap(all(command, fields, writes), ([answer]) => unlessError(answer, answer)),
    hear: (command, fields, writes) => Effect.map(all(command, fields, writes), ([answer]) => answer as never),
    collect: (command, fields) =>
      Effect.flatMap(all(command, fields, false), (answers) => unlessError(answers[answers.length - 1], answers)),
    hearAll: (command, fields) => all(command, fields, false) as never
  }
}
