/**
 * What the management endpoint answers to which request. Pure but for the users, whose keys take a moment to derive: a request as data in, an
 * answer as data out. Sockets, bodies and limits are `ManagementServer`'s.
 *
 * Paths, form fields and the texts of refusals are those of Couchbase's REST interface, because clients search the texts for what went wrong.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { Administration, Attempt } from "./Administration.ts"
import type { AdministrationError, AdministrationReason } from "./AdministrationError.ts"
import { settingsOfForm } from "./BucketSettings.ts"
import {
  bucketInfo,
  type Described,
  groupInfo,
  manifestInfo,
  poolInfo,
  poolNodes,
  poolsInfo,
  rolesInfo,
  userInfo,
  whoami
} from "./ManagementAnswers.ts"
import type { Action } from "./Roles.ts"
import type { Domain, UserDirectory } from "./UserDirectory.ts"
import type { Users } from "./Users.ts"

/** What requests are answered from. */
export interface Management extends Described {
  readonly users: Users
  readonly administration: Administration
  readonly directory: UserDirectory
}

/** A request. */
export interface ManagementRequest {
  readonly method: string
  /** The path without query, split at `/` and decoded. */
  readonly path: ReadonlyArray<string>
  readonly form: ReadonlyMap<string, string>
  /** Who asks; nobody where no sign-in is needed. */
  readonly user: string | undefined
}

/** An answer. */
export interface ManagementAnswer {
  readonly status: number
  /** Text, or JSON of an object. */
  readonly body: string | object
  /** The answer is the map of this bucket, and again whenever it changes. */
  readonly stream?: string
}

type Answer = ManagementAnswer | Effect.Effect<ManagementAnswer>

interface Context {
  readonly management: Management
  readonly request: ManagementRequest
  /** The parts of the path that a route leaves open. */
  readonly names: ReadonlyArray<string>
}

interface Route {
  readonly method: string
  readonly path: ReadonlyArray<string>
  /** What the user must be allowed to do. */
  readonly needs: Action | undefined
  readonly answer: (context: Context) => Answer
}

const json = (body: object): ManagementAnswer => ({ status: 200, body })
const text = (status: number, body: string): ManagementAnswer => ({ status, body })
const empty = (status: number): ManagementAnswer => text(status, "")

/** What is answered where there is nothing. */
export const notFound = text(404, "Requested resource not found.\r\n")

const statusOf: { readonly [reason in AdministrationReason]: number } = {
  BucketExists: 400,
  BucketNotFound: 404,
  FlushDisabled: 400,
  ScopeExists: 400,
  ScopeNotFound: 404,
  CollectionExists: 400,
  CollectionNotFound: 404,
  NotAllowed: 400,
  LimitReached: 429,
  UserNotFound: 404,
  GroupNotFound: 404,
  InvalidArgument: 400
}

const refusal = ({ fields, message, reason }: AdministrationError): ManagementAnswer => {
  const status = statusOf[reason]
  if (reason === "BucketNotFound") return notFound
  // a JSON string
  if (reason === "UserNotFound" || reason === "GroupNotFound") return text(status, JSON.stringify(message))
  return { status, body: { errors: fields, summaries: {} } }
}

const answered = <A>(attempt: Attempt<A>, success: (value: A) => ManagementAnswer): ManagementAnswer =>
  Result.match(attempt, { onFailure: refusal, onSuccess: success })

const uid = (attempt: Attempt<bigint>): ManagementAnswer => answered(attempt, (value) => json({ uid: value.toString(16) }))

const answeredLater = (effect: Effect.Effect<void, AdministrationError>): Effect.Effect<ManagementAnswer> =>
  Effect.match(effect, { onFailure: refusal, onSuccess: () => empty(200) })

const collectionSettings = (form: ReadonlyMap<string, string>) => {
  const ttl = form.get("maxTTL")
  const history = form.get("history")
  return {
    // what is no number is out of range like any other
    maxTtl: ttl === undefined ? undefined : /^-?\d+$/.test(ttl) ? Number(ttl) : Number.NaN,
    history: history === undefined ? undefined : history === "true"
  }
}

const password = (form: ReadonlyMap<string, string>): Redacted.Redacted<string> | undefined => {
  const given = form.get("password")
  return given === undefined ? undefined : Redacted.make(given)
}

