/** What a node makes by chance and need not keep secret: identities. From Effect's Random, so that a seed gives the same again. */
import type * as Random from "effect/Random"

/** The identities that nodes give. */
export interface Chance {
  /** 48 bits, never 0: what a vbucket's history is known by. */
  readonly vbucketUuid: () => bigint
  /** 16 bytes. */
  readonly uuid: () => Uint8Array
  /** 32 hexadecimal digits in groups, as UUIDs of version 4 (RFC 9562, 5.4). */
  readonly reference: () => string
}

export const chanceOf = (random: Random.Random): Chance => {
  const below = (limit: number): number => Math.floor(random.nextDoubleUnsafe() * limit)
  const uuid = (): Uint8Array => Uint8Array.from({ length: 16 }, () => below(256))
  return {
    vbucketUuid: () => BigInt(below(2 ** 48)) | 1n,
    uuid,
    reference: () => {
      const digits = Array.from(uuid(), (byte) => byte.toString(16).padStart(2, "0")).join("")
      const [a, b, c, d, e] = [digits.slice(0, 8), digits.slice(8, 12), digits.slice(13, 16), digits.slice(17, 20), digits.slice(20)]
      return `${a}-${b}-4${c}-${"89ab"[below(4)]}${d}-${e}`
    }
  }
}
