/** What a capture of the proxy holds: text as it was, packets as they were, and no password. */
import { assert, it } from "@effect/vitest"
import type { ServerClient } from "@wirewright/connection"
import { packet } from "../../memcached/src/RawClient.fixture.ts"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileSink, ProxyCapture } from "./ProxyCapture.ts"

it("lines are written down as they are, however short and whatever their second letter; SASL is blanked", () => {
  const folder = mkdtempSync(join(tmpdir(), "wirewright-capture-"))
  const file = join(folder, "seen.pcapng")
  const capture = new ProxyCapture([fileSink(file)])
  capture.server = "unix:/run/proxy"
  const client = { id: 1, address: "unix:/run/proxy" } as ServerClient
  capture.onOpen(client)
  // the second byte of a packet is its opcode; 0x21 is SASL_AUTH, and "!"
  const lines = ["\n", "g! this is no password\r\n", "set k 0 0 5\r\nvalue\r\n"]
  for (const line of lines) capture.onPacket(client, "client", Buffer.from(line))
  capture.onPacket(client, "client", packet(0x21, { key: "PLAIN", value: "\0app\0hunter2" }))
  capture.onPacket(client, "proxy", Buffer.from("STORED\r\n"))
  capture.onClose(client)
  capture.close()
  const written = readFileSync(file).toString("latin1")
  for (const line of [...lines, "PLAIN", "STORED\r\n"]) assert.include(written, line)
  assert.notInclude(written, "hunter2")
  rmSync(folder, { recursive: true })
})
