/** A PostgreSQL client on the runtime: each statement has a connection to itself; what nobody waits for any more is cancelled. */
import { Client, PacketConnection, Unanswered } from "@wirewright/connection"
import { Data, Deferred, Effect, Exit, Redacted, type Scope, Semaphore, Stream } from "effect"
import * as Pg from "../gallery/postgres/index.ts"
import { scram } from "./PostgresScram.ts"

/** What the server reports. `code` is its SQLSTATE, `position` the character of the statement that it is about, from 1. */
export class PostgresError extends Data.TaggedError("PostgresError")<
  Readonly<{ severity: string; code: string; message: string; detail: string | undefined; position: number | undefined }>
> {}

/** A row as text; NULL is null. Rows of one statement have the same `columns`. */
export interface Row {
  readonly columns: ReadonlyArray<Pg.Column>
  readonly values: ReadonlyArray<string | null>
}

export interface PostgresOptions extends Client.CommonOptions {
  /** Who we are, and what else sessions begin with, such as `database`. */
  readonly settings: { readonly user: string; readonly [parameter: string]: string }
  readonly password?: Redacted.Redacted
  /** Statements for every new connection, such as `listen news`. */
  readonly first?: string
}

type Message = Pg.Backend | Pg.Encryption
type Session = Client.Session<Message, Message, Client.Numbered<never>>
type Columns = ReadonlyArray<Pg.Column>
type Parameters = ReadonlyArray<string | null>
const utf8 = new TextEncoder()
const text = new TextDecoder()
const bytesOf = (parameter: string | null): Uint8Array | null => parameter === null ? null : utf8.encode(parameter)
const keys = new WeakMap<object, Pg.BackendKeyData>()
const running = new WeakSet<object>()
const nothing = { reason: "nothing (more) to copy" }

const errorOf = ({ fields }: Pg.ErrorResponse | Pg.NoticeResponse): PostgresError => {
  const told: { [T in Pg.Field["_tag"]]?: Extract<Pg.Field, { _tag: T }> } = Object.fromEntries(fields.map((one) => [one._tag, one]))
  const [severity = "", code = "", message = ""] = [told.SeverityInEnglish?.text, told.SqlState?.code, told.Message?.text]
  return new PostgresError({ severity, code, message, detail: told.Detail?.text, position: told.Position?.position })
}
const rowOf = (columns: Columns, answer: Message): readonly [Columns, ReadonlyArray<Row>] => {
  if (answer._tag !== "DataRow") return [answer._tag === "RowDescription" ? answer.columns : columns, []]
  return [columns, [{ columns, values: answer.columns.map((one) => one === null ? null : text.decode(one)) }]]
}
const tagsOf = <E>(answers: Stream.Stream<Message, E>) =>
  Stream.runCollect(Stream.map(Stream.filter(answers, (one) => one._tag === "CommandComplete"), ({ tag }) => tag))

const extended = (query: string, parameters: Parameters) => [
  Client.packet(Pg.Parse, { statement: "", query, parameterTypes: [] }),
  Client.packet(Pg.Bind, { portal: "", statement: "", parameterFormats: [], parameters: parameters.map(bytesOf), resultFormats: [] }),
  Client.packet(Pg.Describe, { target: Pg.Target.portal, name: "" }),
  Client.packet(Pg.Execute, { portal: "", maximumRows: 0 }),
  // of no effect unless the server waits for data, and then it would pass over Sync
  Client.packet(Pg.CopyFail, nothing)
]

/** Sends a statement, and has its answers. `copy`: what to do when the server waits for data. */
const ask = ({ connection, send, stream }: Session, query: string, parameters?: Parameters, copy?: Effect.Effect<unknown>) =>
  Stream.suspend(() => {
    running.add(connection)
    const answers = parameters === undefined
      ? stream(Pg.Query, { query }, copy && { timeout: "Infinity" })
      : stream(Pg.Sync, {}, { preceding: extended(query, parameters) })
    return Stream.tap(answers, (answer): Effect.Effect<unknown, PostgresError | Client.CallError> => {
      if (answer._tag === "CopyInResponse") return copy ?? send(Pg.CopyFail, nothing)
      if (answer._tag === "ReadyForQuery" || answer._tag === "ErrorResponse") running.delete(connection)
      return answer._tag === "ErrorResponse" ? Effect.fail(errorOf(answer)) : Effect.void
    })
  })

/** Asks for the end of what still runs, over a connection of its own, and waits for it. */
const quit = ({ connection, stream }: Session, options: PostgresOptions) =>
  Effect.gen(function*() {
    if (!running.delete(connection) || connection.closed !== undefined) return
    const passedOn = yield* Deferred.make<void>()
    const onClose = () => Deferred.doneUnsafe(passedOn, Effect.void)
    const other = yield* PacketConnection.make<Message, Message>({ ...options, protocol: Pg.client, onClose })
    yield* other.send((writer) => Pg.encodeCancelRequest(writer, keys.get(connection)!))
    yield* Effect.timeout(Deferred.await(passedOn), "5 seconds")
    yield* Stream.runDrain(stream(Pg.Sync))
  }).pipe(Effect.scoped, Effect.catch(() => Effect.sync(() => connection.stalled("end of a cancelled statement", 5_000))))

