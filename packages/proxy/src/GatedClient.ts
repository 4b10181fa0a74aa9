/**
 * A client of a server that two may hold back: whoever keeps its answers in order (`pause`), and whoever bounds what is under way for it
 * (`holdBack`). It is read as long as neither does.
 */
import type { DecodeError, Writer } from "@wirewright/codec"
import type { ConnectionError, ServerClient } from "@wirewright/connection"

/** A client that is held back by either. */
export class GatedClient implements ServerClient {
  private readonly client: ServerClient
  private paused = false
  private heldBack = false

  constructor(client: ServerClient) {
    this.client = client
  }

  get id(): number {
    return this.client.id
  }

  get address(): string {
    return this.client.address
  }

  get certificateName(): string | undefined {
    return this.client.certificateName
  }

  get closed(): ConnectionError | undefined {
    return this.client.closed
  }

  get waiting(): number {
    return this.client.waiting
  }

  reply(write: (writer: Writer) => void): void {
    this.client.reply(write)
  }

  pause(): void {
    this.paused = true
    this.client.pause()
  }

  resume(): void {
    this.paused = false
    if (!this.heldBack) this.client.resume()
  }

  /** Reads nothing more, or as far as this goes, on. */
  holdBack(held: boolean): void {
    if (held === this.heldBack) return
    this.heldBack = held
    if (held) this.client.pause()
    else if (!this.paused) this.client.resume()
  }

  putOff(run: () => void): void {
    this.client.putOff(run)
  }

  admit(): void {
    this.client.admit()
  }

  end(by: string): void {
    this.client.end(by)
  }

  close(by: string): void {
    this.client.close(by)
  }

  misbehaved(message: string, error?: DecodeError): void {
    this.client.misbehaved(message, error)
  }
}
