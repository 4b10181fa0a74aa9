/** Addresses of servers, as captures spell them. Pure. */

/** A server: a port of any host, or of one. */
export interface Endpoint {
  /** `127.0.0.1`, `[::1]`. */
  readonly host?: string
  readonly port: number
}

/** Whether `address:port` is one of these servers. */
export const isAmong = (servers: ReadonlyArray<Endpoint>, address: string): boolean => {
  const at = address.lastIndexOf(":")
  const [host, port] = [address.slice(0, at), Number(address.slice(at + 1))]
  return servers.some((one) => one.port === port && (one.host === undefined || one.host === host))
}