const statements = <E>(reserve: Effect.Effect<Session, E, Scope.Scope>, options: PostgresOptions) => {
  const alone = Effect.tap(reserve, (session) => Effect.addFinalizer(() => quit(session, options)))
  const run = (sql: string, parameters?: Parameters) => Stream.unwrap(Effect.map(alone, (session) => ask(session, sql, parameters)))
  return {
    /** Rows of a statement, or of several without parameters. A slow reader slows the server down. */
    query: (sql: string, parameters?: Parameters) => Stream.mapAccum(run(sql, parameters), (): Columns => [], rowOf),
    /** What statements did, such as `INSERT 0 1`. */
    execute: (sql: string, parameters?: Parameters) => tagsOf(run(sql, parameters)),
    /** What COPY TO STDOUT sends. */
    copyTo: (sql: string) => Stream.map(Stream.filter(run(sql), (one) => one._tag === "BackendCopyData"), ({ data }) => data),
    /** COPY FROM STDIN, which may take as long as the source does. When the source fails, nothing was copied. */
    copyFrom: <F>(sql: string, source: Stream.Stream<Uint8Array, F>) =>
      Effect.scoped(Effect.gen(function*() {
        const session = yield* alone
        let fed: Exit.Exit<void, F | Client.CallError> = Exit.void
        const feed = Stream.runForEach(source, (data) => session.send(Pg.CopyData, { data })).pipe(Effect.onExit((exit) => {
          fed = exit
          const encode = Exit.isSuccess(exit) ? Pg.encodeCopyDone : Pg.encodeCopyFail
          return Effect.sync(() => session.connection.begin(new Unanswered((writer) => encode(writer, nothing))))
        }))
        const answers = ask(session, sql, undefined, Effect.forkIn(feed, yield* Effect.scope))
        return yield* Effect.catch(tagsOf(answers), (error) => Effect.andThen(fed, Effect.fail(error)))
      }))
  }
}

/** Connects, and says who we are. Closes with the scope. */
export const make = (options: PostgresOptions) =>
  Effect.gen(function*() {
    const { first, password = Redacted.make(""), settings } = options
    const parameters = Object.entries({ ...settings, client_encoding: "UTF8" }).map(([name, value]) => ({ name, value }))
    const reported = new Map<string, string>()
    const begin = (session: Session) =>
      Effect.gen(function*() {
        const statuses = yield* session.listen(Pg.ParameterStatus)
        yield* Effect.forkScoped(Stream.runForEach(statuses, (one) => Effect.sync(() => reported.set(one.parameter, one.value))))
        const authenticate = scram(session, password)
        const greeting = session.stream(Pg.StartupMessage, { minorVersion: 0, parameters })
        yield* Stream.runForEach(greeting, (answer): Effect.Effect<void, PostgresError | Effect.Error<ReturnType<typeof authenticate>>> => {
          if (answer._tag === "ErrorResponse") return Effect.fail(errorOf(answer))
          if (answer._tag === "BackendKeyData") keys.set(session.connection, answer)
          const isPlain = answer._tag === "AuthenticationCleartextPassword"
          return isPlain ? session.send(Pg.PasswordMessage, { password: Redacted.value(password) }) : authenticate(answer)
        })
        if (first !== undefined) yield* Stream.runDrain(ask(session, first))
      })
    const client = yield* Client.make(Pg, { ...options, begin })
    const pooled = statements(client.reserve, options)
    return {
      ...pooled,
      /** Statements on one connection, all of them or none: fails when one of them did, whoever caught that. */
      transaction: <A, E, R>(use: (one: typeof pooled) => Effect.Effect<A, E, R>) =>
        Effect.scoped(Effect.flatMap(client.reserve, (session) => {
          const one = statements(Effect.as(Semaphore.makeUnsafe(1).takeScoped(1), session), options)
          const all = Effect.tap(Effect.andThen(one.execute("begin"), use(one)), one.execute("select 1"))
          return Effect.onExit(all, (exit) => one.execute(Exit.isSuccess(exit) ? "commit" : "rollback"))
        })),
      /** What the server reported last, such as `server_version`. */
      parameters: reported as ReadonlyMap<string, string>,
      notices: Stream.map(client.pushes(Pg.NoticeResponse), errorOf),
      /** What comes over channels that statements listen to; lost on a connection that is lost. */
      notifications: client.pushes(Pg.NotificationResponse),
      client
    }
  })

export type Postgres = Effect.Success<ReturnType<typeof make>>
