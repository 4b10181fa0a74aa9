/**
 * The rules by which a server answers: in the order of the requests, and of quiet requests only what they ask to be told.
 *
 * Requests may be finished in any order; what is finished early waits for its turn. Pure: it holds answers and hands them to its sink, and
 * knows neither packets nor sockets. Source: memcached `doc/protocol-binary.txt`, kv_engine `docs/BinaryProtocol.md`, "quiet".
 */
import type { CommandTable, StatusTable } from "@wirewright/codec"

/** Whether a request's outcome goes unanswered: misses of quiet reads, success of quiet writes. */
export const isSilent = (
  { commands, statuses }: { readonly commands: CommandTable; readonly statuses: StatusTable },
  opcode: number,
  status: number
): boolean => {
  const quiet = commands[opcode]?.quiet
  return quiet !== undefined && statuses[status]?.retry === quiet
}

/** Receives what leaves a session. */
export interface SessionSink<Answer> {
  /** Sends an answer. */
  readonly answer: (answer: Answer) => void
  /** The last answer was sent: the client asked to be disconnected, or must be. */
  readonly end: () => void
  /** No more requests until `resume`. */
  readonly pause: () => void
  readonly resume: () => void
}

/** A request that is answered later. */
export interface Later<Answer> {
  /** Answers it, once; nothing more is said of it. `last`: the session ends with it. */
  readonly finish: (answer: Answer | undefined, last?: boolean) => void
  /** Sends one of several answers, in its turn; before its turn, and after its end, nothing is sent. */
  readonly part: (answer: Answer) => void
}

/** A request that is not answered yet. */
interface Turn<Answer> {
  finished: boolean
  /** Called when all requests before it are answered. */
  readonly reached: (() => void) | undefined
  /** Absent when the request is passed over in silence. */
  answer: Answer | undefined
  last: boolean
}

/** Keeps the answers of one connection in order. */
export class ServerSession<Answer> {
  private readonly sink: SessionSink<Answer>
  private readonly maxInFlight: number
  private turns: Array<Turn<Answer>> = []
  private next = 0
  private paused = false
  private ending = false

  constructor(sink: SessionSink<Answer>, maxInFlight = 1024) {
    this.sink = sink
    this.maxInFlight = maxInFlight
  }

  /** Requests that are not answered. */
  get inFlight(): number {
    return this.turns.length - this.next
  }

  /** The last request was received; whatever else comes is to be dropped. */
  get ended(): boolean {
    return this.ending
  }

  /** Answers a request at once, or as soon as those before it are. */
  finish(answer: Answer | undefined, last = false): void {
    if (this.ending) return
    if (last) this.ending = true
    if (this.inFlight > 0) this.turns.push({ finished: true, reached: undefined, answer, last })
    else this.send(answer, last)
  }

  /** Takes a request that is answered later. `reached` is called once when all before it are answered, maybe at once. */
  begin(reached?: () => void): Later<Answer> {
    const turn: Turn<Answer> = { finished: false, reached, answer: undefined, last: false }
    const isNext = this.inFlight === 0
    this.turns.push(turn)
    if (this.inFlight >= this.maxInFlight && !this.paused) {
      this.paused = true
      this.sink.pause()
    }
    if (isNext) reached?.()
    return {
      finish: (answer, last = false) => {
        if (turn.finished) return
        turn.finished = true
        turn.answer = answer
        turn.last = last
        if (last) this.ending = true
        if (this.turns[this.next] === turn) this.advance()
      },
      part: (answer) => {
        if (!turn.finished && this.turns[this.next] === turn) this.sink.answer(answer)
      }
    }
  }

  /** Forgets everything: the client is gone. */
  clear(): void {
    this.ending = true
    this.turns = []
    this.next = 0
  }

  private send(answer: Answer | undefined, last: boolean): void {
    if (answer !== undefined) this.sink.answer(answer)
    if (last) this.sink.end()
  }

  private advance(): void {
    for (let turn = this.turns[this.next]; turn?.finished === true; turn = this.turns[this.next]) {
      this.next++
      this.send(turn.answer, turn.last)
      if (turn.last) return this.clear()
    }
    const reached = this.turns[this.next]?.reached
    if (this.next === this.turns.length) {
      this.turns.length = 0
      this.next = 0
    } else if (this.next >= 1024) {
      this.turns = this.turns.slice(this.next)
      this.next = 0
    }
    if (this.paused && this.inFlight <= this.maxInFlight / 2) {
      this.paused = false
      this.sink.resume()
    }
    reached?.()
  }
}
