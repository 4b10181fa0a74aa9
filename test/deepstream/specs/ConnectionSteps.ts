/** Steps about the client's connection, its login and its errors. */
import type { DeepstreamError } from "@wirewright/deepstream"
import { Effect, Exit, SubscriptionRef } from "effect"
import { expectSame, type Step, step, expect } from "./Steps.ts"
import { pass, sent } from "./World.ts"

export const connectionSteps: ReadonlyArray<Step> = [
  step(/^the client is initialised$/, (world) => Effect.andThen(world.startClient(), sent)),
  step(
    /^the client is initialised with a small heartbeat interval$/,
    (world) => Effect.andThen(world.startClient({ heartbeatInterval: 500, recordReadTimeout: 260 }), sent)
  ),
  step(/^the client logs in with username "(\w*)" and password "(\w*)"$/, (world, username, password) => {
    const logins = world.list<Exit.Exit<unknown, DeepstreamError>>("logins")
    return Effect.andThen(
      world.fork("login", world.ds.login({ username, password }), (exit) => {
        logins.push(exit)
        if (Exit.isSuccess(exit)) return
        for (const reason of exit.cause.reasons) {
          // a client that is closed throws; a login that is refused is told to whoever logs in
          if (reason._tag === "Fail" && reason.error.reason._tag === "Closed") world.throw(reason.error.reason)
        }
      }),
      sent
    )
  }),
  step(/^the last login was successful$/, (world) => {
    const last = world.list<Exit.Exit<unknown, DeepstreamError>>("logins").at(-1)
    expect(last !== undefined && Exit.isSuccess(last), () => "the last login was not successful")
  }),
  step(/^the last login failed with error message "(.*)"$/, (world, message) => {
    const last = world.list<Exit.Exit<unknown, DeepstreamError>>("logins").at(-1)
    expect(last !== undefined && Exit.isFailure(last), () => "the last login did not fail")
    if (last === undefined || !Exit.isFailure(last)) return
    expectSame(last.cause.reasons.map((reason) => reason._tag === "Fail" ? reason.error.message : reason._tag), [message], "login")
  }),
  step(
    /^the clients connection state is "(\w*)"$/,
    (world, state) => Effect.map(SubscriptionRef.get(world.ds.state), (actual) => expectSame(actual, state, "state"))
  ),
  step(/^the client throws a "(\w*)" error with message "(.*)"$/, (world, code = "", message = "") => {
    expectSame(world.thrown.at(-1), { code, message }, "last error")
    world.asserted.add(`${code} ${message}`)
  }),
  step(/^some time passes$/, () => pass(200)),
  step(/^two seconds later$/, () => pass(2000))
]
