/** Test only: the tests that every protocol of the gallery has. */
import { afterAll, describe, expect, it } from "vitest"
import { chunkings, everyCut, lostBesideBad, mutations, prefixesThatDecode, type Recorded } from "./Conversations.ts"
import { excesses, printRow } from "./Table.ts"

/** `WIREWRIGHT_GALLERY=full` tries all that the gallery promises; without it, a part that takes seconds. */
const isFull = process.env["WIREWRIGHT_GALLERY"] === "full"
const cutSize = isFull ? 4_096 : 1_024
const [runs, size] = isFull ? [1_000, 1_000_000] : [50, 200_000]
const mutated = isFull ? 20_000 : 4_000

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

    it("a bad packet loses none of the good ones", () => {
      expect(lostBesideBad(recorded).lost).toEqual([])
    })

    it("every single cut gives the same packets", () => {
      expect(everyCut(recorded, cutSize)).toBeGreaterThan(0)
    })

    it(`${runs} chunkings of ${size} bytes give the same packets`, () => {
      expect(chunkings(recorded, runs, size)).toBeGreaterThan(0)
    }, 240_000)

    it("changed packets are packets or typed errors, and the interpreter agrees", () => {
      const { findings, incomplete, packets, refused } = mutations(recorded, mutated)
      expect(findings).toEqual([])
      expect(packets).toBeGreaterThan(0)
      expect(refused + incomplete).toBeGreaterThan(0)
    })
  })
}
