/** Finds the word that somebody may have meant. Pure. */

/** Edits that make one word of the other: insertions, deletions, substitutions, and neighbours that change places. */
const distance = (left: string, right: string): number => {
  const rows = [Array.from({ length: right.length + 1 }, (_, i) => i)]
  for (let i = 1; i <= left.length; i++) {
    const before = rows[i - 1]!
    const row = [i]
    rows.push(row)
    for (let j = 1; j <= right.length; j++) {
      const isSwap = i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1]
      const kept = before[j - 1]! + (left[i - 1] === right[j - 1] ? 0 : 1)
      row.push(Math.min(before[j]! + 1, row[j - 1]! + 1, kept, isSwap ? rows[i - 2]![j - 2]! + 1 : Infinity))
    }
  }
  return rows[left.length]![right.length]!
}

/** The word that was meant; nothing when none is near. */
export const nearestOf = (word: string, words: ReadonlyArray<string>): string | undefined => {
  const lower = word.toLowerCase()
  const near = words.map((one) => [one, distance(lower, one.toLowerCase())] as const).sort(([, a], [, b]) => a - b)[0]
  return near === undefined || near[1] > Math.max(1, Math.floor(word.length / 3)) ? undefined : near[0]
}
