/** Flow control of both ends: SC-67, SC-69, SC-72 as arithmetic. */
import { describe, expect, it } from "vitest"
import { counts, maxAcknowledged, ReceiveWindow, SendWindow } from "./FlowControl.ts"

describe("a producer that ignores the window", () => {
  it("is noticed with the first message that begins when the window is full, and not before", () => {
    for (const [outstanding, allowed] of [[999, true], [1000, false], [1001, false]] as const) {
      const window = new ReceiveWindow(1000)
      window.receive(outstanding)
      expect(window.full).toBe(!allowed)
      expect(window.receive(20 * 1024 * 1024)).toBe(allowed)
      expect(window.receive(1)).toBe(false)
      window.free(window.outstanding)
      window.take()
      expect(window.receive(1)).toBe(true)
    }
  })

  it("does not exist without flow control", () => {
    const window = new ReceiveWindow(0)
    for (let i = 0; i < 3; i++) expect(window.receive(2 ** 40)).toBe(true)
  })
})

describe("a producer's window", () => {
  it("SC-67 is exceeded by one message and no more", () => {
    const window = new SendWindow()
    window.resize(1000)
    const sent: Array<number> = []
    for (const bytes of [600, 600, 600]) {
      if (!window.open) break
      window.send(bytes)
      sent.push(bytes)
    }
    expect(sent).toEqual([600, 600])
    window.acknowledge(200)
    expect([window.outstanding, window.open]).toEqual([1000, false])
    window.acknowledge(1)
    expect(window.open).toBe(true)
    window.acknowledge(10_000)
    expect([window.outstanding, window.overAcknowledged]).toEqual([0, 9001])
  })

  it("SC-69 lets a message pass that is larger than itself", () => {
    const window = new SendWindow()
    window.resize(1024)
    expect(window.open).toBe(true)
    window.send(20 * 1024 * 1024)
    expect(window.open).toBe(false)
    window.acknowledge(20 * 1024 * 1024)
    expect(window.open).toBe(true)
  })

  it("SC-72 changes its size while it is used", () => {
    const window = new SendWindow()
    window.resize(1_000_000)
    window.send(5000)
    window.resize(1000)
    expect(window.open).toBe(false)
    window.resize(0)
    expect([window.open, window.outstanding]).toEqual([true, 0])
    window.send(5000)
    window.acknowledge(7)
    expect([window.outstanding, window.overAcknowledged]).toEqual([0, 0])
    window.resize(1000)
    expect([window.open, window.outstanding]).toEqual([true, 0])
  })
})

describe("a consumer's window", () => {
  it("acknowledges what was taken, from a fifth of the window on", () => {
    const window = new ReceiveWindow(1000)
    for (let i = 0; i < 5; i++) window.receive(199)
    expect([window.free(199), window.due]).toEqual([false, 199])
    expect([window.free(1), window.take()]).toEqual([true, 200])
    expect([window.take(), window.outstanding, window.held]).toEqual([0, 795, 795])
    window.free(795)
    expect([window.take(), window.outstanding, window.held]).toEqual([795, 0, 0])
  })

  it("acknowledges nothing without flow control, and still knows what is held", () => {
    const window = new ReceiveWindow(0)
    window.receive(500)
    expect([window.free(100), window.take(), window.held]).toEqual([false, 0, 400])
  })

  it("acknowledges more than fits one acknowledgement in two", () => {
    const window = new ReceiveWindow(1000)
    window.receive(maxAcknowledged + 10)
    window.free(maxAcknowledged + 10)
    expect([window.take(), window.take()]).toEqual([maxAcknowledged, 10])
  })
})

it("SC-68 every request of a server counts but DCP_NOOP", () => {
  expect(counts(0x5c)).toBe(false)
  for (const opcode of [0x55, 0x56, 0x57, 0x58, 0x59, 0x5b, 0x5f, 0x64, 0x65, 0x6f]) expect(counts(opcode)).toBe(true)
})
