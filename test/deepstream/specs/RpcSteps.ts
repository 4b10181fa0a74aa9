/** Steps about remote procedures. */
import { RpcRejected } from "@wirewright/deepstream"
import type { DeepstreamError } from "@wirewright/deepstream"
import { Deferred, Effect, Exit } from "effect"
import { expect, expectOnce, type Step, step } from "./Steps.ts"
import { sent, type World } from "./World.ts"

type Answer = Deferred.Deferred<string, Error | RpcRejected>

const respond = (world: World, name: string, settle: (answer: Answer) => Effect.Effect<boolean>): Effect.Effect<void> =>
  Effect.suspend(() => {
    const answer = world.list<Answer>(`answers of ${name}`).shift()
    expect(answer !== undefined, () => `nobody asked for ${name}`)
    return Effect.andThen(settle(answer!), sent)
  })

export const rpcSteps: ReadonlyArray<Step> = [
  step(/^the client requests RPC "(\w*)" with data "(\w*)"$/, (world, name = "", data) => {
    const results = world.list<Exit.Exit<unknown, DeepstreamError>>(`results of ${name}`)
    return Effect.andThen(world.fork(`request ${name}`, world.ds.rpc.request(name, data), (exit) => results.push(exit)), sent)
  }),
  step(
    /^the client recieves a successful RPC callback for "(\w*)" with data "(\w*)"$/,
    (world, name = "", data) => expectOnce(world, `results of ${name}`, Exit.succeed(data))
  ),
  step(/^the client recieves an error RPC callback for "(\w*)" with the message "([^"]*)"$/, (world, name = "", message) => {
    const results = world.list<Exit.Exit<unknown, DeepstreamError>>(`results of ${name}`)
    for (const exit of results.splice(0)) {
      const words = Exit.isFailure(exit)
        ? exit.cause.reasons.map((reason) =>
          // a provider's own words, or deepstream's name for what went wrong
          reason._tag !== "Fail" ? reason._tag : reason.error.reason._tag === "RpcFailed" ? reason.error.message : reason.error.code
        )
        : ["success"]
      world.list(`errors of ${name}`).push(...words)
    }
    expectOnce(world, `errors of ${name}`, message)
  }),
  step(/^the client provides a RPC called "(\w*)"$/, (world, name = "") => {
    const asked = world.list<unknown>(`requests of ${name}`)
    const answers = world.list<Answer>(`answers of ${name}`)
    const provide = world.ds.rpc.provide(name, (value) =>
      Effect.flatMap(Deferred.make<string, Error | RpcRejected>(), (answer) => {
        asked.push(value)
        answers.push(answer)
        return Deferred.await(answer)
      }), { accept: "immediately" })
    return Effect.andThen(world.fork(`provider ${name}`, provide), sent)
  }),
  step(/^the client stops providing a RPC called "(\w*)"$/, (world, name = "") => Effect.andThen(world.stop(`provider ${name}`), sent)),
  step(
    /^the client recieves a request for a RPC called "(\w*)" with data "(\w*)"$/,
    (world, name = "", data) => expectOnce(world, `requests of ${name}`, data)
  ),
  step(
    /^the client responds to the RPC "(\w*)" with data "(\w*)"$/,
    (world, name = "", data = "") => respond(world, name, (answer) => Deferred.succeed(answer, data))
  ),
  step(
    /^the client responds to the RPC "(\w*)" with the error "([^"]*)"$/,
    (world, name = "", message) => respond(world, name, (answer) => Deferred.fail(answer, new Error(message)))
  ),
  step(
    /^the client rejects the RPC "(\w*)"$/,
    (world, name = "") => respond(world, name, (answer) => Deferred.fail(answer, new RpcRejected()))
  )
]
