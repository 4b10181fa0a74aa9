/** Types of Kaitai Struct for numbers of variable length, which it has no words for. */

const groups = (count: number, big: boolean): string => {
  // each group holds seven bits; which one is the lowest depends on the order
  const of = (i: number): string =>
    big
      ? `(groups.size > ${i} ? groups[groups.size - ${i + 1}].bits * ${2 ** (7 * i)} : 0)`
      : `(groups.size > ${i} ? groups[${i}].bits * ${2 ** (7 * i)} : 0)`
  return Array.from({ length: count }, (_, i) => of(i)).join(" + ")
}

const varint = (big: boolean): object => ({
  doc: "A number of seven bits a byte; exact up to 53 bits where numbers are floats.",
  seq: [{ id: "groups", type: "group", repeat: "until", "repeat-until": "not _.has_next" }],
  types: { group: { seq: [{ id: "has_next", type: "b1" }, { id: "bits", type: "b7" }] } },
  instances: { raw: { value: groups(7, big) } }
})

/** Types by the name that attributes use. */
export const utilities: { readonly [name: string]: object } = {
  leb128: { ...varint(false), instances: { ...(varint(false) as { instances: object }).instances, value: { value: "raw" } } },
  leb128_zigzag: {
    ...varint(false),
    instances: { ...(varint(false) as { instances: object }).instances, value: { value: "raw % 2 == 0 ? raw / 2 : -(raw + 1) / 2" } }
  },
  vlq: { ...varint(true), instances: { ...(varint(true) as { instances: object }).instances, value: { value: "raw" } } },
  vlq_zigzag: {
    ...varint(true),
    instances: { ...(varint(true) as { instances: object }).instances, value: { value: "raw % 2 == 0 ? raw / 2 : -(raw + 1) / 2" } }
  },
  quic: {
    seq: [
      { id: "size", type: "b2" },
      { id: "first", type: "b6" },
      { id: "second", type: "u1", if: "size == 1" },
      { id: "next3", type: "b24", if: "size == 2" },
      { id: "next7_high", type: "b24", if: "size == 3" },
      { id: "next7_low", type: "u4be", if: "size == 3" }
    ],
    instances: {
      value: {
        value:
          "size == 0 ? first : size == 1 ? first * 256 + second : size == 2 ? first * 16777216 + next3 : (first * 16777216 + next7_high) * 4294967296 + next7_low"
      }
    }
  },
  domain_name: {
    doc: "Labels; the last one may point to others, which is not followed.",
    seq: [{ id: "labels", type: "label", repeat: "until", "repeat-until": "_.size == 0 or _.size >= 192" }],
    types: {
      label: {
        seq: [
          { id: "size", type: "u1" },
          { id: "pointer", type: "u1", if: "size >= 192" },
          { id: "name", type: "str", encoding: "ASCII", size: "size", if: "size < 192" }
        ]
      }
    }
  },
  nibble_length: {
    seq: [{ id: "tag_nibble", type: "b4" }, { id: "size_nibble", type: "b4" }, { id: "tag_more", type: "u1", if: "tag_nibble == 15" }, {
      id: "size_more",
      type: "u1",
      if: "size_nibble == 15"
    }],
    instances: {
      tag: { value: "tag_nibble == 15 ? 15 + tag_more : tag_nibble" },
      size: { value: "size_nibble == 15 ? 15 + size_more : size_nibble" }
    }
  }
}
