/** What is recorded while the page is open: the server that the page came from streams a capture that does not end. */

/** What comes of it. */
export interface LiveEvents {
  readonly onChunk: (chunk: Uint8Array) => void
  /** It has ended; `why` is for people. */
  readonly onEnd: (why: string) => void
}

/** Asks for the stream. The address of the page holds the token, and the request has the page's origin. */
export const follow = async (address: string, { onChunk, onEnd }: LiveEvents): Promise<void> => {
  try {
    const { body, ok, status } = await fetch(address, { method: "POST", cache: "no-store", credentials: "omit", redirect: "error" })
    if (!ok || body === null) return onEnd(`The server refuses to stream (${status}).`)
    const reader = body.getReader()
    while (true) {
      const { done, value } = await reader.read()
      if (done) break
      onChunk(value)
    }
    onEnd("The recording has ended.")
  } catch {
    onEnd("The connection to the recording is lost.")
  }
}
