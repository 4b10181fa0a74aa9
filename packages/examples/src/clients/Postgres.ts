/**
 * A PostgreSQL client on the runtime: rows and COPY as Streams, each statement on a connection that it has to itself. What nobody waits for any
 * more is cancelled, and its connection goes on.
 */
import { Client, PacketConnection } from "@wirewright/connection"
import { Data, Deferred, Effect, Exit, Redacted, type Scope, Semaphore, Stream } from "effect"
import * as Pg from "../gallery/postgres/index.ts"
import { scram } from "./PostgresScram.ts"

/** What the server reports. `code` is its SQLSTATE, `position` the character of the statement that it is about, from 1. */
export class PostgresError extends Data.TaggedError("PostgresError")<{
  readonly severity: string
  readonly code: string
  readonly message: string
  readonly detail: string | undefined
  readonly position: number | undefined
}> {}

/** The server asks for what is not spoken here. */
export class AuthenticationUnsupported extends Data.TaggedError("AuthenticationUnsupported")<{ readonly method: string }> {}

/** A row as text; NULL is null. Rows of one statement have the same `columns`. */
export interface Row {
  readonly columns: ReadonlyArray<Pg.Column>
  readonly values: ReadonlyArray<string | null>
}

/** Options of a client. Default: user and database `postgres`, no password */
export interface PostgresOptions extends Client.CommonOptions {
  readonly user?: string
  readonly database?: string
  readonly password?: Redacted.Redacted
}

type Message = Pg.Backend | Pg.Encryption
type Session = Client.Session<Message, Message, Client.Numbered<never>>
type Columns = ReadonlyArray<Pg.Column>

const utf8 = new TextEncoder()
const text = new TextDecoder()
const keys = new WeakMap<object, Pg.BackendKeyData>()
const running = new WeakSet<object>()

const errorOf = ({ fields }: Pg.ErrorResponse | Pg.NoticeResponse): PostgresError => {
  const told: { readonly [T in Pg.Field["_tag"]]?: Extract<Pg.Field, { _tag: T }> } = Object.fromEntries(
    fields.map((one) => [one._tag, one])
  )
  const { Detail, Message, Position, Severity, SeverityInEnglish = Severity, SqlState } = told
  const [severity = "", code = "", message = ""] = [SeverityInEnglish?.text, SqlState?.code, Message?.text]
  return new PostgresError({ severity, code, message, detail: Detail?.text, position: Position?.position })
}

const greet = (session: Session, { database = "postgres", password = Redacted.make(""), user = "postgres" }: PostgresOptions) => {
  const sasl = scram(session, password)
  const parameters = Object.entries({ user, database, client_encoding: "UTF8" }).map(([name, value]) => ({ name, value }))
  type Failure = Client.CallError | PostgresError | AuthenticationUnsupported | Effect.Error<ReturnType<typeof sasl>>
  return Stream.runForEach(
    session.stream(Pg.StartupMessage, { minorVersion: 0, parameters }),
    (answer): Effect.Effect<unknown, Failure> => {
      switch (answer._tag) {
        case "AuthenticationCleartextPassword":
          return session.send(Pg.PasswordMessage, { password: Redacted.value(password) })
        case "AuthenticationSASL":
        case "AuthenticationSASLContinue":
        case "AuthenticationSASLFinal":
        case "AuthenticationOk":
          return sasl(answer)
        case "BackendKeyData":
          return Effect.sync(() => keys.set(session.connection, answer))
        case "ErrorResponse":
          return Effect.fail(errorOf(answer))
        case "NegotiateProtocolVersion":
        case "ReadyForQuery":
          return Effect.void
        default:
          return Effect.fail(new AuthenticationUnsupported({ method: answer._tag }))
      }
    }
  )
}

/** Asks for the end of what runs, over a connection of its own, and waits for it. */
const cancel = ({ connection, stream }: Session, options: PostgresOptions) =>
  Effect.gen(function*() {
    const passedOn = yield* Deferred.make<void>()
    const onClose = () => Deferred.doneUnsafe(passedOn, Effect.void)
    const other = yield* PacketConnection.make<Message, Message>({ ...options, protocol: Pg.client, onClose })
    yield* other.sendOnly((writer) => Pg.encodeCancelRequest(writer, keys.get(connection)!))
    yield* Effect.timeout(Deferred.await(passedOn), "5 seconds")
    yield* Stream.runDrain(stream(Pg.Sync))
  }).pipe(Effect.scoped, Effect.catch(() => Effect.sync(() => connection.stalled("end of a cancelled statement", 5_000))))

/** Sends a statement, and has its answers. `copy`: what to do when the server waits for data. */
const ask = (session: Session, query: string, values?: ReadonlyArray<string | null>, copy?: Effect.Effect<unknown>) =>
  Stream.suspend(() => {
    const portal = { portal: "", statement: "" }
    const parameters = values?.map((one) => one === null ? null : utf8.encode(one))
    const answers = parameters === undefined
      ? session.stream(Pg.Query, { query }, copy && { timeout: "Infinity" })
      : session.stream(Pg.Sync, {}, {
        preceding: [
          Client.packet(Pg.Parse, { ...portal, query, parameterTypes: [] }),
          Client.packet(Pg.Bind, { ...portal, parameterFormats: [], parameters, resultFormats: [] }),
          Client.packet(Pg.Describe, { target: Pg.Target.portal, name: "" }),
          Client.packet(Pg.Execute, { ...portal, maximumRows: 0 })
        ]
      })
    running.add(session.connection)
    return Stream.tap(answers, (answer): Effect.Effect<unknown, PostgresError | Client.CallError> => {
      if (answer._tag === "CopyInResponse") return copy ?? session.send(Pg.CopyFail, { reason: "nothing to copy" })
      if (answer._tag === "ReadyForQuery" || answer._tag === "ErrorResponse") running.delete(session.connection)
      return answer._tag === "ErrorResponse" ? Effect.fail(errorOf(answer)) : Effect.void
    })
  })

