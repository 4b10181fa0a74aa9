/** The records of capture files, pcap and pcapng. */
import { types } from "@wirewright/dsl"
import { PcapHeader, PcapModifiedRecord, PcapRecord } from "./capture/Pcap.ts"
import {
  PcapngBlockHead,
  PcapngEnhancedPacket,
  PcapngInterface,
  PcapngObsoletePacket,
  PcapngOption,
  PcapngSection,
  PcapngSimplePacket
} from "./capture/Pcapng.ts"

export * from "./capture/Pcap.ts"
export * from "./capture/Pcapng.ts"

/** All records of capture files. */
export const captureTypes = [
  PcapHeader,
  PcapRecord,
  PcapModifiedRecord,
  PcapngBlockHead,
  PcapngSection,
  PcapngInterface,
  PcapngEnhancedPacket,
  PcapngSimplePacket,
  PcapngObsoletePacket,
  PcapngOption
]

/** Capture files. */
export const capture = types({ name: "capture", module: "@wirewright/capture/gen", types: captureTypes })
