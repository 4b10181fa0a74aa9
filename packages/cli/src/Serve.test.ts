/** `wirewright serve --memcached` as a process: the ready line, an answer, a clean end by either signal, and wrong options. */
import { assert, describe, it } from "@effect/vitest"
import { packet, RawClient, shown } from "../../memcached/src/RawClient.fixture.ts"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { bin, wirewright } from "../test/RunCli.ts"

describe("serve --memcached", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`says where it listens, serves, and ends with ${signal}`, async () => {
      const child = spawn(process.execPath, [bin, "serve", "--memcached", "--max-item-size", "2000"], { stdio: ["ignore", "pipe", "pipe"] })
      let out = ""
      let err = ""
      child.stderr.on("data", (chunk: Buffer) => err += chunk.toString())
      await new Promise<void>((resolve) =>
        child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()).includes("\n") && resolve())
      )
      const ready = JSON.parse(out) as { readonly ready: boolean; readonly address: string; readonly port: number }
      assert.deepStrictEqual([ready.ready, ready.address], [true, `127.0.0.1:${ready.port}`])
      const client = await RawClient.connect(ready.port)
      const set = (size: number) => packet(0x01, { key: "k", extras: "0000000000000000", value: new Uint8Array(size) })
      client.send(Buffer.concat([set(1_940), set(1_941), packet(0x0b)]))
      assert.deepStrictEqual((await client.packets(3)).map(shown), ["1 0 0", "1 3 0 Too large.", "b 0 0 1.6.18"])
      child.kill(signal)
      const [code] = await once(child, "close")
      assert.strictEqual((await client.rest()).length, 0)
      assert.strictEqual(err, "")
      // who runs it tells it to end by the one; a person interrupts it by the other
      assert.strictEqual(code, signal === "SIGTERM" ? 0 : 130)
    })
  }

  for (
    const [args, message] of [
      [["--port", "65536"], /--port 65536: there are ports 0 to 65535/],
      [["--max-item-size", "1023"], /--max-item-size 1023: from 1024 to 20971520 bytes/],
      [["--max-item-size", "20971521"], /--max-item-size 20971521/],
      [["--max-memory", "1048575"], /--max-memory 1048575: 1048576 bytes or more/],
      [["--host", "256.0.0.1"], /could not listen/]
    ] as const
  ) {
    it(`refuses ${args.join(" ")}`, async () => {
      const { code, err, out } = await wirewright(["serve", "--memcached", ...args])
      assert.deepStrictEqual([code, out], [1, ""])
      assert.match(err, message)
    })
  }
})