const rowOf = (columns: Columns, answer: Message): readonly [Columns, ReadonlyArray<Row>] => {
  if (answer._tag === "RowDescription") return [answer.columns, []]
  if (answer._tag !== "DataRow") return [columns, []]
  return [columns, [{ columns, values: answer.columns.map((one) => one === null ? null : text.decode(one)) }]]
}

const tagsOf = <E>(answers: Stream.Stream<Message, E>) =>
  Stream.runCollect(Stream.map(Stream.filter(answers, (one) => one._tag === "CommandComplete"), ({ tag }) => tag))

const statements = <E>(reserve: Effect.Effect<Session, E, Scope.Scope>, options: PostgresOptions) => {
  const alone = Effect.tap(
    reserve,
    (session) =>
      Effect.addFinalizer(() =>
        running.delete(session.connection) && session.connection.closed === undefined ? cancel(session, options) : Effect.void
      )
  )
  const run = (sql: string, parameters?: ReadonlyArray<string | null>) =>
    Stream.unwrap(Effect.map(alone, (session) => ask(session, sql, parameters)))
  return {
    /** Rows of one statement, or of several without parameters. A slow reader slows the server down. */
    query: (sql: string, parameters?: ReadonlyArray<string | null>) => Stream.mapAccum(run(sql, parameters), (): Columns => [], rowOf),
    /** What statements did, such as `INSERT 0 1`. */
    execute: (sql: string, parameters?: ReadonlyArray<string | null>) => tagsOf(run(sql, parameters)),
    /** What COPY TO STDOUT sends. */
    copyTo: (sql: string) => Stream.map(Stream.filter(run(sql), (one) => one._tag === "BackendCopyData"), ({ data }) => data),
    /** COPY FROM STDIN, which may take as long as the source does. When the source fails, nothing was copied. */
    copyFrom: <F>(sql: string, source: Stream.Stream<Uint8Array, F>) =>
      Effect.scoped(Effect.gen(function*() {
        const session = yield* alone
        let fed: Exit.Exit<void, F | Client.CallError> = Exit.void
        const feed = Stream.runForEach(source, (data) => session.send(Pg.CopyData, { data })).pipe(
          Effect.onExit((exit) =>
            Effect.ignore(
              Exit.isSuccess(fed = exit) ? session.send(Pg.CopyDone) : session.send(Pg.CopyFail, { reason: "the source failed" })
            )
          )
        )
        const answers = ask(session, sql, undefined, Effect.forkIn(feed, yield* Effect.scope))
        return yield* Effect.catch(tagsOf(answers), (error) => Effect.andThen(fed, Effect.fail(error)))
      }))
  }
}

const open = (options: PostgresOptions, parameters = new Map<string, string>(), first = () => "") => {
  const begin = (session: Session) =>
    Effect.gen(function*() {
      const statuses = yield* session.listen(Pg.ParameterStatus)
      yield* Effect.forkScoped(Stream.runForEach(statuses, (one) => Effect.sync(() => parameters.set(one.parameter, one.value))))
      yield* greet(session, options)
      if (first() !== "") yield* Stream.runDrain(ask(session, first()))
    })
  return Client.make(Pg, { ...options, begin })
}

/** Connects, and says who we are. Closes with the scope. */
export const make = (options: PostgresOptions) =>
  Effect.gen(function*() {
    const parameters = new Map<string, string>()
    const client = yield* open(options, parameters)
    return {
      ...statements(client.reserve, options),
      /** Statements on one connection, all of them or none. */
      transaction: <A, E, R>(use: (statements: Statements) => Effect.Effect<A, E, R>) =>
        Effect.scoped(Effect.gen(function*() {
          const session = yield* client.reserve
          const turns = Semaphore.makeUnsafe(1)
          const one = statements(Effect.as(turns.takeScoped(1), session), options)
          yield* one.execute("begin")
          return yield* Effect.onExit(use(one), (exit) => one.execute(Exit.isSuccess(exit) ? "commit" : "rollback"))
        })),
      /** What the server reported last, such as `server_version`. */
      parameters: parameters as ReadonlyMap<string, string>,
      /** Notices of all statements. */
      notices: Stream.map(client.pushes(Pg.NoticeResponse), errorOf),
      /** Payloads of a channel, over a connection of its own; those that come while there is none are lost. */
      notifications: (channel: string) =>
        Stream.unwrap(Effect.gen(function*() {
          let listen = ""
          const listener = yield* open({ ...options, connections: 1 }, undefined, () => listen)
          const told = yield* listener.listen(Pg.NotificationResponse)
          listen = `listen "${channel.replaceAll("\"", "\"\"")}"`
          yield* statements(listener.reserve, options).execute(listen)
          return Stream.map(told, ({ payload }) => payload)
        })),
      counters: client.counters,
      connections: client.connections
    }
  })

/** Statements, each on a connection that it has to itself. */
export type Statements = ReturnType<typeof statements<Effect.Error<ReturnType<typeof open>>>>

/** A client. */
export type Postgres = Effect.Success<ReturnType<typeof make>>
