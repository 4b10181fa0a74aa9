/** Test only: packets of the test protocol as hex, each with what it is there for. */

const head = (magic: string, opcode: string, key: number, extras: number, third: string, body: number, datatype = "00"): string =>
  magic + opcode + key.toString(16).padStart(4, "0") + extras.toString(16).padStart(2, "0") + datatype + third +
  body.toString(16).padStart(8, "0") +
  "00000105" + "00000000000000ff"

const range = "000000000000000100000000000000ff80000003"

/** Packets that decode. */
export const goodFrames = {
  get: `${head("80", "00", 5, 0, "0007", 5)}48656c6c6f`,
  hit: `${head("81", "00", 0, 4, "0000", 9, "05")}deadbeef576f726c64`,
  miss: `${head("81", "00", 0, 0, "0001", 9)}4e6f7420666f756e64`,
  missInBytes: `${head("81", "00", 1, 2, "1234", 5)}010280ff80`,
  unknownRequest: `${head("80", "ee", 2, 1, "0000", 4)}01616280`,
  unknownServerRequest: head("82", "ee", 0, 0, "0000", 0),
  unknownResponse: `${head("81", "ee", 0, 0, "0000", 2)}6f6b`,
  replaced: `${head("80", "23", 3, 0, "0000", 3)}6c6f67`,
  streamRequest: `${head("80", "53", 0, 8, "0005", 10)}80000011123456787b7d`,
  failoverLog: `${head("81", "53", 0, 0, "0000", 32)}${"0000000000000001ffffffffffffffff".repeat(2)}`,
  failoverLogEmpty: head("81", "53", 0, 0, "0000", 0),
  rollback: `${head("81", "53", 0, 0, "0023", 8)}0000000000000028`,
  markerV1: `${head("80", "56", 0, 20, "0005", 20)}${range}`,
  markerV20: `${head("80", "56", 0, 1, "0005", 29)}00${range}0000000000000009`,
  markerV22: `${head("80", "56", 0, 1, "0005", 29)}02${range}0000000000000009`,
  eventBegin: `${head("80", "5f", 0, 1, "0005", 5)}0100000009`,
  eventOther: `${head("80", "5f", 0, 1, "0005", 3)}07abcd`,
  eventOtherLength: `${head("80", "5f", 0, 1, "0005", 3)}01abcd`,
  setNoToken: head("81", "01", 0, 0, "0000", 0),
  setToken: `${head("81", "01", 0, 16, "0000", 16)}00000000000000010000000000000002`,
  push: `${head("82", "01", 0, 4, "0000", 6)}000000017b7d`,
  pushed: head("83", "01", 0, 0, "0000", 0),
  framing: "08010d04080000000000001f" + "00000001" + "0000000000000000" + "1301" + "00ff" + "00" + "43" + "626f80" + "f20a" + "abcd" +
    "00000000000000006279" +
    "8065776f726c6421",
  framingEscaped: `08ee110000000000000000110000000100000000000000004f00${"61".repeat(15)}`,
  framingEmpty: "080000010000000000000001000000010000000000000000" + "61",
  parts: `${head("80", "60", 0, 3, "0000", 23)}0002036162${"01ff" + "02636400" + "0105"}beef010203feffaabb7f`,
  partsOptionals: `${head("80", "60", 0, 9, "0000", 17)}000000000900000008` + "0000" + "000000" + "0080" + "07"
} as const

/** A packet that does not decode. */
export interface BadFrame {
  readonly hex: string
  readonly reason: string
  readonly path: string
  readonly offset: number
  readonly incomplete?: boolean
}

/** Packets that do not decode, and why. */
export const badFrames: { readonly [name: string]: BadFrame } = {
  nothing: { hex: "", reason: "Incomplete", path: "magic", offset: 0, incomplete: true },
  wrongMagic: { hex: "47455420", reason: "Magic", path: "magic", offset: 0 },
  halfHeader: { hex: "8000000508", reason: "Incomplete", path: "datatype", offset: 5, incomplete: true },
  cutInKey: { hex: `${head("80", "00", 5, 0, "0000", 5)}4865`, reason: "Incomplete", path: "key", offset: 26, incomplete: true },
  cutBeforeConstant: { hex: head("80", "56", 0, 1, "0000", 29), reason: "Incomplete", path: "version", offset: 24, incomplete: true },
  bomb: { hex: head("80", "00", 5, 0, "0000", 0x7fff_ffff), reason: "Limit", path: "bodyLength", offset: 8 },
  sectionsTooLong: { hex: head("80", "00", 5, 0, "0000", 4), reason: "Length", path: "bodyLength", offset: 8 },
  unexpectedExtras: { hex: `${head("80", "00", 1, 2, "0000", 3)}000061`, reason: "Length", path: "extras", offset: 24 },
  keyTooLong: { hex: head("80", "00", 251, 0, "0000", 251) + "61".repeat(251), reason: "Limit", path: "key", offset: 24 },
  extrasTooShort: { hex: `${head("80", "01", 1, 6, "0000", 7)}00000000000061`, reason: "Length", path: "extras", offset: 28 },
  extrasTooLong: { hex: `${head("80", "01", 1, 9, "0000", 10)}${"00".repeat(9)}61`, reason: "Length", path: "extras", offset: 32 },
  tokenHalf: { hex: `${head("81", "01", 0, 8, "0000", 8)}${"00".repeat(8)}`, reason: "Length", path: "extras", offset: 24 },
  noLayout: { hex: `${head("80", "56", 0, 7, "0000", 7)}${"00".repeat(7)}`, reason: "Length", path: "extras", offset: 25 },
  valueTooShort: { hex: `${head("80", "56", 0, 1, "0000", 21)}00${range}`, reason: "Length", path: "value", offset: 45 },
  halfEntry: { hex: `${head("81", "53", 0, 0, "0000", 24)}${"00".repeat(24)}`, reason: "Length", path: "failoverLog[1]", offset: 40 },
  frameTooLong: { hex: "0800010000000000000000010000000100000000000000001f", reason: "Length", path: "framing[0]", offset: 25 },
  frameBeyond: { hex: "080003000000000000000003000000010000000000000000130100", reason: "Length", path: "framing[0]", offset: 24 },
  frameOddLength: {
    hex: "080003000000000000000003000000010000000000000000120100",
    reason: "Length",
    path: "framing[0].timeout",
    offset: 26
  },
  barrierWithData: { hex: "080002000000000000000002000000010000000000000000" + "0100", reason: "Trailing", path: "framing[0]", offset: 25 },
  nameTooLong: { hex: `${head("80", "60", 0, 3, "0000", 5)}ffff00` + "6162", reason: "Length", path: "name", offset: 27 },
  countTooHigh: {
    hex: `${head("80", "60", 0, 3, "0000", 13)}0000c8` + "01ff" + "0000000000000000",
    reason: "Limit",
    path: "shapes",
    offset: 27
  }
}
