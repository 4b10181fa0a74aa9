/** A client of the text protocol in tests: sends what it is told, and waits for so much. Texts are bytes as Latin-1. */
import * as Net from "node:net"

const patience = 5_000

/** One connection. */
export class TextLine {
  readonly socket: Net.Socket
  received = ""
  closed = false
  private wake = (): void => {}

  private constructor(socket: Net.Socket) {
    this.socket = socket
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      this.received += chunk
      this.wake()
    }).on("error", () => {}).on("close", () => {
      this.closed = true
      this.wake()
    })
  }

  static connect(to: number | string): Promise<TextLine> {
    return new Promise((resolve, reject) => {
      const options = typeof to === "string" ? { path: to } : { port: to, host: "127.0.0.1", noDelay: true }
      const socket = Net.connect(options, () => resolve(new TextLine(socket)))
      socket.once("error", reject)
    })
  }

  send(text: string): void {
    this.socket.write(text, "latin1")
  }

  /** Sends lines, and has everything up to the answer of the barrier behind them. */
  async ask(text: string): Promise<string> {
    this.send(`${text}mn\r\n`)
    return (await this.until("MN\r\n")).slice(0, -"MN\r\n".length)
  }

  /** Everything up to this. */
  async until(end: string): Promise<string> {
    await this.wait(() => this.received.includes(end))
    const at = this.received.indexOf(end) + end.length
    const taken = this.received.slice(0, at)
    this.received = this.received.slice(at)
    return taken
  }

  /** Everything up to the connection's end. */
  async rest(): Promise<string> {
    await this.wait(() => this.closed)
    return this.received
  }

  end(): void {
    this.socket.destroy()
  }

  /** Waits until it is enough, it is closed, or nothing more comes for so long. */
  async settle(enough: () => boolean, milliseconds: number): Promise<void> {
    for (let silent = false; !enough() && !this.closed && !silent;) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          silent = true
          resolve()
        }, milliseconds)
        this.wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  private async wait(enough: () => boolean): Promise<void> {
    await this.settle(enough, patience)
    if (!enough()) throw new Error(`${this.closed ? "closed" : "nothing more"} after ${JSON.stringify(this.received.slice(-200))}`)
  }
}
