/** The end of the present turn of the event loop: after everything that runs in it, before timers of the next. */

interface Globals {
  readonly setImmediate?: (run: () => void) => void
  readonly MessageChannel?: new() => {
    readonly port1: { onmessage: (() => void) | null }
    readonly port2: { postMessage: (message: unknown) => void }
  }
  readonly setTimeout: (run: () => void, millis: number) => unknown
}

const { MessageChannel, setImmediate, setTimeout } = globalThis as unknown as Globals

const byChannel = (Channel: NonNullable<Globals["MessageChannel"]>): (run: () => void) => void => {
  const channel = new Channel()
  let waiting: Array<() => void> = []
  channel.port1.onmessage = () => {
    const now = waiting
    waiting = []
    for (const run of now) run()
  }
  return (run) => {
    if (waiting.push(run) === 1) channel.port2.postMessage(null)
  }
}

/** Runs it once the present turn is over. */
export const atEndOfTick: (run: () => void) => void = setImmediate !== undefined
  ? (run) => setImmediate(run)
  : MessageChannel !== undefined
  ? byChannel(MessageChannel)
  : (run) => void setTimeout(run, 0)
