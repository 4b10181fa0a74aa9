/** `conform` against servers with a planted fault each, and one without: what is found, what shows it, and how it ends. */
import * as Effect from "effect/Effect"
import * as Net from "node:net"
import { afterEach, describe, expect, it } from "vitest"
import { ndjson } from "../test/RunCli.ts"
import { runHere } from "../test/RunHere.ts"

/** What a server does with a request: the bytes of its answers, or it ends the connection, or itself. */
type Serve = (request: Buffer, answer: Buffer) => ReadonlyArray<Buffer> | "close" | "crash"

const noop = 0x0a
const version = 0x0b

/** The answer that fits: of the command and the number, without content, "unknown command" unless it is one of the two that it knows. */
const rightAnswer = (request: Buffer): Buffer => {
  const answer = Buffer.alloc(24)
  answer[0] = 0x81
  answer[1] = request[1]!
  request.copy(answer, 12, 12, 16)
  if (request[1] !== noop && request[1] !== version) answer.writeUInt16BE(0x81, 6)
  if (request[1] !== version) return answer
  answer.writeUInt32BE(1, 8)
  return Buffer.concat([answer, Buffer.from("1")])
}

const servers: Array<() => void> = []
afterEach(() => {
  for (const stop of servers.splice(0)) stop()
})

