/**
 * Time and chance come from Effect's Clock and Random, so that whatever waits or draws lots does so in virtual time and from a seed. What is
 * left of the machine's own is named here, each with its reason; a reason that nothing needs any more is a complaint too.
 */
import { type Complaints, withoutComments } from "./Rules.ts"
import type { Module } from "./Sources.ts"

/** Packages whose behaviour must be the same again with the same clock and seed. */
const timed = ["connection", "memcached", "couchbase", "dcp", "deepstream", "embedded", "proxy", "testing"].map((name) =>
  `@wirewright/${name}`
)

/** The machine's clock, timers and chance; and fibres that are begun without the Clock of whoever begins them. */
const uses =
  /\b(performance\.(?:now|timeOrigin)|Date\.now|new Date\(\)|setTimeout|setInterval|hrtime|Math\.random|randomBytes|randomFill(?:Sync)?|randomInt|randomUUID|getRandomValues|Effect\.run(?:Fork|Sync|SyncExit|Promise|PromiseExit)(?=\())/g

/** What may be used where, and why. */
export interface Allowance {
  readonly path: string
  readonly uses: ReadonlyArray<string>
  readonly why: string
}

export const allowances: ReadonlyArray<Allowance> = [
  {
    path: "packages/connection/src/Timers.ts",
    uses: ["performance.now", "Date.now", "setTimeout", "setInterval"],
    why: "this is where the live clock's timers are made"
  },
  {
    path: "packages/couchbase/src/ScramCrypto.ts",
    uses: ["randomBytes"],
    why: "a nonce must not be guessed; `scramNonce` puts another in its place"
  },
  {
    path: "packages/embedded/src/Users.ts",
    uses: ["randomBytes"],
    why: "nonces, salts and the key of password digests must not be guessed; `saslRandom` puts others in the place of those that are sent"
  },
  {
    path: "packages/deepstream/src/EndOfTick.ts",
    uses: ["setTimeout"],
    why: "a later turn of the event loop where there is no other way to it: order, not time"
  },
  {
    path: "packages/deepstream/src/Driver.ts",
    uses: ["Effect.runSync"],
    why: "sets a reference within a callback of the socket; nothing waits"
  },
  {
    path: "packages/couchbase/src/KvScan.ts",
    uses: ["Effect.runFork"],
    why: "sends one request, whose time is its connection's; nothing else waits"
  },
  {
    path: "packages/dcp/src/DcpConnection.ts",
    uses: ["Effect.runFork"],
    why: "sends one request, whose time is its connection's; nothing else waits"
  },
  {
    path: "packages/embedded/src/ManagementServer.ts",
    uses: ["setTimeout"],
    why: "HTTP over sockets alone, beside the limits of Node's own server, which know no other clock"
  },
  {
    path: "packages/testing/src/VirtualTime.ts",
    uses: ["setTimeout", "setInterval", "hrtime", "randomBytes", "randomFillSync", "randomUUID", "getRandomValues", "Effect.runFork"],
    why: "puts others in their place for the whole process"
  }
]

/** What decides by the machine's clock or chance and is not allowed; and allowances that nothing needs. */
export const clockUses = (modules: ReadonlyArray<Module>, allowed: ReadonlyArray<Allowance> = allowances): Complaints => {
  const found = modules.filter(({ generated, owner, test }) => !generated && !test && timed.includes(owner)).flatMap(({ path, text }) =>
    [...new Set(Array.from(withoutComments(text).matchAll(uses), ([use]) => use))].map((use) => ({ path, use }))
  )
  const mayUse = ({ path, use }: { readonly path: string; readonly use: string }) =>
    allowed.some((one) => one.path === path && one.uses.includes(use))
  const needed = (path: string, use: string) => found.some((one) => one.path === path && one.use === use)
  return [
    ...found.filter((one) => !mayUse(one)).map(({ path, use }) => `${path}: ${use} is not Effect's Clock or Random`),
    ...allowed.flatMap(({ path, uses }) =>
      uses.filter((use) => !needed(path, use)).map((use) => `${path}: is allowed ${use}, which it does not use`)
    )
  ]
}
