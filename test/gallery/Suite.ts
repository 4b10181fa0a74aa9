/** Test only: the tests that every protocol of the gallery has. */
import { afterAll, describe, expect, it } from "vitest"
import { chunkings, everyCut, prefixesThatDecode, type Recorded } from "./Conversations.ts"
import { everyFramedCut, framedChunkings, lostBesideBad } from "./Framed.ts"
import { excesses, printRow } from "./Table.ts"

/** `WIREWRIGHT_GALLERY=full` tries all that the gallery promises; without it, a part that takes seconds. */
const isFull = process.env["WIREWRIGHT_GALLERY"] === "full"
const cutSize = isFull ? 4_096 : 1_024
const [runs, size] = isFull ? [1_000, 1_000_000] : [50, 200_000]
const framedRuns = isFull ? 1_000 : 50
const bad = isFull ? 200 : 10

/** Declares them; what is special about a protocol stands in its own file. */
export const galleryTests = (recorded: Recorded): void => {
  describe(recorded.gallery.title, () => {
    afterAll(() => printRow(recorded))

    it("its spec and its custom fields keep to their limits", () => {
      expect(excesses(recorded)).toEqual([])
    })

    it("every packet of every recorded conversation is read, and what is wrong is refused", () => {
      expect(recorded.unread()).toEqual([])
      expect(recorded.packets.length).toBeGreaterThan(0)
    })

    it("each comes back byte for byte, also by JSON; interpreter and schema agree", () => {
      expect(recorded.differences()).toEqual([])
    })

    it("proper prefixes are incomplete", () => {
      expect(prefixesThatDecode(recorded)).toEqual([])
    })

    it("bad packets lose none of the good ones", () => {
      const { lost, tried } = lostBesideBad(recorded, bad)
      expect(lost).toEqual([])
      // any frame of WebSocket that says its size is one
      if (recorded.gallery.title !== "WebSocket") expect(tried.size).toBeGreaterThan(0)
      console.log(`bad packets among good ones: ${[...tried].map((one) => one.join(" ")).join(", ")}`)
    })

    it("every single cut gives the same packets", () => {
      expect(everyCut(recorded, cutSize)).toBeGreaterThan(0)
    })

    it("so it is through framers and streams of packets, at every cut and in seeded chunkings", () => {
      everyFramedCut(recorded, cutSize)
      framedChunkings(recorded, framedRuns, 4_096)
    }, 240_000)

    it(`${runs} chunkings of ${size} bytes give the same packets`, () => {
      expect(chunkings(recorded, runs, size)).toBeGreaterThan(0)
    }, 240_000)
  })
}
