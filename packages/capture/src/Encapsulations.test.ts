/** A conversation is found in every wrapping, and every wrapping may be cut anywhere. */
import { assert, describe, it } from "@effect/vitest"
import { encapsulations, everything, firstClientPort, framesOf } from "../test/Encapsulations.ts"
import { readCapture } from "./CaptureFile.ts"
import { TcpFlows } from "./TcpFlows.ts"

const magicsByPort = (file: Uint8Array): ReadonlyMap<number, ReadonlyArray<string>> => {
  const found = new Map<number, Array<string>>()
  const flows = new TcpFlows({
    bytes: ({ bytes, direction, flow, gapBefore }) => {
      assert.strictEqual(gapBefore, 0)
      assert.strictEqual(bytes.length, 24)
      const port = Number(flow.client.slice(flow.client.lastIndexOf(":") + 1))
      found.set(port, [...found.get(port) ?? [], `${direction} ${bytes[0]!.toString(16)}`])
    }
  })
  const { error, frames } = readCapture(file)
  assert.isUndefined(error)
  for (const frame of frames) flows.push(frame)
  flows.finish()
  return found
}

describe("a conversation in", () => {
  const found = magicsByPort(everything())
  encapsulations.forEach(({ name }, index) => {
    it(name, () => assert.deepStrictEqual(found.get(firstClientPort + index), ["c2s 80", "s2c 81"]))
  })
})

it("frames that are cut off anywhere are skipped with a reason, or lack payload", () => {
  for (const encapsulation of encapsulations) {
    for (const data of framesOf(encapsulation, firstClientPort)) {
      for (let size = 0; size < data.length; size++) {
        const reasons: Array<string> = []
        let bytes = 0
        const flows = new TcpFlows({
          bytes: (event) => void (bytes += event.bytes.length + event.gapBefore),
          skipped: (_frame, { reason }) => reasons.push(reason)
        })
        flows.push({
          number: 1,
          time: undefined,
          linkType: encapsulation.linkType,
          data: data.subarray(0, size),
          originalLength: data.length
        })
        flows.finish()
        assert.isAtMost(bytes, 24, encapsulation.name)
        for (const reason of reasons) assert.include(["cutOff", "fragment"], reason, `${encapsulation.name}, ${size} bytes`)
      }
    }
  }
})
