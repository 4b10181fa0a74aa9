/** Topic U: who is connected. Source: presence*.feature; sessions with servers 2.4.1 to 7.0.2. */
import { array, json, literal, optional, tokens, utf8 } from "@wirewright/dsl"
import { clientMessage, integer, separator, serverMessage, shown } from "./Frame.ts"

/** Who is connected? */
export const presenceQueryAll = clientMessage("PresenceQueryAll", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("U"),
      actionIs: literal("Q"),
      all: literal("Q")
    })
  },
  examples: [{ origin: "presence-querying.feature", text: shown("U|Q|Q+") }]
})

/** Everybody who is connected, but not the client itself. */
export const presenceQueryAllAnswer = serverMessage("PresenceQueryAllAnswer", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("U"),
      actionIs: literal("Q"),
      /** User names. */
      users: array(utf8())
    })
  },
  examples: [
    { origin: "presence-querying.feature", text: shown("U|Q|Homer|Marge|Bart+"), fields: { users: ["Homer", "Marge", "Bart"] } },
    { origin: "presence-querying.feature", text: shown("U|Q+"), fields: { users: [] } }
  ]
})

/** Are these users connected? Since server 3.0. */
export const presenceQuery = clientMessage("PresenceQuery", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("U"),
      actionIs: literal("Q"),
      /** Correlates question and answer. */
      id: integer,
      /** Array of user names. */
      users: json()
    })
  },
  examples: [{
    origin: "presence-querying.feature",
    text: shown(`U|Q|1|["userA","userB"]+`),
    fields: { id: 1, users: `["userA","userB"]` }
  }]
})

/** Which of the users are connected. */
export const presenceQueryAnswer = serverMessage("PresenceQueryAnswer", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("U"),
      actionIs: literal("Q"),
      /** Correlates question and answer. */
      id: integer,
      /** Object of user name to truth value. */
      online: json()
    })
  },
  examples: [
    {
      origin: "presence-querying.feature",
      text: shown(`U|Q|1|{"userA": false, "userB": true}+`),
      fields: { id: 1, online: `{"userA": false, "userB": true}` }
    }
  ]
})

/** Tell me when anybody joins or leaves. */
export const presenceSubscribeAll = clientMessage("PresenceSubscribeAll", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("U"),
      actionIs: literal("S"),
      all: literal("S")
    })
  },
  examples: [{ origin: "presence-subscriptions-all.feature", text: shown("U|S|S+") }]
})

/** Ends PresenceSubscribeAll. */
export const presenceUnsubscribeAll = clientMessage("PresenceUnsubscribeAll", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("U"),
      actionIs: literal("US"),
      all: literal("US")
    })
  },
  examples: [{ origin: "presence-subscriptions-all.feature", text: shown("U|US|US+") }]
})

/** Tell me when one of these users joins or leaves. */
export const presenceSubscribe = clientMessage("PresenceSubscribe", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("U"),
      actionIs: literal("S"),
      /** Correlates question and answer. */
      id: integer,
      /** Array of user names. */
      users: json()
    })
  },
  examples: [{ origin: "presence-subscriptions-individual.feature", text: shown(`U|S|1|["userA","userB"]+`), fields: { id: 1 } }]
})

/** Ends PresenceSubscribe for these users. */
export const presenceUnsubscribe = clientMessage("PresenceUnsubscribe", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("U"),
      actionIs: literal("US"),
      /** Correlates question and answer. */
      id: integer,
      /** Array of user names. */
      users: json()
    })
  },
  examples: [{ origin: "presence-subscriptions-individual.feature", text: shown(`U|US|2|["userA"]+`), fields: { id: 2 } }]
})

/** A user joined. Sent twice to who subscribed to all and to the user. */
export const presenceJoin = serverMessage("PresenceJoin", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("U"),
      actionIs: literal("PNJ"),
      /** Who. */
      user: utf8()
    })
  },
  examples: [{ origin: "presence-subscriptions-all.feature", text: shown("U|PNJ|userA+"), fields: { user: "userA" } }]
})

