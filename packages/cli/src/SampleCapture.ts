/** Samples as a capture: packets of a stream in TCP, one connection for all that can follow one another; datagrams in UDP. */
import { TcpRecorder } from "@wirewright/capture"

/** What is to be in a capture. */
export interface Captured {
  readonly bytes: Uint8Array
  readonly from: "client" | "server"
  /** It fills a datagram. */
  readonly isDatagram: boolean
  /** Nothing can follow it in a stream. */
  readonly isLast: boolean
}

const host = "127.0.0.1"
const firstPort = 40_000
const second = 1_000_000_000n

/** The bytes of a pcapng file; `port` is the server's. */
export const captureOf = (packets: Iterable<Captured>, port: number): Uint8Array => {
  const recorder = new TcpRecorder()
  const parts: Array<Uint8Array> = [...recorder.begin()]
  let time = 0n
  let connections = 0
  let open: ReturnType<TcpRecorder["open"]>["recorded"] | undefined
  const close = (): void => {
    if (open !== undefined) parts.push(...recorder.close(open, time))
    open = undefined
  }
  for (const { bytes, from, isDatagram, isLast } of packets) {
    time += second
    if (isDatagram) {
      const [client, server] = [{ host, port: firstPort }, { host, port }]
      parts.push(recorder.datagram(from === "client" ? client : server, from === "client" ? server : client, bytes, time))
      continue
    }
    if (open === undefined) {
      const { bytes: syn, recorded } = recorder.open({ host, port: firstPort + connections++ }, { host, port }, time)
      parts.push(...syn)
      open = recorded
    }
    parts.push(...recorder.packet(open, from, bytes, time))
    if (isLast) close()
  }
  close()
  return new Uint8Array(Buffer.concat(parts))
}
