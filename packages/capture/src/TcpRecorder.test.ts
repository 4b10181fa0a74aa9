/** What the recorder writes, the readers of captures read as the same conversations. */
import { assert, it } from "@effect/vitest"
import { readCapture } from "./CaptureFile.ts"
import { TcpFlows } from "./TcpFlows.ts"
import { TcpRecorder } from "./TcpRecorder.ts"

it("conversations come back, a packet larger than a segment too", () => {
  const recorder = new TcpRecorder()
  const file: Array<Uint8Array> = [...recorder.begin()]
  const server = { host: "127.0.0.1", port: 11_211 }
  const first = recorder.open({ host: "10.1.2.3", port: 5_000 }, server, 1n)
  const second = recorder.open({ host: "::1", port: 5_001 }, server, 2n)
  file.push(...first.bytes, ...second.bytes)
  const large = Uint8Array.from({ length: 200_000 }, (_, index) => index % 251)
  file.push(...recorder.packet(first.recorded, "client", Uint8Array.of(1, 2, 3), 3n))
  file.push(...recorder.packet(second.recorded, "client", Uint8Array.of(9), 4n))
  file.push(...recorder.packet(first.recorded, "server", large, 5n))
  file.push(...recorder.packet(first.recorded, "client", Uint8Array.of(4), 6n))
  file.push(...recorder.close(first.recorded, 1_700_000_000_123_456_789n))

  const got = new Map<string, Array<number>>()
  const log: Array<string> = []
  const flows = new TcpFlows({
    bytes: ({ bytes, direction, flow, gapBefore }) => {
      assert.strictEqual(gapBefore, 0)
      const key = `${flow.number} ${direction}`
      got.set(key, [...got.get(key) ?? [], ...bytes])
    },
    opened: ({ client, server, midStream }) => log.push(`${client} ${server} ${midStream}`),
    closed: (flow, how) => log.push(`${how} ${flow.number}`)
  })
  const { error, frames } = readCapture(Buffer.concat(file))
  assert.isUndefined(error)
  for (const frame of frames) flows.push(frame)
  flows.finish()
  assert.strictEqual(frames.at(-1)!.time, 1_700_000_000_123_456_789n)
  assert.deepStrictEqual(got.get("1 c2s"), [1, 2, 3, 4])
  assert.deepStrictEqual(got.get("1 s2c"), [...large])
  assert.deepStrictEqual(got.get("2 c2s"), [9])
  assert.deepStrictEqual(log, ["10.1.2.3:5000 127.0.0.1:11211 false", "127.0.0.1:5001 127.0.0.1:11211 false", "finished 1", "captureEnd 2"])
})
