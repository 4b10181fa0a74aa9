/** Quiet commands tell only what they must. */
import { isSilent } from "@wirewright/connection"
import { describe, expect, test } from "vitest"
import { server } from "./gen/index.ts"

describe("silence", () => {
  // opcode, status, silent: memcached doc/protocol-binary.txt, "quiet"
  test.each([
    ["GETQ miss", 0x09, 0x01, true],
    ["GETQ hit", 0x09, 0x00, false],
    ["GETKQ miss", 0x0d, 0x01, true],
    ["GATQ miss", 0x1e, 0x01, true],
    ["GATKQ miss", 0x24, 0x01, true],
    ["GETQ invalid", 0x09, 0x04, false],
    ["GET miss", 0x00, 0x01, false],
    ["SETQ stored", 0x11, 0x00, true],
    ["SETQ too large", 0x11, 0x03, false],
    ["ADDQ exists", 0x12, 0x02, false],
    ["REPLACEQ miss", 0x13, 0x01, false],
    ["DELETEQ removed", 0x14, 0x00, true],
    ["DELETEQ miss", 0x14, 0x01, false],
    ["INCRQ", 0x15, 0x00, true],
    ["DECRQ not a number", 0x16, 0x06, false],
    ["FLUSHQ", 0x18, 0x00, true],
    ["APPENDQ", 0x19, 0x00, true],
    ["PREPENDQ not stored", 0x1a, 0x05, false],
    ["SET stored", 0x01, 0x00, false],
    ["unknown opcode", 0x77, 0x81, false]
  ])("%s", (_, opcode, status, silent) => expect(isSilent(server, opcode, status)).toBe(silent))
})
