/** Proves when a server counts as gone and when as back; all times are given. */
import { describe, expect, it } from "vitest"
import { ServerHealth } from "./ServerHealth.ts"

const health = (failureLimit = 2) => new ServerHealth({ failureLimit, retryTimeout: 500 })

describe("a server is ejected", () => {
  it("by the failure that reaches the limit, and by no earlier one", () => {
    for (const limit of [1, 2, 3]) {
      const server = health(limit)
      const ejecting = Array.from({ length: limit + 1 }, (_, i) => server.refused(i))
      expect(ejecting).toEqual([...Array<boolean>(limit - 1).fill(false), true, false])
      expect(server.ejected).toBe(true)
    }
  })

  it("by a connection that is lost and another that cannot be made", () => {
    const server = health()
    server.connected(0)
    expect(server.lost(5_000)).toBe(false)
    expect(server.refused(5_001)).toBe(true)
  })

  it("by connections that do not last, however often one is made", () => {
    const server = health(3)
    server.connected(0)
    expect(server.lost(10)).toBe(false)
    server.connected(20)
    expect(server.lost(30)).toBe(false)
    server.connected(40)
    expect(server.lost(40 + 999)).toBe(true)
  })

  it("not by losses that are far apart, between which a connection lasted", () => {
    const server = health()
    for (let at = 0; at < 10_000; at += 1_000) {
      server.connected(at)
      expect(server.lost(at + 1_000)).toBe(false)
    }
  })

  it("by requests without an answer; those in flight together count once", () => {
    const server = health()
    expect(server.unanswered(0, 100)).toBe(false)
    for (let sentAt = 1; sentAt < 100; sentAt++) expect(server.unanswered(sentAt, 100 + sentAt)).toBe(false)
    expect(server.unanswered(100, 200)).toBe(true)
  })

  it("not when an answer comes between failures", () => {
    const server = health()
    server.refused(0)
    server.answered()
    expect(server.refused(10)).toBe(false)
    expect(server.refused(20)).toBe(true)
  })
})

describe("a server that is ejected", () => {
  const ejected = (): ServerHealth => {
    const server = health(1)
    server.refused(1_000)
    return server
  }

  it("is probed after the retry time, and again after each probe without an answer", () => {
    const server = ejected()
    expect([server.retryIn(1_000), server.retryIn(1_499), server.retryIn(1_501)]).toEqual([500, 1, 0])
    server.probed(false, 1_600)
    expect(server.ejected).toBe(true)
    expect(server.retryIn(1_600)).toBe(500)
  })

  it("is back with an answer to a probe, and needs as many failures as before to go", () => {
    const server = new ServerHealth({ failureLimit: 2, retryTimeout: 500 })
    server.refused(0)
    server.refused(1)
    server.probed(true, 600)
    expect(server.ejected).toBe(false)
    expect([server.refused(700), server.refused(701)]).toEqual([false, true])
  })

  it("is not back because late answers come", () => {
    const server = ejected()
    server.answered()
    expect(server.ejected).toBe(true)
  })
})
