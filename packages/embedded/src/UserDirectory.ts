/**
 * The users and groups that an administrator makes while a node runs. Local users sign in with a password; external ones are remembered, since
 * there is no server to ask for them. The users that a node was made with are not among them.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { Attempt } from "./Administration.ts"
import { AdministrationError } from "./AdministrationError.ts"
import { readRole, type Role, splitRoles } from "./Roles.ts"
import { isCredentialText, type Users } from "./Users.ts"

/** Where a user comes from. */
export type Domain = "local" | "external"

/** A user as administrators see it. */
export interface UserRecord {
  readonly id: string
  readonly domain: Domain
  readonly name: string
  readonly groups: ReadonlyArray<string>
  readonly roles: ReadonlyArray<Role>
  /** Unix time in milliseconds at which the password was set. */
  readonly passwordChanged: number | undefined
}

/** A group of users. */
export interface GroupRecord {
  readonly id: string
  readonly description: string
  readonly ldapReference: string
  readonly roles: ReadonlyArray<Role>
}

/** A user that is to be made or changed; what is not given is empty, but the password stays. */
export interface GivenUser {
  readonly name?: string | undefined
  readonly password?: Redacted.Redacted<string> | undefined
  /** Names of groups, and roles as forms have them: separated by commas. */
  readonly groups?: string | undefined
  readonly roles?: string | undefined
}

/** A group that is to be made or changed. */
export interface GivenGroup {
  readonly description?: string | undefined
  readonly ldapReference?: string | undefined
  readonly roles?: string | undefined
}

/** Most users, and most groups. */
const most = 1_000
const longestPassword = 256

