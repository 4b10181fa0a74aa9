/** Test only: the tests that every protocol of the gallery has. */
import { afterAll, describe, expect, it } from "vitest"
import { chunkings, everyCut, mutations, prefixesThatDecode, printRow, type Recorded } from "./Conversations.ts"

/** Declares them; what is special about a protocol stands in its own file. */
export const galleryTests = (recorded: Recorded): unknown =>
  describe(recorded.gallery.title, () => {
    afterAll(() => printRow(recorded))

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

    it("every single cut gives the same packets", () => {
      expect(everyCut(recorded)).toBeGreaterThan(0)
    })

    it("a thousand chunkings of a megabyte give the same packets", () => {
      expect(chunkings(recorded)).toBeGreaterThan(0)
    }, 900_000)

    it("changed packets are packets or typed errors, and the interpreter agrees", () => {
      const { findings, incomplete, packets, refused } = mutations(recorded)
      expect(findings).toEqual([])
      expect(packets).toBeGreaterThan(0)
      expect(refused + incomplete).toBeGreaterThan(0)
    })
  })
