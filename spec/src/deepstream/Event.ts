/** Topic E: events. Source: events*.feature; sessions with servers 2.4.1 to 7.0.2. */
import { message, part } from "@wirewright/dsl"

/** The client wants the events of this name. */
export const eventSubscribe = message("EventSubscribe", {
  head: ["E", "S"],
  sender: "client",
  fields: {
    /** The event's name. */
    name: part.text
  },
  examples: [{ origin: "events.feature", text: "E|S|test1+", fields: { name: "test1" } }]
})

/** The client no longer wants the events of this name. */
export const eventUnsubscribe = message("EventUnsubscribe", {
  head: ["E", "US"],
  sender: "client",
  fields: {
    /** The event's name. */
    name: part.text
  },
  examples: [{ origin: "events.feature", text: "E|US|test1+" }]
})

/** An event. The server does not echo it to its sender and never acknowledges it. */
export const eventEmit = message("EventEmit", {
  head: ["E", "EVT"],
  fields: {
    /** The event's name. */
    name: part.text,
    /** What happened. */
    value: part.optional(part.typed)
  },
  examples: [
    { origin: "events.feature", text: "E|EVT|test1|SsomeValue+", fields: { name: "test1", value: "SsomeValue" } },
    { origin: "deepstream-messages.json, layout without a value", text: "E|EVT|test1+", fields: { name: "test1" } }
  ]
})

/** The server did what the client asked for. */
export const eventAck = message("EventAck", {
  head: ["E", "A"],
  sender: "server",
  fields: {
    /** What is acknowledged: S, US, L or UL. */
    action: part.text,
    /** The name or pattern. */
    subject: part.text
  },
  examples: [
    { origin: "events.feature", text: "E|A|S|test1+", fields: { action: "S", subject: "test1" } },
    { origin: "events-listen.feature", text: "E|A|L|eventPrefix/.*+" }
  ]
})

/** The client wants to know when somebody subscribes to events like this. */
export const eventListen = message("EventListen", {
  head: ["E", "L"],
  sender: "client",
  fields: {
    /** A regular expression over names. */
    pattern: part.text
  },
  examples: [{ origin: "events-listen.feature", text: "E|L|eventPrefix/.*+", fields: { pattern: "eventPrefix/.*" } }]
})

/** The client no longer wants to know. */
export const eventUnlisten = message("EventUnlisten", {
  head: ["E", "UL"],
  sender: "client",
  fields: {
    /** A regular expression over names. */
    pattern: part.text
  },
  examples: [{ origin: "events-listen.feature", text: "E|UL|eventPrefix/.*+" }]
})

/** Somebody subscribed to a name that matches; the client accepts or rejects within 500 ms. */
export const eventPatternFound = message("EventPatternFound", {
  head: ["E", "SP"],
  sender: "server",
  fields: {
    /** A regular expression over names. */
    pattern: part.text,
    /** The name that matches. */
    name: part.text
  },
  examples: [
    {
      origin: "events-listen.feature",
      text: "E|SP|eventPrefix/.*|eventPrefix/foundAMatch+",
      fields: { pattern: "eventPrefix/.*", name: "eventPrefix/foundAMatch" }
    }
  ]
})

/** Nobody subscribes to this name any more. */
export const eventPatternRemoved = message("EventPatternRemoved", {
  head: ["E", "SR"],
  sender: "server",
  fields: {
    /** A regular expression over names. */
    pattern: part.text,
    /** The name that matches. */
    name: part.text
  },
  examples: [{ origin: "events-listen.feature", text: "E|SR|eventPrefix/.*|eventPrefix/foundAMatch+" }]
})

/** The client will provide this name. */
export const eventListenAccept = message("EventListenAccept", {
  head: ["E", "LA"],
  sender: "client",
  fields: {
    /** A regular expression over names. */
    pattern: part.text,
    /** The name that matches. */
    name: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: "E|LA|eventPrefix/.*|eventPrefix/foundAMatch+" }]
})