/** A server of the binary protocol, which answers everything, with one fault. `again`: it is started again after it ended, and told so. */
const faulty = async (serve: Serve, again?: () => void): Promise<string> => {
  const sockets = new Set<Net.Socket>()
  const stop = (): void => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  const crash = (): void => {
    if (again !== undefined) {
      const { port } = server.address() as Net.AddressInfo
      server.once("close", () => {
        again()
        setTimeout(() => server.listen(port, "127.0.0.1"), 200)
      })
    }
    stop()
  }
  const server = Net.createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    let bytes = Buffer.alloc(0)
    socket.on("error", () => {}).on("close", () => sockets.delete(socket)).on("data", (chunk) => {
      bytes = Buffer.concat([bytes, chunk])
      while (bytes.length >= 24) {
        const size = 24 + bytes.readUInt32BE(8)
        if (bytes[0] !== 0x80 && bytes[0] !== 0x08) return void socket.destroy()
        if (size > bytes.length) return
        const request = bytes.subarray(0, size)
        bytes = bytes.subarray(size)
        const done = serve(request, rightAnswer(request))
        if (done === "close") return void socket.destroy()
        if (done === "crash") return crash()
        for (const one of done) socket.write(one)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  servers.push(stop)
  return `127.0.0.1:${(server.address() as Net.AddressInfo).port}`
}

interface Finding {
  readonly finding: string
  readonly packet: string
  readonly sent: ReadonlyArray<{ readonly packet: string; readonly hex: string }>
  readonly reproduced: boolean
}

const play = async (serve: Serve, ...more: ReadonlyArray<string>) => {
  const args = ["conform", await faulty(serve), "--protocol", "memcached", "--count", "8", "--timeout", "120", "--json", ...more]
  const { code, err, out } = await Effect.runPromise(runHere(args))
  return { code, err, found: ndjson(out) as unknown as ReadonlyArray<Finding> }
}

const isNoop = (request: Buffer): boolean => request[1] === noop
const isVersion = (request: Buffer): boolean => request[1] === version

describe("conform", () => {
  it("finds nothing where nothing is wrong", async () => {
    const { code, err, found } = await play((_, answer) => [answer])
    expect(found).toEqual([])
    expect({ code, err }).toMatchObject({
      code: 0,
      err: expect.stringMatching(/^8 conversations, \d+ packets sent, \d+ packets received: 0 findings/)
    })
  })

  it("does not take a server for gone that lets some requests fall", async () => {
    let requests = 0
    const { err } = await play(
      (request, answer) => {
        if (isVersion(request)) answer.writeUInt16BE(0x7abc, 6)
        return requests++ % 2 === 1 ? [] : [answer]
      },
      "--length",
      "3"
    )
    expect(err).toMatch(/^8 conversations/)
    expect(err).not.toContain("the server is gone")
  })

  const planted: ReadonlyArray<readonly [fault: string, packet: string, serve: Serve]> = [
    ["AnsweredTwice", "VersionResponse", (request, answer) => isVersion(request) ? [answer, answer] : [answer]],
    ["WrongCorrelation", "VersionResponse", (request, answer) => {
      if (isVersion(request)) answer[15]! ^= 0x40
      return [answer]
    }],
    ["AnswerToNobody", "VersionResponse", (request, answer) => {
      const other = rightAnswer(Buffer.from(request).fill(version, 1, 2))
      return isNoop(request) ? [answer, other] : [answer]
    }],
    ["NoAnswer", "Version", (request, answer) => isVersion(request) ? [] : [answer]],
    ["Closed", "Version", (request, answer) => isVersion(request) ? "close" : [answer]],
    ["UnknownStatus", "ErrorResponse", (request, answer) => {
      if (isVersion(request)) answer.writeUInt16BE(0x7abc, 6)
      return [answer]
    }],
    ["Undecodable", "Mcbp", (request, answer) => isVersion(request) ? [Buffer.from("ERROR\r\n")] : [answer]],
    ["Crash", "", (request, answer) => isVersion(request) ? "crash" : [answer]]
  ]

  it.each(planted)("finds %s, and the packet that shows it", async (fault, packet, serve) => {
    const { code, found } = await play(serve)
    const one = found.find(({ finding }) => finding === fault)
    expect(one, JSON.stringify(found)).toMatchObject({ finding: fault, packet })
    expect(code).toBe(100)
    // where several are on their way, an answer to nobody may be one with a wrong number
    const others = found.filter(({ finding }) => finding !== fault && !(fault === "AnswerToNobody" && finding === "WrongCorrelation"))
    expect(others).toEqual([])
    if (fault === "Crash") return
    expect(one!.reproduced).toBe(true)
    expect(one!.sent).toHaveLength(1)
    expect(one!.sent[0]!.hex.slice(2, 4)).toBe(fault === "AnswerToNobody" ? "0a" : "0b")
  })

  it("finds a server that no longer answers anybody", async () => {
    let isStuck = false
    const { found } = await play((request, answer) => {
      isStuck ||= isVersion(request)
      return isStuck ? [] : [answer]
    })
    expect(found.map(({ finding }) => finding)).toContain("Hang")
  })

  it("shows what ends a server from its beginning, whatever earlier conversations have left there", async () => {
    const [flush, stat] = [0x08, 0x10]
    let flushed = false
    const serve: Serve = (request, answer) => {
      if (request[1] === stat && flushed) return "crash"
      flushed ||= request[1] === flush
      return [answer]
    }
    const address = await faulty(serve, () => (flushed = false))
    const args = ["conform", address, "--protocol", "memcached", "--count", "40", "--timeout", "120", "--wait", "5", "--json"]
    const { out } = await Effect.runPromise(runHere(args))
    const crashes = (ndjson(out) as unknown as ReadonlyArray<Finding>).filter(({ finding }) => finding === "Crash")
    expect(crashes.map(({ reproduced, sent }) => [reproduced, sent.map(({ hex }) => Number.parseInt(hex.slice(2, 4), 16))])).toEqual([
      [true, [flush, stat]]
    ])
  })

  it("says the same for the same seed, and another thing for another", async () => {
    const serve: Serve = (request, answer) => isVersion(request) ? [answer, answer] : [answer]
    const [one, again, other] = [await play(serve), await play(serve), await play(serve, "--seed", "9")]
    expect(again.found).toEqual(one.found)
    expect(other.found[0]!.sent).not.toEqual(one.found[0]!.sent)
  })

  it("plays what was asked for first, and ends with 69 where nobody listens", async () => {
    const first = "800b00000000000000000000000000630000000000000000"
    const { found } = await play((request, answer) => isNoop(request) ? [answer, answer] : [answer], "--first", first)
    expect(found[0]!.sent.map(({ packet }) => packet)).toContain("first")
    expect(found[0]!.sent[0]!.hex).toBe(first)
    expect((await Effect.runPromise(runHere(["conform", "127.0.0.1:1", "--protocol", "memcached"]))).code).toBe(69)
    expect((await Effect.runPromise(runHere(["conform", "nowhere", "--protocol", "memcached"]))).code).toBe(1)
  })
})
