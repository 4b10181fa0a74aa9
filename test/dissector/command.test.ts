/** `wirewright dissector`: what it prints of a spec, of code and of what comes with the command, and what it refuses. */
import * as Effect from "effect/Effect"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, describe, expect, it } from "vitest"
import { runHere } from "../../packages/cli/test/RunHere.ts"
import { load } from "./Lua.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const folder = mkdtempSync(join(root, "test/.wirewright-dissector-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const wirewright = (...args: ReadonlyArray<string>) => Effect.runPromise(runHere(args))

/** The spec that the README begins with. */
const acme = (): string => {
  const readme = readFileSync(join(root, "README.md"), "utf8")
  const spec = /```ts file=acme\.ts\n([\s\S]*?)```/.exec(readme)![1]!
  writeFileSync(join(folder, "acme.ts"), spec)
  return spec
}

describe("wirewright dissector", () => {
  it("prints Lua of a spec, with its ports and its filters", async () => {
    acme()
    const { code, err, out } = await wirewright("dissector", join(folder, "acme.ts"), "--port", "4000", "--port", "4001")
    expect([code, err]).toEqual([0, ""])
    expect(out).toMatch(/^-- acme: a dissector for Wireshark/)
    expect(out).toContain("ports = \"4000,4001\"")
    expect(out).toContain("{ filter = \"rate\", label = \"Rate\", type = \"uint32\" }")
    const lua = await load(out)
    // the packet that the README encodes: tenant acme, 100 operations a second
    const packet = "80fa0004040000000000000800000007000000000000000000000064" + "61636d65"
    const [answer] = lua.ask([{ bytes: new Uint8Array(Buffer.from(packet, "hex")) }])
    expect(answer).toContain("ThrottleTenant 32\nfine")
    expect(answer).toContain("extras rate 24+4 100")
    expect(answer).toContain("key tenant 28+4 61636d65")
    lua.close()
  })

  it("prints what comes with the command, with what the command knows of it", async () => {
    const { code, out } = await wirewright("dissector", "couchbase")
    expect(code).toBe(0)
    expect(out).toContain("learn = { { state = \"collections\", packet = \"HelloResponse\", field = \"features\", member = 18 } }")
    expect(out).toContain("11210")
  })

  it("prints what generated code says", async () => {
    const { code, out } = await wirewright(
      "dissector",
      join(root, "packages/examples/src/gallery/mqtt"),
      "--learn",
      "version=Connect.protocolVersion"
    )
    expect(code).toBe(0)
    expect(out).toContain("learn = { { state = \"version\", packet = \"Connect\", field = \"protocolVersion\" } }")
    expect(out).toContain("ports = \"\"")
  })

  it("says that packets which nothing tells from others are on no port", async () => {
    const mqtt = join(root, "packages/examples/src/gallery/mqtt")
    const { code, err, out } = await wirewright("dissector", mqtt)
    expect([code, err]).toEqual([0, "note: nothing in packets of mqtt tells them from those of others, so none are found: give --port\n"])
    expect(out).toContain("-- (tshark -d tcp.port==PORT,mqtt).")
    expect((await wirewright("dissector", mqtt, "--port", "1883")).err).toBe("")
    expect((await wirewright("dissector", "deepstream")).err).toBe("")
  })

  it.each([
    [["nothing.ts"], "no protocol nothing.ts"],
    [["ACME", "--state", "collection"], "--state collection: no such connection state; acme has collections; did you mean collections?"],
    [["ACME", "--state", "collections=x"], "--state collections=x: expected collections, which is on or off"],
    [["ACME", "--learn", "collections"], "expected STATE=PACKET.FIELD"],
    [["ACME", "--learn", "vollections=A.b"], "--learn vollections=A.b: no such connection state"],
    [["ACME", "--kind", "request "], "packets are of kind request, response"],
    [[join(root, "packages/capture/src/gen")], "has records only"]
  ])("refuses %s", async (args, message) => {
    acme()
    const { code, err, out } = await wirewright("dissector", ...args.map((one) => one === "ACME" ? join(folder, "acme.ts") : one))
    expect(err).toContain(message)
    expect([code, out]).toEqual([1, ""])
  })

  it("says the findings of a spec that has any", async () => {
    writeFileSync(join(folder, "wrong.ts"), acme().replace("opcode: 0xfa", "opcode: 0x1fa"))
    const { code, err, out } = await wirewright("dissector", join(folder, "wrong.ts"))
    // stdout is the dissector's file
    expect([code, out]).toEqual([100, ""])
    expect(err).toMatch(/wrong\.ts:\d+:\d+/)
  })
})