/** A user left. Sent twice to who subscribed to all and to the user. */
export const presenceLeave = serverMessage("PresenceLeave", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("U"),
      actionIs: literal("PNL"),
      /** Who. */
      user: utf8()
    })
  },
  examples: [{ origin: "presence-subscriptions-individual.feature", text: shown("U|PNL|userB+"), fields: { user: "userB" } }]
})

/** The server did what the client asked for. */
export const presenceAck = serverMessage("PresenceAck", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("U"),
      actionIs: literal("A"),
      /** What is acknowledged: S or US. */
      action: utf8(),
      /** The action again, U, the id or a user name: servers disagree. */
      subject: utf8(),
      /** The text undefined, from servers 5 to 7. */
      extra: optional(utf8())
    })
  },
  examples: [
    { origin: "presence-subscriptions-all.feature", text: shown("U|A|S|S+"), fields: { action: "S", subject: "S" } },
    { origin: "presence-subscriptions-individual.feature", text: shown("U|A|S|1+"), fields: { subject: "1" } },
    { origin: "deepstream-messages.json, answer of servers 5-7", text: shown("U|A|S|1|undefined+"), fields: { extra: "undefined" } }
  ]
})

/** The permission handler refuses. */
export const presenceMessageDenied = serverMessage("PresenceMessageDenied", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("U"),
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
    { origin: "deepstream-messages.json, layout", text: shown("U|E|MESSAGE_DENIED|U|S+"), fields: { subject: "U", action: "S", rest: [] } }
  ]
})

/** The permission handler failed. */
export const presencePermissionError = serverMessage("PresencePermissionError", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("U"),
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
  examples: [{
    origin: "deepstream-messages.json, layout",
    text: shown("U|E|MESSAGE_PERMISSION_ERROR|U|S|more+"),
    fields: { rest: ["more"] }
  }]
})

/** The client subscribed to this already. */
export const presenceMultipleSubscriptions = serverMessage("PresenceMultipleSubscriptions", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("U"),
      actionIs: literal("E"),
      code: literal("MULTIPLE_SUBSCRIPTIONS"),
      /** What it subscribed to; U for all users. */
      name: utf8()
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: shown("U|E|MULTIPLE_SUBSCRIPTIONS|U+"), fields: { name: "U" } }]
})

/** The client is not subscribed to this. */
export const presenceNotSubscribed = serverMessage("PresenceNotSubscribed", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("U"),
      actionIs: literal("E"),
      code: literal("NOT_SUBSCRIBED"),
      /** What it wanted to leave. */
      name: utf8()
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: shown("U|E|NOT_SUBSCRIBED|U+") }]
})

/** The server could not read the user names. */
export const presenceInvalidUsers = serverMessage("PresenceInvalidUsers", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("U"),
      actionIs: literal("E"),
      code: literal("INVALID_PRESENCE_USERS"),
      /** An explanation. */
      text: utf8()
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: shown("U|E|INVALID_PRESENCE_USERS|US+") }]
})

/** Any other error of presence. */
export const presenceError = serverMessage("PresenceError", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("U"),
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
      text: shown("U|E|SOMETHING_ELSE|detail+"),
      fields: { code: "SOMETHING_ELSE", data: ["detail"] }
    }
  ]
})

/** All messages of topic U. */
export const presenceMessages = [
  presenceQueryAll,
  presenceQueryAllAnswer,
  presenceQuery,
  presenceQueryAnswer,
  presenceSubscribeAll,
  presenceUnsubscribeAll,
  presenceSubscribe,
  presenceUnsubscribe,
  presenceJoin,
  presenceLeave,
  presenceAck,
  presenceMessageDenied,
  presencePermissionError,
  presenceMultipleSubscriptions,
  presenceNotSubscribed,
  presenceInvalidUsers,
  presenceError
]
