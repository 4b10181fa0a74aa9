/**
 * Memory that the clients of a server make it hold, all together: unfinished frames, frames that wait to be handled, answers that wait to be
 * read. When it is too much, whoever has the most of it has to go. Pure.
 */

/** Somebody for whom bytes are held. */
export interface Holder {
  /** Bytes held now. */
  readonly holding: number
  /** Bytes when they were last noted; kept here by `HeldMemory`. */
  noted: number
}

/** What is held for clients. */
export class HeldMemory<Client extends Holder> {
  /** Most bytes for all clients together. */
  readonly limit: number
  private readonly clients = new Set<Client>()
  private total = 0

  constructor(limit: number) {
    this.limit = limit
  }

  /** Bytes held, as far as they were noted. */
  get bytes(): number {
    return this.total
  }

  /** Takes note of what is held for a client. Returns whether it may be too much for all, which `largest` knows. */
  note(client: Client): boolean {
    const { holding } = client
    if (holding === client.noted) return false
    if (client.noted === 0) this.clients.add(client)
    else if (holding === 0) this.clients.delete(client)
    this.total += holding - client.noted
    client.noted = holding
    return this.total > this.limit
  }

  /** Nothing is held for a client any more. */
  forget(client: Client): void {
    this.total -= client.noted
    client.noted = 0
    this.clients.delete(client)
  }

  /** Who has the most, if all together have too much; what was read meanwhile is counted no more. */
  largest(): Client | undefined {
    let largest: Client | undefined
    for (const client of this.clients) {
      this.note(client)
      if (largest === undefined || client.noted > largest.noted) largest = client
    }
    return this.total > this.limit ? largest : undefined
  }
}