// what ns_server refuses, and what SCRAM and Basic cannot carry
const isUserName = (name: string): boolean =>
  name.length > 0 && name.length <= 128 && isCredentialText(name) && !/[()<>@,;:\\"/[\]?={}]/.test(name)

const refused = (...args: Parameters<typeof AdministrationError.of>) => Result.fail(AdministrationError.of(...args))

/** Users and groups. */
export class UserDirectory {
  private readonly accounts: Users
  private readonly now: () => number
  private readonly hasBucket: (name: string) => boolean
  private readonly users = new Map<string, UserRecord>()
  private readonly groupsByName = new Map<string, GroupRecord>()

  constructor(accounts: Users, now: () => number, hasBucket: (name: string) => boolean) {
    this.accounts = accounts
    this.now = now
    this.hasBucket = hasBucket
  }

  /** Users of a domain, or of both, by name. */
  list(domain?: Domain): ReadonlyArray<UserRecord> {
    const all = [...this.users.values()].filter((user) => domain === undefined || user.domain === domain)
    return all.sort((a, b) => a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  }

  user(domain: Domain, name: string): Attempt<UserRecord> {
    const user = this.users.get(`${domain}/${name}`)
    return user === undefined ? refused("UserNotFound", "Unknown user.") : Result.succeed(user)
  }

  /** Groups by name. */
  get groups(): ReadonlyArray<GroupRecord> {
    return [...this.groupsByName.values()].sort((a, b) => a.id < b.id ? -1 : 1)
  }

  group(name: string): Attempt<GroupRecord> {
    const group = this.groupsByName.get(name)
    return group === undefined ? refused("GroupNotFound", "Unknown group.") : Result.succeed(group)
  }

  /** Makes or changes a user; local ones need a password when they are made. */
  setUser(domain: Domain, id: string, given: GivenUser): Effect.Effect<void, AdministrationError> {
    return Effect.suspend(() => {
      const key = `${domain}/${id}`
      const known = this.users.get(key)
      const errors: { [field: string]: string } = {}
      if (!isUserName(id)) errors["name"] = "The username must not contain spaces, control or any of ()<>@,;:\\\"/[]?={} characters"
      if (this.accounts.own.has(id)) errors["_"] = "The node was made with a user of this name"
      if (known === undefined && this.users.size >= most) errors["_"] = `There are no more than ${most} users`
      const { password } = given
      if (domain === "local" && password === undefined && known === undefined) errors["password"] = "Password is required for new user."
      if (domain === "external" && password !== undefined) errors["password"] = "External users have no password here"
      if (password !== undefined && !isPassword(password)) {
        errors["password"] = `A password has 1 to ${longestPassword} printable ASCII characters`
      }
      const groups = (given.groups ?? "").split(",").map((one) => one.trim()).filter((one) => one !== "")
      const unknown = groups.filter((one) => !this.groupsByName.has(one))
      if (unknown.length > 0) errors["groups"] = `Groups do not exist: ${unknown.join(", ")}`
      const roles = this.readRoles(given.roles ?? "", errors)
      if (Object.keys(errors).length > 0) return Effect.fail(AdministrationError.invalid(errors))
      const passwordChanged = password === undefined ? known?.passwordChanged : this.now()
      const user: UserRecord = { id, domain, name: given.name ?? "", groups, roles, passwordChanged }
      if (password === undefined) return Effect.sync(() => this.keep(key, user))
      return Effect.map(this.accounts.set(id, password, this.effective(user)), () => this.keep(key, user))
    })
  }

  dropUser(domain: Domain, name: string): Attempt<void> {
    if (!this.users.delete(`${domain}/${name}`)) return refused("UserNotFound", "User was not found.")
    if (domain === "local") this.accounts.remove(name)
    return Result.succeed(undefined)
  }

  /** Gives whoever asks another password. */
  changePassword(name: string | undefined, password: Redacted.Redacted<string>): Effect.Effect<void, AdministrationError> {
    return Effect.suspend(() => {
      if (name === undefined || !this.accounts.has(name)) return Effect.fail(AdministrationError.of("UserNotFound", "Unknown user."))
      if (!isPassword(password)) {
        return Effect.fail(AdministrationError.invalid({ password: `A password has 1 to ${longestPassword} printable ASCII characters` }))
      }
      return Effect.map(this.accounts.set(name, password, this.accounts.roles(name)), () => {
        const user = this.users.get(`local/${name}`)
        if (user !== undefined) this.keep(`local/${name}`, { ...user, passwordChanged: this.now() })
      })
    })
  }

  /** Makes or changes a group; its users have its roles. */
  setGroup(id: string, given: GivenGroup): Attempt<void> {
    const errors: { [field: string]: string } = {}
    if (!isUserName(id)) errors["name"] = "The group name has characters that it must not have"
    if (!this.groupsByName.has(id) && this.groupsByName.size >= most) errors["_"] = `There are no more than ${most} groups`
    const roles = this.readRoles(given.roles ?? "", errors)
    if (Object.keys(errors).length > 0) return Result.fail(AdministrationError.invalid(errors))
    this.groupsByName.set(id, { id, description: given.description ?? "", ldapReference: given.ldapReference ?? "", roles })
    this.refresh()
    return Result.succeed(undefined)
  }

  dropGroup(name: string): Attempt<void> {
    if (!this.groupsByName.delete(name)) return refused("GroupNotFound", "Group was not found.")
    for (const [key, user] of this.users) {
      if (user.groups.includes(name)) this.users.set(key, { ...user, groups: user.groups.filter((one) => one !== name) })
    }
    this.refresh()
    return Result.succeed(undefined)
  }

  /** The roles of a user with those of its groups. */
  effective({ groups, roles }: UserRecord): ReadonlyArray<Role> {
    return [...roles, ...groups.flatMap((name) => this.groupsByName.get(name)?.roles ?? [])]
  }

  private keep(key: string, user: UserRecord): void {
    this.users.set(key, user)
    if (user.domain === "local") this.accounts.setRoles(user.id, this.effective(user))
  }

  private refresh(): void {
    for (const [key, user] of this.users) this.keep(key, user)
  }

  private readRoles(text: string, errors: { [field: string]: string }): ReadonlyArray<Role> {
    const parts = splitRoles(text)
    const roles = parts.map(readRole)
    const wrong = parts.filter((_, index) => {
      const role = roles[index]
      return role === undefined || role.bucket !== undefined && role.bucket !== "*" && !this.hasBucket(role.bucket)
    })
    if (wrong.length > 0) {
      errors["roles"] = `Cannot assign roles that are unknown, malformed or for no bucket there is: [${wrong.join(",").slice(0, 200)}]`
    }
    return roles.filter((role) => role !== undefined)
  }
}

const isPassword = (password: Redacted.Redacted<string>): boolean => {
  const text = Redacted.value(password)
  return isCredentialText(text) && text.length <= longestPassword
}
