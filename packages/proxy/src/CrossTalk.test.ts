/** No answer of one client is ever another's, whatever they speak, while what is behind the proxy goes and comes back. */
import { serveMemcachedNode } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Net from "node:net"
import { describe, expect, it } from "vitest"
import { crossTalk, nothingSeen } from "./CrossTalk.fixture.ts"
import { serveProxy } from "./Proxy.ts"

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** A memcached in memory on one port that ends and begins anew, empty. */
const comingAndGoing = async (use: (port: number, restart: () => Promise<void>) => Promise<void>): Promise<void> => {
  let port = 0
  let scope = Scope.makeUnsafe()
  const start = async (): Promise<void> => {
    const { server } = await Effect.runPromise(Scope.provide(serveMemcachedNode({ port }), scope))
    port = server.port
  }
  const stop = () => Effect.runPromise(Scope.close(scope, Exit.void))
  await start()
  try {
    await use(port, async () => {
      await stop()
      scope = Scope.makeUnsafe()
      await start()
    })
  } finally {
    await stop()
  }
}

describe("20 clients of three protocols", () => {
  for (const protocol of ["auto", "meta", "text", "binary"] as const) {
    it(`in front of a memcached that is asked by ${protocol}`, () =>
      comingAndGoing((port, restart) =>
        Effect.runPromise(Effect.scoped(Effect.gen(function*() {
          const proxy = yield* serveProxy({ upstream: `memcached://127.0.0.1:${port}?protocol=${protocol}` })
          yield* Effect.promise(async () => {
            let over = false
            const seen = nothingSeen()
            const working = crossTalk(proxy.port, 20, seen, () => over)
            for (let round = 0; round < 4; round++) {
              // it is there again once something is found in it
              const enough = seen.hits + 50
              for (let i = 0; i < 1_000 && seen.hits < enough && seen.crossed.length === 0; i++) await pause(10)
              await restart()
            }
            over = true
            await working
            expect(seen.crossed).toEqual([])
            expect(seen.hits).toBeGreaterThanOrEqual(200)
            expect(seen.closed + seen.refused).toBeGreaterThan(0)
          })
        })))
      ))
  }
})

it("a server that gives one client's value to another is found out, in every protocol", async () => {
  const server = Net.createServer((socket) => {
    socket.on("error", () => {}).on("data", (data) => {
      if (data[0] === 0x80) {
        const answer = Buffer.alloc(24 + 4 + 5)
        answer[0] = 0x81
        answer.writeUInt32BE(9, 8)
        answer.writeUInt32BE(data.readUInt32BE(12) + 1, 12)
        socket.write(answer)
      } else if (data.toString().startsWith("mg")) socket.write("VA 1 kkey-99-1 O1\r\nx\r\n")
      else socket.write("VALUE key-99-1 0 1\r\nx\r\nEND\r\n")
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const seen = nothingSeen()
  await crossTalk((server.address() as Net.AddressInfo).port, 3, seen, () => false)
  expect(seen.crossed.map((one) => one.split(":")[0]).sort()).toEqual(["binary", "meta", "text"])
  server.close()
})
