/** `--metrics` of `serve` and `proxy`, as processes: where it listens, what probes are told, and what SIGTERM is to whom. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { describe, expect, it } from "vitest"
import { bin, running } from "../test/RunCli.ts"

const ask = async (metrics: string, path: string): Promise<readonly [status: number, text: string]> => {
  const answer = await fetch(`http://${metrics.replace("0.0.0.0", "127.0.0.1")}${path}`)
  return [answer.status, await answer.text()]
}

/** Asks until the answer has this status. */
const until = async (metrics: string, path: string, status: number): Promise<string> => {
  for (let i = 0; i < 400; i++) {
    const [found, text] = await ask(metrics, path)
    if (found === status) return text
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`${path} is not ${status}`)
}

describe("--metrics", () => {
  it.each([[["serve"]], [["serve", "--memcached"]]])("%j", async (args) => {
    const { code } = await running([...args, "--metrics", "0"], async ({ metrics, port }) => {
      expect(metrics).toMatch(/^127\.0\.0\.1:\d+$/)
      expect(await ask(metrics, "/health")).toEqual([200, expect.stringContaining(`server 127.0.0.1:${port}`)])
      expect((await ask(metrics, "/status"))[1]).toContain("\"accepted\":0")
      expect((await ask(metrics, "/metrics"))[1]).toMatch(/^\w+\{.*server_port="\d+".*\} 0$/m)
    })
    expect(code).toBe(0)
  }, 60_000)

  it("proxy: ready while its upstream is, live also while it is not, and reached from elsewhere when asked for", async () => {
    const codes: Array<number | null> = []
    const behind = await running(["serve", "--memcached"], async (upstream, server) => {
      const proxy = await running(
        ["proxy", "--metrics", "0.0.0.0:0", "--upstream", `memcached://127.0.0.1:${upstream.port}`],
        async ({ metrics, port }) => {
          expect(metrics).toMatch(/^0\.0\.0\.0:\d+$/)
          expect(await ask(metrics, "/health/ready")).toEqual([200, expect.stringContaining(`proxy 127.0.0.1:${port}`)])
          server.kill("SIGTERM")
          await once(server, "close")
          expect(await until(metrics, "/health/ready", 503)).toContain(`127.0.0.1:${upstream.port}`)
          expect((await ask(metrics, "/health/live"))[0]).toBe(200)
        }
      )
      codes.push(proxy.code)
    })
    codes.push(behind.code)
    expect(codes).toEqual([0, 0])
  }, 60_000)

  it("tail: SIGTERM is the end that was meant, Ctrl-C an interruption", async () => {
    await running(["serve"], async ({ port }) => {
      const end = async (signal: "SIGINT" | "SIGTERM", ...args: ReadonlyArray<string>): Promise<unknown> => {
        const url = `couchbase://127.0.0.1:${port}/default`
        const child = spawn(process.execPath, [bin, "tail", url, "--metrics", "0", ...args], { stdio: ["ignore", "pipe", "pipe"] })
        await once(child.stderr, "data")
        child.kill(signal)
        return (await once(child, "close"))[0]
      }
      expect(await end("SIGTERM")).toBe(0)
      expect(await end("SIGINT")).toBe(130)
    })
  }, 60_000)
})
