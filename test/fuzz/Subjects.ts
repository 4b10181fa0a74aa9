/** Everything that is changed and read, by name. */
import { all } from "../gallery/All.ts"
import { galleryPackets, ownPackets } from "./Packets.ts"
import { captureRecords, randomRecords, wordRecords } from "./Records.ts"
import type { Subject } from "./Subject.ts"

/** Subjects, and how to remove what was generated for them. */
export interface Subjects {
  readonly all: ReadonlyArray<Subject>
  readonly remove: () => void
}

/** All generated protocols of this repository, records within their packets, the table of words, and random specs. */
export const subjects = async (seed: number, specs: number): Promise<Subjects> => {
  const words = await wordRecords()
  const chance = await randomRecords(seed, specs)
  return {
    all: [...ownPackets(), ...all.flatMap(galleryPackets), captureRecords(), ...words.subjects, chance.subject],
    remove: () => {
      words.remove()
      chance.remove()
    }
  }
}
