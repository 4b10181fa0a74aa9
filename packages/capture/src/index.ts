/** Capture files and the TCP streams in them. Pure, synchronous, browser-safe. */
export * from "./CaptureFile.ts"
export * from "./Frame.ts"
export * from "./Internet.ts"
export * from "./PcapngFile.ts"
export * from "./PcapngWriter.ts"
export * from "./TcpDirection.ts"
export * from "./TcpFlows.ts"
export * from "./TcpRecorder.ts"
