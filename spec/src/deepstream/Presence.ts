/** Topic U: who is connected. Source: presence*.feature; sessions with servers 2.4.1 to 7.0.2. */
import { message, part } from "@wirewright/dsl"

/** Who is connected? */
export const presenceQueryAll = message("PresenceQueryAll", {
  head: ["U", "Q"],
  sender: "client",
  fields: {
    all: part.literal("Q")
  },
  examples: [{ origin: "presence-querying.feature", text: "U|Q|Q+" }]
})

/** Everybody who is connected, but not the client itself. */
export const presenceQueryAllAnswer = message("PresenceQueryAllAnswer", {
  head: ["U", "Q"],
  sender: "server",
  fields: {
    /** User names. */
    users: part.rest()
  },
  examples: [
    { origin: "presence-querying.feature", text: "U|Q|Homer|Marge|Bart+", fields: { users: ["Homer", "Marge", "Bart"] } },
    { origin: "presence-querying.feature", text: "U|Q+", fields: { users: [] } }
  ]
})

/** Are these users connected? Since server 3.0. */
export const presenceQuery = message("PresenceQuery", {
  head: ["U", "Q"],
  sender: "client",
  fields: {
    /** Correlates question and answer. */
    id: part.integer,
    /** Array of user names. */
    users: part.json
  },
  examples: [{ origin: "presence-querying.feature", text: `U|Q|1|["userA","userB"]+`, fields: { id: 1, users: `["userA","userB"]` } }]
})

/** Which of the users are connected. */
export const presenceQueryAnswer = message("PresenceQueryAnswer", {
  head: ["U", "Q"],
  sender: "server",
  fields: {
    /** Correlates question and answer. */
    id: part.integer,
    /** Object of user name to truth value. */
    online: part.json
  },
  examples: [
    {
      origin: "presence-querying.feature",
      text: `U|Q|1|{"userA": false, "userB": true}+`,
      fields: { id: 1, online: `{"userA": false, "userB": true}` }
    }
  ]
})

/** Tell me when anybody joins or leaves. */
export const presenceSubscribeAll = message("PresenceSubscribeAll", {
  head: ["U", "S"],
  sender: "client",
  fields: {
    all: part.literal("S")
  },
  examples: [{ origin: "presence-subscriptions-all.feature", text: "U|S|S+" }]
})

/** Ends PresenceSubscribeAll. */
export const presenceUnsubscribeAll = message("PresenceUnsubscribeAll", {
  head: ["U", "US"],
  sender: "client",
  fields: {
    all: part.literal("US")
  },
  examples: [{ origin: "presence-subscriptions-all.feature", text: "U|US|US+" }]
})

/** Tell me when one of these users joins or leaves. */
export const presenceSubscribe = message("PresenceSubscribe", {
  head: ["U", "S"],
  sender: "client",
  fields: {
    /** Correlates question and answer. */
    id: part.integer,
    /** Array of user names. */
    users: part.json
  },
  examples: [{ origin: "presence-subscriptions-individual.feature", text: `U|S|1|["userA","userB"]+`, fields: { id: 1 } }]
})

/** Ends PresenceSubscribe for these users. */
export const presenceUnsubscribe = message("PresenceUnsubscribe", {
  head: ["U", "US"],
  sender: "client",
  fields: {
    /** Correlates question and answer. */
    id: part.integer,
    /** Array of user names. */
    users: part.json
  },
  examples: [{ origin: "presence-subscriptions-individual.feature", text: `U|US|2|["userA"]+`, fields: { id: 2 } }]
})

/** A user joined. Sent twice to who subscribed to all and to the user. */
export const presenceJoin = message("PresenceJoin", {
  head: ["U", "PNJ"],
  sender: "server",
  fields: {
    /** Who. */
    user: part.text
  },
  examples: [{ origin: "presence-subscriptions-all.feature", text: "U|PNJ|userA+", fields: { user: "userA" } }]
})

/** A user left. Sent twice to who subscribed to all and to the user. */
export const presenceLeave = message("PresenceLeave", {
  head: ["U", "PNL"],
  sender: "server",
  fields: {
    /** Who. */
    user: part.text
  },
  examples: [{ origin: "presence-subscriptions-individual.feature", text: "U|PNL|userB+", fields: { user: "userB" } }]
})

/** The server did what the client asked for. */
export const presenceAck = message("PresenceAck", {
  head: ["U", "A"],
  sender: "server",
  fields: {
    /** What is acknowledged: S or US. */
    action: part.text,
    /** The action again, U, the id or a user name: servers disagree. */
    subject: part.text,
    /** The text undefined, from servers 5 to 7. */
    extra: part.optional(part.text)
  },
  examples: [
    { origin: "presence-subscriptions-all.feature", text: "U|A|S|S+", fields: { action: "S", subject: "S" } },
    { origin: "presence-subscriptions-individual.feature", text: "U|A|S|1+", fields: { subject: "1" } },
    { origin: "deepstream-messages.json, answer of servers 5-7", text: "U|A|S|1|undefined+", fields: { extra: "undefined" } }
  ]
})

/** The permission handler refuses. */
export const presenceMessageDenied = message("PresenceMessageDenied", {
  head: ["U", "E"],
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
    { origin: "deepstream-messages.json, layout", text: "U|E|MESSAGE_DENIED|U|S+", fields: { subject: "U", action: "S", rest: [] } }
  ]
})

/** The permission handler failed. */
export const presencePermissionError = message("PresencePermissionError", {
  head: ["U", "E"],
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
  examples: [{ origin: "deepstream-messages.json, layout", text: "U|E|MESSAGE_PERMISSION_ERROR|U|S|more+", fields: { rest: ["more"] } }]
})

/** The client subscribed to this already. */
export const presenceMultipleSubscriptions = message("PresenceMultipleSubscriptions", {
  head: ["U", "E"],
  sender: "server",
  fields: {
    code: part.literal("MULTIPLE_SUBSCRIPTIONS"),
    /** What it subscribed to; U for all users. */
    name: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: "U|E|MULTIPLE_SUBSCRIPTIONS|U+", fields: { name: "U" } }]
})

/** The client is not subscribed to this. */
export const presenceNotSubscribed = message("PresenceNotSubscribed", {
  head: ["U", "E"],
  sender: "server",
  fields: {
    code: part.literal("NOT_SUBSCRIBED"),
    /** What it wanted to leave. */
    name: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: "U|E|NOT_SUBSCRIBED|U+" }]
})

/** The server could not read the user names. */
export const presenceInvalidUsers = message("PresenceInvalidUsers", {
  head: ["U", "E"],
  sender: "server",
  fields: {
    code: part.literal("INVALID_PRESENCE_USERS"),
    /** An explanation. */
    text: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: "U|E|INVALID_PRESENCE_USERS|US+" }]
})

/** Any other error of presence. */
export const presenceError = message("PresenceError", {
  head: ["U", "E"],
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
      text: "U|E|SOMETHING_ELSE|detail+",
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
