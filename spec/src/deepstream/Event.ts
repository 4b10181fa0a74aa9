/** Topic E: events. Source: events*.feature; sessions with servers 2.4.1 to 7.0.2. */
import { array, literal, optional, tokens, utf8 } from "@wirewright/dsl"
import { clientMessage, message, separator, serverMessage, shown, typed } from "./Frame.ts"

/** The client wants the events of this name. */
export const eventSubscribe = clientMessage("EventSubscribe", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("E"),
      actionIs: literal("S"),
      /** The event's name. */
      name: utf8()
    })
  },
  examples: [{ origin: "events.feature", text: shown("E|S|test1+"), fields: { name: "test1" } }]
})

/** The client no longer wants the events of this name. */
export const eventUnsubscribe = clientMessage("EventUnsubscribe", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("E"),
      actionIs: literal("US"),
      /** The event's name. */
      name: utf8()
    })
  },
  examples: [{ origin: "events.feature", text: shown("E|US|test1+") }]
})

/** An event. The server does not echo it to its sender and never acknowledges it. */
export const eventEmit = message("EventEmit", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("E"),
      actionIs: literal("EVT"),
      /** The event's name. */
      name: utf8(),
      /** What happened. */
      value: optional(typed)
    })
  },
  examples: [
    { origin: "events.feature", text: shown("E|EVT|test1|SsomeValue+"), fields: { name: "test1", value: "SsomeValue" } },
    { origin: "deepstream-messages.json, layout without a value", text: shown("E|EVT|test1+"), fields: { name: "test1" } }
  ]
})

/** The server did what the client asked for. */
export const eventAck = serverMessage("EventAck", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("E"),
      actionIs: literal("A"),
      /** What is acknowledged: S, US, L or UL. */
      action: utf8(),
      /** The name or pattern. */
      subject: utf8()
    })
  },
  examples: [
    { origin: "events.feature", text: shown("E|A|S|test1+"), fields: { action: "S", subject: "test1" } },
    { origin: "events-listen.feature", text: shown("E|A|L|eventPrefix/.*+") }
  ]
})

/** The client wants to know when somebody subscribes to events like this. */
export const eventListen = clientMessage("EventListen", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("E"),
      actionIs: literal("L"),
      /** A regular expression over names. */
      pattern: utf8()
    })
  },
  examples: [{ origin: "events-listen.feature", text: shown("E|L|eventPrefix/.*+"), fields: { pattern: "eventPrefix/.*" } }]
})

/** The client no longer wants to know. */
export const eventUnlisten = clientMessage("EventUnlisten", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("E"),
      actionIs: literal("UL"),
      /** A regular expression over names. */
      pattern: utf8()
    })
  },
  examples: [{ origin: "events-listen.feature", text: shown("E|UL|eventPrefix/.*+") }]
})

/** Somebody subscribed to a name that matches; the client accepts or rejects within 500 ms. */
export const eventPatternFound = serverMessage("EventPatternFound", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("E"),
      actionIs: literal("SP"),
      /** A regular expression over names. */
      pattern: utf8(),
      /** The name that matches. */
      name: utf8()
    })
  },
  examples: [
    {
      origin: "events-listen.feature",
      text: shown("E|SP|eventPrefix/.*|eventPrefix/foundAMatch+"),
      fields: { pattern: "eventPrefix/.*", name: "eventPrefix/foundAMatch" }
    }
  ]
})

/** Nobody subscribes to this name any more. */
export const eventPatternRemoved = serverMessage("EventPatternRemoved", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("E"),
      actionIs: literal("SR"),
      /** A regular expression over names. */
      pattern: utf8(),
      /** The name that matches. */
      name: utf8()
    })
  },
  examples: [{ origin: "events-listen.feature", text: shown("E|SR|eventPrefix/.*|eventPrefix/foundAMatch+") }]
})

/** The client will provide this name. */
export const eventListenAccept = clientMessage("EventListenAccept", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("E"),
      actionIs: literal("LA"),
      /** A regular expression over names. */
      pattern: utf8(),
      /** The name that matches. */
      name: utf8()
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: shown("E|LA|eventPrefix/.*|eventPrefix/foundAMatch+") }]
})

/** The client will not provide this name. */
export const eventListenReject = clientMessage("EventListenReject", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("E"),
      actionIs: literal("LR"),
      /** A regular expression over names. */
      pattern: utf8(),
      /** The name that matches. */
      name: utf8()
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: shown("E|LR|eventPrefix/.*|eventPrefix/foundAMatch+") }]
})

/** The permission handler refuses. */
export const eventMessageDenied = serverMessage("EventMessageDenied", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("E"),
      actionIs: literal("E"),
      code: literal("MESSAGE_DENIED"),
      /** What the client asked about. */
      subject: utf8(),
      /** What the client asked for. */
      action: utf8(),
      /** Remaining fields of the client's message. */
      rest: array(utf8())
    })
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: shown("E|E|MESSAGE_DENIED|test1|S+"),
      fields: { subject: "test1", action: "S", rest: [] }
    }
  ]
})

/** The permission handler failed. */
export const eventPermissionError = serverMessage("EventPermissionError", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("E"),
      actionIs: literal("E"),
      code: literal("MESSAGE_PERMISSION_ERROR"),
      /** What the client asked about. */
      subject: utf8(),
      /** What the client asked for. */
      action: utf8(),
      /** Remaining fields of the client's message. */
      rest: array(utf8())
    })
  },
  examples: [
    { origin: "deepstream-messages.json, layout", text: shown("E|E|MESSAGE_PERMISSION_ERROR|test1|S|more+"), fields: { rest: ["more"] } }
  ]
})

/** The client subscribed to this already. */
export const eventMultipleSubscriptions = serverMessage("EventMultipleSubscriptions", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("E"),
      actionIs: literal("E"),
      code: literal("MULTIPLE_SUBSCRIPTIONS"),
      /** What it subscribed to. */
      name: utf8()
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: shown("E|E|MULTIPLE_SUBSCRIPTIONS|test1+"), fields: { name: "test1" } }]
})

/** The client is not subscribed to this. */
export const eventNotSubscribed = serverMessage("EventNotSubscribed", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("E"),
      actionIs: literal("E"),
      code: literal("NOT_SUBSCRIBED"),
      /** What it wanted to leave. */
      name: utf8()
    })
  },
  examples: [{ origin: "event-misc.feature", text: shown("E|E|NOT_SUBSCRIBED|test3+") }]
})

/** The server could not use the message. */
export const eventInvalidMessageData = serverMessage("EventInvalidMessageData", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("E"),
      actionIs: literal("E"),
      code: literal("INVALID_MESSAGE_DATA"),
      /** The message, or its fields. */
      original: array(utf8())
    })
  },
  examples: [
    { origin: "deepstream-messages.json, layout", text: shown("E|E|INVALID_MESSAGE_DATA|test1|x+"), fields: { original: ["test1", "x"] } }
  ]
})

/** The server does not know the action. */
export const eventUnknownAction = serverMessage("EventUnknownAction", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("E"),
      actionIs: literal("E"),
      code: literal("UNKNOWN_ACTION"),
      /** An explanation. */
      text: utf8()
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout (server source)", text: shown("E|E|UNKNOWN_ACTION|unknown action XXX+") }]
})

/** Any other error of events. */
export const eventError = serverMessage("EventError", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("E"),
      actionIs: literal("E"),
      /** What went wrong. */
      code: utf8(),
      /** What the code asks for. */
      data: array(utf8())
    })
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout of topic errors",
      text: shown("E|E|SOMETHING_ELSE|detail+"),
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