/** The client will not provide this name. */
export const eventListenReject = message("EventListenReject", {
  head: ["E", "LR"],
  sender: "client",
  fields: {
    /** A regular expression over names. */
    pattern: part.text,
    /** The name that matches. */
    name: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: "E|LR|eventPrefix/.*|eventPrefix/foundAMatch+" }]
})

/** The permission handler refuses. */
export const eventMessageDenied = message("EventMessageDenied", {
  head: ["E", "E"],
  sender: "server",
  fields: {
    code: part.literal("MESSAGE_DENIED"),
    /** What the client asked about. */
    subject: part.text,
    /** What the client asked for. */
    action: part.text,
    /** Remaining fields of the client's message. */
    rest: part.rest()
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: "E|E|MESSAGE_DENIED|test1|S+",
      fields: { subject: "test1", action: "S", rest: [] }
    }
  ]
})

/** The permission handler failed. */
export const eventPermissionError = message("EventPermissionError", {
  head: ["E", "E"],
  sender: "server",
  fields: {
    code: part.literal("MESSAGE_PERMISSION_ERROR"),
    /** What the client asked about. */
    subject: part.text,
    /** What the client asked for. */
    action: part.text,
    /** Remaining fields of the client's message. */
    rest: part.rest()
  },
  examples: [
    { origin: "deepstream-messages.json, layout", text: "E|E|MESSAGE_PERMISSION_ERROR|test1|S|more+", fields: { rest: ["more"] } }
  ]
})

/** The client subscribed to this already. */
export const eventMultipleSubscriptions = message("EventMultipleSubscriptions", {
  head: ["E", "E"],
  sender: "server",
  fields: {
    code: part.literal("MULTIPLE_SUBSCRIPTIONS"),
    /** What it subscribed to. */
    name: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: "E|E|MULTIPLE_SUBSCRIPTIONS|test1+", fields: { name: "test1" } }]
})

/** The client is not subscribed to this. */
export const eventNotSubscribed = message("EventNotSubscribed", {
  head: ["E", "E"],
  sender: "server",
  fields: {
    code: part.literal("NOT_SUBSCRIBED"),
    /** What it wanted to leave. */
    name: part.text
  },
  examples: [{ origin: "event-misc.feature", text: "E|E|NOT_SUBSCRIBED|test3+" }]
})

/** The server could not use the message. */
export const eventInvalidMessageData = message("EventInvalidMessageData", {
  head: ["E", "E"],
  sender: "server",
  fields: {
    code: part.literal("INVALID_MESSAGE_DATA"),
    /** The message, or its fields. */
    original: part.rest()
  },
  examples: [
    { origin: "deepstream-messages.json, layout", text: "E|E|INVALID_MESSAGE_DATA|test1|x+", fields: { original: ["test1", "x"] } }
  ]
})

/** The server does not know the action. */
export const eventUnknownAction = message("EventUnknownAction", {
  head: ["E", "E"],
  sender: "server",
  fields: {
    code: part.literal("UNKNOWN_ACTION"),
    /** An explanation. */
    text: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout (server source)", text: "E|E|UNKNOWN_ACTION|unknown action XXX+" }]
})

/** Any other error of events. */
export const eventError = message("EventError", {
  head: ["E", "E"],
  sender: "server",
  fields: {
    /** What went wrong. */
    code: part.text,
    /** What the code asks for. */
    data: part.rest()
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout of topic errors",
      text: "E|E|SOMETHING_ELSE|detail+",
      fields: { code: "SOMETHING_ELSE", data: ["detail"] }
    }
  ]
})

/** All messages of topic E. */
export const eventMessages = [
  eventSubscribe,
  eventUnsubscribe,
  eventEmit,
  eventAck,
  eventListen,
  eventUnlisten,
  eventPatternFound,
  eventPatternRemoved,
  eventListenAccept,
  eventListenReject,
  eventMessageDenied,
  eventPermissionError,
  eventMultipleSubscriptions,
  eventNotSubscribed,
  eventInvalidMessageData,
  eventUnknownAction,
  eventError
]
