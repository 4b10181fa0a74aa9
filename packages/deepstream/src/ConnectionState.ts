/**
 * The states of a connection, as deepstream's clients name them, and what leads from one to another.
 *
 * The table is all there is: the session asks it, and the picture in the guide is made from it.
 */

/** States of a connection. */
export type ConnectionState =
  /** No connection, and none wanted: not yet connected, logged out, or given up. */
  | "CLOSED"
  /** The socket is open; the server has not said anything. */
  | "AWAITING_CONNECTION"
  /** The server challenged the client. */
  | "CHALLENGING"
  /** The server takes a login. */
  | "AWAITING_AUTHENTICATION"
  /** The login is on its way. */
  | "AUTHENTICATING"
  /** Logged in. */
  | "OPEN"
  /** The connection broke. */
  | "ERROR"
  /** The next attempt to connect comes, or is being made. */
  | "RECONNECTING"

/** What changes the state. */
export type ConnectionInput =
  | "socket open"
  | "challenge"
  | "accepted"
  | "redirected"
  | "login sent"
  | "login accepted"
  | "login refused"
  | "broken"
  | "retry"
  | "closed"

/** Where each input leads. What a state does not have cannot happen in it. */
export const transitions: { readonly [State in ConnectionState]: { readonly [Input in ConnectionInput]?: ConnectionState } } = {
  CLOSED: {
    "socket open": "AWAITING_CONNECTION",
    broken: "ERROR",
    closed: "CLOSED"
  },
  AWAITING_CONNECTION: {
    challenge: "CHALLENGING",
    accepted: "AWAITING_AUTHENTICATION",
    "login refused": "AWAITING_AUTHENTICATION",
    redirected: "AWAITING_CONNECTION",
    broken: "ERROR",
    closed: "CLOSED"
  },
  CHALLENGING: {
    "socket open": "AWAITING_CONNECTION",
    accepted: "AWAITING_AUTHENTICATION",
    redirected: "CHALLENGING",
    "login refused": "AWAITING_AUTHENTICATION",
    broken: "ERROR",
    closed: "CLOSED"
  },
  AWAITING_AUTHENTICATION: {
    "login sent": "AUTHENTICATING",
    "login refused": "AWAITING_AUTHENTICATION",
    broken: "ERROR",
    closed: "CLOSED"
  },
  AUTHENTICATING: {
    "login accepted": "OPEN",
    "login refused": "AWAITING_AUTHENTICATION",
    broken: "ERROR",
    closed: "CLOSED"
  },
  OPEN: {
    broken: "ERROR",
    closed: "CLOSED"
  },
  ERROR: {
    retry: "RECONNECTING",
    closed: "CLOSED"
  },
  RECONNECTING: {
    "socket open": "AWAITING_CONNECTION",
    broken: "ERROR",
    closed: "CLOSED"
  }
}

/** The table as a Mermaid state diagram. */
export const diagram = (): string => {
  const lines = ["stateDiagram-v2", "  [*] --> CLOSED"]
  for (const [from, inputs] of Object.entries(transitions)) {
    const labels = new Map<string, Array<string>>()
    for (const [input, to] of Object.entries(inputs)) labels.set(to, [...labels.get(to) ?? [], input])
    for (const [to, names] of labels) if (from !== to) lines.push(`  ${from} --> ${to}: ${names.join(", ")}`)
  }
  return lines.join("\n")
}
