/** What a capture of a server holds: text as it was, packets as they were, and no password. */
import { assert, it } from "@effect/vitest"
import type { ServerClient } from "@wirewright/connection"
import { packet } from "../../memcached/src/RawClient.fixture.ts"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileSink, ServerCapture } from "./ConnectionCapture.ts"

it("lines are written down as they are, however short and whatever their second letter; SASL is blanked", () => {
  const folder = mkdtempSync(join(tmpdir(), "wirewright-capture-"))
  const file = join(folder, "seen.pcapng")
  const capture = new ServerCapture([fileSink(file)])
  capture.server = "unix:/run/proxy"
  const client = { id: 1, address: "unix:/run/proxy" } as ServerClient
  capture.opened(client)
  // the second byte of a packet is its opcode; 0x21 is SASL_AUTH, and "!"
  const lines = ["\n", "g! this is no password\r\n", "set k 0 0 5\r\nvalue\r\n"]
  for (const line of lines) capture.received(Buffer.from(line), client)
  capture.received(packet(0x21, { key: "PLAIN", value: "\0app\0hunter2" }), client)
  capture.sent(Buffer.from("STORED\r\n"), client)
  capture.closed(client)
  capture.close()
  const written = readFileSync(file).toString("latin1")
  for (const line of [...lines, "PLAIN", "STORED\r\n"]) assert.include(written, line)
  assert.notInclude(written, "hunter2")
  rmSync(folder, { recursive: true })
})