const isDomain = (name: string): name is Domain => name === "local" || name === "external"

const withDomain = ({ names }: Context, act: (domain: Domain, id: string) => Answer): Answer =>
  isDomain(names[0]!) ? act(names[0], names[1] ?? "") : text(404, JSON.stringify("Unknown user."))

const mapOf = ({ management: { administration, nodes, self, state }, names }: Context): ManagementAnswer =>
  answered(administration.bucket(names[0]!), (bucket) => text(200, state.map(nodes, self, bucket)))

const stream = ({ management: { administration }, names }: Context): ManagementAnswer =>
  answered(administration.bucket(names[0]!), ({ name }) => ({ status: 200, body: "", stream: name }))

const bucketPath = "/pools/default/buckets/*"
const collectionsPath = `${bucketPath}/scopes/*/collections`
const userPath = "/settings/rbac/users/*/*"
const groupPath = "/settings/rbac/groups/*"

const route = (method: string, path: string, needs: Action | undefined, answer: Route["answer"]): Route => ({
  method,
  path: path.split("/").slice(1),
  needs,
  answer
})

const routes: ReadonlyArray<Route> = [
  route("GET", "/", undefined, () => text(200, "Wirewright: a Couchbase-like node in memory\n")),
  route(
    "GET",
    "/whoami",
    undefined,
    ({ management: { users }, request: { user } }) =>
      json(whoami(user, user !== undefined && users.own.has(user), user === undefined ? [] : users.roles(user)))
  ),
  route(
    "GET",
    "/pools",
    undefined,
    ({ management, request: { user } }) => json(poolsInfo(management, management.users.permits(user, "administer")))
  ),
  route("GET", "/pools/default", undefined, ({ management }) => json(poolInfo(management))),
  route("POST", "/pools/default", "administer", ({ management: { state }, request: { form } }) => {
    const name = form.get("clusterName")
    if (name !== undefined && name.length > 256) return { status: 400, body: { errors: { clusterName: "It is too long" } } }
    if (name !== undefined) state.rename(name)
    return empty(200)
  }),
  route("GET", "/pools/nodes", undefined, ({ management }) => json(poolNodes(management))),
  route(
    "GET",
    "/pools/default/nodeServices",
    undefined,
    ({ management: { nodes, self, state } }) => text(200, state.map(nodes, self, undefined))
  ),
  route("GET", "/pools/default/b/*", undefined, mapOf),
  route("GET", "/pools/default/bs/*", undefined, stream),
  route("GET", "/pools/default/bucketsStreaming/*", undefined, stream),
  route(
    "GET",
    "/pools/default/buckets",
    undefined,
    ({ management }) => json([...management.state.buckets.values()].map((bucket) => bucketInfo(management, bucket)))
  ),
  route(
    "POST",
    "/pools/default/buckets",
    "administer",
    ({ management: { administration }, request: { form } }) =>
      answered(administration.createBucket(form.get("name") ?? "", settingsOfForm(form)), () => empty(202))
  ),
  route(
    "GET",
    bucketPath,
    undefined,
    ({ management, names }) => answered(management.administration.bucket(names[0]!), (bucket) => json(bucketInfo(management, bucket)))
  ),
  route(
    "POST",
    bucketPath,
    "administer",
    ({ management: { administration }, names, request: { form } }) =>
      answered(administration.updateBucket(names[0]!, settingsOfForm(form)), () => empty(200))
  ),
  route(
    "DELETE",
    bucketPath,
    "administer",
    ({ management: { administration }, names }) => answered(administration.dropBucket(names[0]!), () => empty(200))
  ),
  route(
    "POST",
    `${bucketPath}/controller/doFlush`,
    "administer",
    ({ management: { administration }, names }) => answered(administration.flushBucket(names[0]!), () => empty(200))
  ),
  route(
    "GET",
    `${bucketPath}/scopes`,
    undefined,
    ({ management: { administration }, names }) =>
      answered(administration.bucket(names[0]!), ({ manifest }) => json(manifestInfo(manifest)))
  ),
  route(
    "POST",
    `${bucketPath}/scopes`,
    "administerScopes",
    ({ management: { administration }, names, request: { form } }) => uid(administration.createScope(names[0]!, form.get("name") ?? ""))
  ),
  route(
    "DELETE",
    `${bucketPath}/scopes/*`,
    "administerScopes",
    ({ management: { administration }, names }) => uid(administration.dropScope(names[0]!, names[1]!))
  ),
  route(
    "POST",
    collectionsPath,
    "administerScopes",
    ({ management: { administration }, names, request: { form } }) =>
      uid(administration.createCollection(names[0]!, names[1]!, form.get("name") ?? "", collectionSettings(form)))
  ),
  route(
    "PATCH",
    `${collectionsPath}/*`,
    "administerScopes",
    ({ management: { administration }, names, request: { form } }) =>
      uid(administration.updateCollection(names[0]!, names[1]!, names[2]!, collectionSettings(form)))
  ),
  route(
    "DELETE",
    `${collectionsPath}/*`,
    "administerScopes",
    ({ management: { administration }, names }) => uid(administration.dropCollection(names[0]!, names[1]!, names[2]!))
  ),
  route(
    "GET",
    "/settings/rbac/users",
    "readUsers",
    ({ management: { directory } }) => json(directory.list().map((user) => userInfo(directory, user)))
  ),
  route("GET", "/settings/rbac/users/*", "readUsers", (context) =>
    withDomain(context, (domain) => {
      const { directory } = context.management
      return json(directory.list(domain).map((user) => userInfo(directory, user)))
    })),
  route("GET", userPath, "readUsers", (context) =>
    withDomain(context, (domain, id) => {
      const { directory } = context.management
      return answered(directory.user(domain, id), (user) => json(userInfo(directory, user)))
    })),
  route("PUT", userPath, "administerUsers", (context) =>
    withDomain(context, (domain, id) => {
      const { form } = context.request
      const given = { name: form.get("name"), password: password(form), groups: form.get("groups"), roles: form.get("roles") }
      return answeredLater(context.management.directory.setUser(domain, id, given))
    })),
  route(
    "DELETE",
    userPath,
    "administerUsers",
    (context) => withDomain(context, (domain, id) => answered(context.management.directory.dropUser(domain, id), () => empty(200)))
  ),
  route("GET", "/settings/rbac/roles", "readUsers", () => json(rolesInfo())),
  route("GET", "/settings/rbac/groups", "readUsers", ({ management: { directory } }) => json(directory.groups.map(groupInfo))),
  route(
    "GET",
    groupPath,
    "readUsers",
    ({ management: { directory }, names }) => answered(directory.group(names[0]!), (group) => json(groupInfo(group)))
  ),
  route("PUT", groupPath, "administerUsers", ({ management: { directory }, names, request: { form } }) => {
    const given = { description: form.get("description"), ldapReference: form.get("ldap_group_ref"), roles: form.get("roles") }
    return answered(directory.setGroup(names[0]!, given), () => empty(200))
  }),
  route(
    "DELETE",
    groupPath,
    "administerUsers",
    ({ management: { directory }, names }) => answered(directory.dropGroup(names[0]!), () => empty(200))
  ),
  route(
    "POST",
    "/controller/changePassword",
    undefined,
    ({ management: { directory }, request: { form, user } }) =>
      answeredLater(directory.changePassword(user, password(form) ?? Redacted.make("")))
  )
]

const matches = (path: ReadonlyArray<string>, given: ReadonlyArray<string>): ReadonlyArray<string> | undefined => {
  if (path.length !== given.length || !path.every((part, index) => part === "*" || part === given[index])) return undefined
  return given.filter((_, index) => path[index] === "*")
}

/** Whether the answer needs no sign-in: clients look at it to see whether a server is there. */
export const isOpen = ({ method, path }: Pick<ManagementRequest, "method" | "path">): boolean =>
  method === "GET" && path.length === 1 && path[0] === ""

/** Answers a request of a user who is signed in, or need not be. */
export const answerTo = (management: Management, request: ManagementRequest): Answer => {
  for (const { answer, method, needs, path } of routes) {
    const names = method === request.method ? matches(path, request.path) : undefined
    if (names === undefined) continue
    const bucket = request.path[2] === "buckets" ? request.path[3] : undefined
    if (needs !== undefined && !management.users.permits(request.user, needs, bucket)) {
      const permissions = [`cluster.${bucket === undefined ? "" : `bucket[${bucket}].`}${needs}`]
      return { status: 403, body: { message: "Forbidden. User needs the following permissions", permissions } }
    }
    return answer({ management, request, names })
  }
  return notFound
}
