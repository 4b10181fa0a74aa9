/** A DCP client for tests of producers: sends one packet and sees every packet that comes. */
import type { Writer } from "@wirewright/codec"
import * as Gen from "@wirewright/dcp/gen"
import { DcpOpenFlags, DcpStreamFlags, HelloFeature as F, type Packet } from "@wirewright/dcp/gen"
import { nameOf, TestClient } from "../../packages/embedded/src/TestClient.fixture.ts"
import { expect } from "vitest"

/** Features of a consumer of a server that has collections. */
export const features = [F.Xattr, F.Xerror, F.SelectBucket, F.Json, F.AltRequestSupport, F.Collections]
/** The end of a stream that has none. */
export const endless = 0xffff_ffff_ffff_ffffn

/** A DCP client that sends what it is told to, and sees every packet. */
export class DcpClient {
  readonly wire: TestClient
  private opaque = 100

  constructor(wire: TestClient) {
    this.wire = wire
  }

  static async open(
    port: number,
    flags: number = DcpOpenFlags.producer,
    name = "test",
    asked: ReadonlyArray<number> = features
  ): Promise<DcpClient> {
    const client = new DcpClient(await TestClient.ready(port, asked))
    expect(await client.ask((writer) => Gen.encodeDcpOpen(writer, { connectionName: name, flags, reservedSeqno: 0, options: "" }))).toBe(
      "Success"
    )
    return client
  }

  ask(write: (writer: Writer) => void): Promise<string> {
    return this.wire.status(write)
  }

  async controls(controls: { readonly [key: string]: string }): Promise<void> {
    for (const [key, value] of Object.entries(controls)) expect(await this.control(key, value), key).toBe("Success")
  }

  control(key: string, value: string): Promise<string> {
    return this.ask((writer) => Gen.encodeDcpControl(writer, { key, value }))
  }

  /** Asks for a stream; the answer. */
  request(
    vbucket: number,
    fields: Partial<Gen.RequestFields<Gen.DcpStreamRequest>> & { readonly datatype?: number } = {}
  ): Promise<Packet> {
    const opaque = this.opaque++
    return this.wire.ask((writer) =>
      Gen.encodeDcpStreamRequest(writer, {
        vbucket,
        opaque,
        flags: DcpStreamFlags.activeVbOnly,
        startSeqno: 0n,
        endSeqno: endless,
        vbucketUuid: 0n,
        snapStartSeqno: 0n,
        snapEndSeqno: 0n,
        filter: "",
        ...fields
      })
    )
  }

  /** The next packets, each in short. */
  async take(count: number): Promise<ReadonlyArray<string>> {
    const shown: Array<string> = []
    while (shown.length < count) shown.push(show(await this.wire.next()))
    return shown
  }
}

/** A packet in short. */
export const show = (packet: Packet): string => {
  switch (packet._tag) {
    case "DcpSnapshotMarker":
      return `${packet.layout === "V1" ? "MK" : "MK2"}[${packet.startSeqno},${packet.endSeqno}] ${packet.flags}`
    case "DcpMutation":
      return `M${packet.bySeqno} ${packet.key}`
    case "DcpDeletion":
      return `D${packet.bySeqno} ${packet.key} ${packet.layout}`
    case "DcpExpiration":
      return `X${packet.bySeqno} ${packet.key} ${packet.layout}`
    case "DcpPrepare":
      return `P${packet.bySeqno} ${packet.key} level ${packet.durabilityLevel}`
    case "DcpCommit":
      return `C${packet.commitSeqno} ${packet.key} of ${packet.preparedSeqno}`
    case "DcpAbort":
      return `A${packet.abortSeqno} ${packet.key} of ${packet.preparedSeqno}`
    case "DcpSeqnoAdvanced":
      return `SA${packet.bySeqno}`
    case "DcpSystemEvent":
      return `SE${packet.bySeqno} ${packet.layout} ${packet.name}`
    case "DcpStreamEnd":
      return `END ${packet.reason}`
    case "DcpStreamRequestResponse":
      return `OK ${packet.failoverLog.map(({ seqno }) => seqno).join(",")}`
    case "DcpStreamRequestRollback":
      return `ROLLBACK ${packet.rollbackSeqno}`
    default:
      return nameOf(packet)
  }
}
