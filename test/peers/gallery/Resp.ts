/** RESP2 and RESP3: Debian's redis-server with npm's `redis`, `ioredis`, Debian's redis-cli, and lines written for the recording. */
import { freePort } from "../Memcached.ts"
import { library, recordAll, type Recording, run, type Server, sessions, startServer, using, versionOf } from "./Recording.ts"
import { converse, openSession } from "./Session.ts"
import { openTap, type Tap } from "./Tap.ts"

/** Redis that keeps nothing, knows the user `app` with the password `secret`, and obeys DEBUG. */
export const startRedis = async (): Promise<Server> => startRedisAt(await freePort())

/** The same on a given port. */
export const startRedisAt = async (port: number): Promise<Server> => {
  const user = ["--user", "app", "on", ">secret", "~*", "&*", "+@all"]
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--enable-debug-command", "yes", "--dir", "/tmp", ...user]
  return await startServer("redis-server", args, port)
}

/** The version of the installed redis-server. */
export const redisVersion = (): string => `redis-server ${versionOf("redis-server", "--version")}`

const debugTypes = ["string", "integer", "double", "bignum", "null", "array", "set", "map", "attrib", "push", "verbatim", "true", "false"]

/** A command as an array of bulk strings. */
const command = (...words: ReadonlyArray<string>): string =>
  `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word, "latin1")}\r\n${word}\r\n`).join("")}`

const scripts = [
  "redis.setresp(3); return {double=3.0}",
  "redis.setresp(3); return {double=-1/0}",
  "redis.setresp(3); return {double=1/0}",
  "redis.setresp(3); return {double=0/0}",
  "redis.setresp(3); return {double=1e-300}",
  "redis.setresp(3); return {big_number='-3492890328409238509324850943850943825024385'}",
  "redis.setresp(3); return {map={a=1,b={map={c=true}}}}",
  "redis.setresp(3); return {set={one=true,[2]=true}}",
  "redis.setresp(3); return {verbatim_string={format='mkd',string='# Title\\n\\r\\nText'}}",
  "redis.setresp(3); return {true,false,{},{map={}},{set={}},{double=0.5},'',{1,{2,{3,{4}}}}}",
  "return {err='ERR of a script'}",
  "return {ok='status of a script'}"
]

const ends = (tail: string) => (bytes: Buffer): boolean => bytes.toString("latin1").endsWith(tail)

/** Every command's entry, about 200 kB if it were not cut: the first commands only. */
const manyInfos = command("COMMAND", "INFO", ..."get set append ping lpush zadd xadd eval hello client subscribe sort".split(" "))

const rawConversations = async (tap: Tap): Promise<void> => {
  const inline = [
    "PING\r\n",
    "PING hello\r\n",
    "SET inline 'single quoted'\r\n",
    "SET inline \"with \\x41\\n escapes\"\r\n",
    "GET inline\r\n",
    "\r\nEXISTS inline missing\r\n",
    "PING\nPING\n",
    "GET \"unbalanced\r\n"
  ]
  await tap.record("raw inline commands", converse(...inline))
  await tap.record("raw protocol error: no bulk string", converse("*2\r\n$3\r\nGET\r\n:1\r\n"))
  await tap.record("raw protocol error: bulk length", converse("*1\r\n$-5\r\nPING\r\n"))
  await tap.record("raw protocol error: array length", converse("*99999999999\r\n"))
  await tap.record("raw empty and null arrays", converse("*0\r\n", "*-1\r\n", "PING\r\n"))
  for (const version of ["2", "3"]) {
    const debug = debugTypes.map((type) => command("DEBUG", "PROTOCOL", type))
    await tap.record(`raw DEBUG PROTOCOL, RESP${version}`, converse(command("HELLO", version), ...debug, command("QUIT")))
    const evals = scripts.map((script) => command("EVAL", script, "0"))
    await tap.record(`raw scripts, RESP${version}`, converse(command("HELLO", version), ...evals, command("RESET"), command("QUIT")))
  }
  await tap.record(
    "raw HELLO",
    converse("HELLO\r\n", "HELLO 4\r\n", "HELLO x\r\n", "HELLO 3 AUTH app secret SETNAME raw\r\n", "HELLO 2\r\n")
  )
  await tap.record("raw COMMAND INFO, RESP3", converse(command("HELLO", "3"), manyInfos))
  await tap.record("raw COMMAND INFO, RESP2", converse(manyInfos))
  await tap.record("raw pipeline, byte by byte", async (port) => {
    const session = await openSession(port)
    for (const byte of Buffer.from(command("SET", "slow", "a\r\nb") + command("GET", "slow") + command("ECHO", "end"))) {
      session.send(Uint8Array.of(byte))
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    await session.read(ends("$3\r\nend\r\n"))
    await session.end()
  })
  await tap.record("raw large values, RESP3", async (port) => {
    const session = await openSession(port)
    session.send(command("HELLO", "3"), command("SET", "bulk", "\0\r\n\xff".repeat(2_000)), command("GET", "bulk"), command("ECHO", "end"))
    await session.read(ends("$3\r\nend\r\n"))
    await session.end()
  })
  await tap.record("raw tracking with BCAST, RESP3", async (port) => {
    const session = await openSession(port)
    for (
      const words of ["HELLO 3", "CLIENT TRACKING ON BCAST PREFIX app: NOLOOP", "GET app:1", "CLIENT TRACKINGINFO", "CLIENT CACHING YES"]
    ) {
      session.send(`${words}\r\n`)
      await session.answer()
    }
    const other = await openSession(port)
    other.send("MSET app:1 x app:2 y\r\n")
    await other.answer()
    await session.answer()
    await other.end()
    await session.end()
  })
  await tap.record(
    "raw client no-reply and kill",
    converse("CLIENT REPLY SKIP\r\nPING\r\nPING\r\n", "CLIENT NO-EVICT ON\r\n", "CLIENT KILL SKIPME NO\r\n")
  )
}

/** One process for each command: with standard input it would ask for the documents of all commands first. */
const cli = async (tap: Tap): Promise<void> => {
  for (const flag of ["-2", "-3"]) {
    await tap.record(`redis-cli ${flag}`, async (port) => {
      for (
        const words of ["SET cli 1", "INCR cli", "HSET cli:h a 1", "HGETALL cli:h", "ZADD cli:z 1.5 m", "ZRANGE cli:z 0 -1 WITHSCORES"]
      ) {
        const { code, output } = await run("redis-cli", [flag, "-h", "127.0.0.1", "-p", String(port), ...words.split(" ")])
        if (code !== 0) throw new Error(`redis-cli: ${output}`)
      }
    })
  }
}

/** Records them afresh. */
export const record = (): Promise<Recording> =>
  using(startRedis(), (server) => server.stop(), (server) =>
    using(openTap(server.port), (tap) => tap.close(), async (tap) => {
      await recordAll(tap, "redis", await sessions("redis.mjs"))
      await recordAll(tap, "ioredis", await sessions("ioredis.mjs"))
      await cli(tap)
      await rawConversations(tap)
      return {
        origin: {
          server: redisVersion(),
          clients: [library("redis"), library("ioredis"), `redis-cli ${versionOf("redis-cli", "--version")}`, "raw"],
          recorded: "loopback tap; redis-server has no reply that is a bulk error (`!`) or streamed (`$?`, `*?`, `%?`), so none is here"
        },
        conversations: tap.conversations()
      }
    }))
